/**
 * The reference against golden vectors: values that another program computed from the contract alone, with
 * exact rationals and 400 bits (golden/rms_norm.py). A harness whose reference is wrong proves nothing, so
 * every run starts with a few of them.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { CaseOf, TensorSpec } from '../src/case/case.ts';
import {
  type Bits,
  bitsOf,
  decode,
  encodeAll,
  type FloatDtype,
  floatDtypes,
  powerOfTwo,
} from '../src/case/dtype.ts';
import { projectRoot } from '../src/root.ts';
import { rule } from './expected.ts';
import { expectedOf } from './index.ts';

/** How far the reference may be off, relative: a thousandth of an f32 half ulp is 6e-11. */
const tolerance = 1e-12;

/** Stored elements in hexadecimal, one behind the other; or element i is ((a i + b) mod m - c) 2^e. */
const numbersSchema = z.union([
  z.object({ bits: z.string() }),
  z.object({ a: z.int(), b: z.int(), m: z.int(), c: z.int(), e: z.int() }),
]);
type Numbers = z.infer<typeof numbersSchema>;

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
export type GoldenVector = z.infer<typeof vectorSchema>;

/** The committed vectors of RMSNorm. */
export function goldenVectors(): GoldenVector[] {
  const file = join(projectRoot, 'reference/golden/rms_norm.json');
  return z
    .object({ version: z.literal(1), vectors: z.array(vectorSchema) })
    .parse(JSON.parse(readFileSync(file, 'utf8'))).vectors;
}

/**
 * Where the reference disagrees with a golden vector, one sentence each; none when all is well. Without
 * argument, a handful of vectors that takes milliseconds.
 */
export function checkGolden(vectors: readonly GoldenVector[] = handful()): string[] {
  return vectors.flatMap(disagreements);
}

/** Every fifth of the short ones: each type and both roundings are among them. */
function handful(): GoldenVector[] {
  return goldenVectors().filter(({ n }, i) => n < 100 && i % 5 === 0);
}

function disagreements(vector: GoldenVector): string[] {
  const { name, rows, n, columns, dtype } = vector;
  const [y, residualOut] = expectedOf(caseOf(vector), inputsOf(vector));
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

function stored(numbers: Numbers, count: number, dtype: FloatDtype): Bits {
  if ('bits' in numbers) return fromHex(numbers.bits, dtype);
  const { a, b, m, c, e } = numbers;
  return encodeAll(
    Float64Array.from({ length: count }, (_, i) => (((a * i + b) % m) - c) * powerOfTwo(e)),
    dtype,
  );
}

function fromHex(text: string, dtype: FloatDtype): Bits {
  const digits = dtype === 'f32' ? 8 : 4;
  const bits = bitsOf(dtype, text.length / digits);
  for (let i = 0; i < bits.length; i++)
    bits[i] = Number.parseInt(text.slice(i * digits, (i + 1) * digits), 16);
  return bits;
}
