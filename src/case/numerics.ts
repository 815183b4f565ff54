/** Names of the numerics classes, by their number in the C interface (`tw_numerics`): what a kernel promises of its arithmetic. */
export const numericsNames = ['f32', 'bf16 dot', 'f16 dot', 'f16 accumulate'] as const;
export type Numerics = (typeof numericsNames)[number];
