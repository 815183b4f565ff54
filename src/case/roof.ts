/** What stands for the best that a machine could do: copying bytes, reading them, or arithmetic in registers. */
export const roofs = ['memcpy', 'read', 'multiply-add'] as const;
export type Roof = (typeof roofs)[number];
