/** RMSNorm's reference against rms_norm.json. */

import { z } from 'zod';
import type { CaseOf, TensorSpec } from '../../src/case/case.ts';
import { type Bits, decode, floatDtypes } from '../../src/case/dtype.ts';
import { rule } from '../expected.ts';
import { rmsNorm } from '../rms_norm.ts';
import { fromHex, numbersSchema, stored, vectorsOf } from './stored.ts';

/** How far the reference may be off, relative: a thousandth of an f32 half ulp is 6e-11. */
const tolerance = 1e-12;

const vectorSchema = z.object({
  name: z.string(),
  dtype: z.enum(floatDtypes),
  rows: z.int(),
  n: z.int(),
  eps: z.number(),
  weightOffset: z.number(),
  roundBeforeWeight: z.boolean(),
  x: numbersSchema,
  weight: numbersSchema.and(z.object({ dtype: z.enum(floatDtypes) })).optional(),
  residual: numbersSchema.optional(),
  /** Columns for which values are given, of every row. */
  columns: z.array(z.int()),
  /** Decimals of 25 digits, or `nan`. */
  y: z.array(z.string()),
  /** Stored bits. */
  residualOut: z.string().optional(),
});
type GoldenVector = z.infer<typeof vectorSchema>;

/** The committed vectors. */
export function goldenVectors(): GoldenVector[] {
  return vectorsOf('rms_norm', vectorSchema);
}

/** Where the reference disagrees with a vector, one sentence each. */
export function check(vectors: readonly GoldenVector[] = handful()): string[] {
  return vectors.flatMap(disagreements);
}

/** Every fifth of the short ones: each type and both roundings are among them. */
function handful(): GoldenVector[] {
  return goldenVectors().filter(({ n }, i) => n < 100 && i % 5 === 0);
}

function disagreements(vector: GoldenVector): string[] {
  const { name, rows, n, columns, dtype } = vector;
  const [y, residualOut] = rmsNorm(caseOf(vector), inputsOf(vector));
  const found: string[] = [];
  const differs = (what: string, k: number, seen: unknown, wanted: unknown) =>
    found.push(
      `golden vector "${name}": ${what}[${Math.floor(k / columns.length)}, ${columns[k % columns.length]}] ` +
        `is ${seen} here and ${wanted} in reference/golden/rms_norm.json`,
    );
  if (vector.y.length !== rows * columns.length) throw new Error(`golden vector "${name}" is damaged`);
  vector.y.forEach((wanted, k) => {
    const i = Math.floor(k / columns.length) * n + columns[k % columns.length];
    const agrees =
      wanted === 'nan'
        ? y.rules[i] === rule.nan
        : y.rules[i] === 0 && Math.abs(y.ref[i] - Number(wanted)) <= tolerance * Math.abs(Number(wanted));
    if (!agrees) differs('y', k, `${y.ref[i]} under rules ${y.rules[i]}`, wanted);
  });
  if (vector.residualOut !== undefined) {
    fromHex(vector.residualOut, dtype).forEach((wanted, k) => {
      const i = Math.floor(k / columns.length) * n + columns[k % columns.length];
      const seen = residualOut?.exact?.[i];
      if (seen !== wanted)
        differs('residualOut', k, seen === undefined ? seen : decode(seen, dtype), decode(wanted, dtype));
    });
  }
  return found;
}

function caseOf(vector: GoldenVector): CaseOf<'rms_norm'> {
  const { rows, n, dtype, weight, eps, weightOffset, roundBeforeWeight } = vector;
  const matrix: TensorSpec = { buffer: null, offset: 0, shape: [rows, n], strides: [n, 1], dtype };
  const tensors: Record<string, TensorSpec> = { x: matrix, y: matrix };
  if (weight) tensors.weight = { buffer: null, offset: 0, shape: [n], strides: [1], dtype: weight.dtype };
  if (vector.residual) Object.assign(tensors, { residual: matrix, residualOut: matrix });
  const params = { eps, weightOffset, roundBeforeWeight };
  return { version: 1, op: 'rms_norm', params, buffers: {}, tensors, threads: 1 };
}

function inputsOf({ x, weight, residual, rows, n, dtype }: GoldenVector): Record<string, Bits> {
  const inputs: Record<string, Bits> = { x: stored(x, rows * n, dtype) };
  if (weight) inputs.weight = stored(weight, n, weight.dtype);
  if (residual) inputs.residual = stored(residual, rows * n, dtype);
  return inputs;
}

