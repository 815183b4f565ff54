/** GQA's reference against gqa.json. */

import { z } from 'zod';
import type { CaseOf, TensorSpec } from '../../src/case/case.ts';
import { type Bits, type Dtype, encodeAll, floatDtypes } from '../../src/case/dtype.ts';
import { rule } from '../expected.ts';
import { gqa } from '../gqa.ts';
import { numbersSchema, stored, vectorsOf } from './stored.ts';

/** How far the reference may be off, of the largest element: a thousandth of an f32 half ulp is 6e-11. */
const tolerance = 1e-12;

const vectorSchema = z.object({
  name: z.string(),
  dtype: z.enum(floatDtypes),
  kvDtype: z.enum(floatDtypes),
  batch: z.int(),
  qLen: z.int(),
  qHeads: z.int(),
  kvHeads: z.int(),
  headDim: z.int(),
  kvCap: z.int(),
  scale: z.number(),
  softcap: z.number(),
  window: z.int(),
  causal: z.boolean(),
  kvLen: z.array(z.int()).optional(),
  paged: z
    .object({ blocks: z.int(), blockSize: z.int(), table: z.array(z.array(z.int())) })
    .optional(),
  mask: z.object({ shape: z.array(z.int()), bits: z.string() }).optional(),
  q: numbersSchema,
  k: numbersSchema,
  v: numbersSchema,
  /** Rows and columns for which values are given. */
  rows: z.array(z.int()),
  columns: z.array(z.int()),
  /** Decimals of 25 digits, `nan`, or `+0` where no key is live. */
  out: z.array(z.string()),
});
type GoldenVector = z.infer<typeof vectorSchema>;

/** The committed vectors. */
export function goldenVectors(): GoldenVector[] {
  return vectorsOf('gqa', vectorSchema);
}

/** Where the reference disagrees with a vector, one sentence each. */
export function check(vectors: readonly GoldenVector[] = handful()): string[] {
  return vectors.flatMap(disagreements);
}

/** Every fourth of the short ones: each type, and each rule of the contract, are among them. */
function handful(): GoldenVector[] {
  return goldenVectors().filter(({ kvCap }, i) => kvCap < 100 && i % 4 === 0);
}

function disagreements(vector: GoldenVector): string[] {
  const { name, rows, columns, headDim, out } = vector;
  if (out.length !== rows.length * columns.length) throw new Error(`golden vector "${name}" is damaged`);
  const [{ ref, rules }] = gqa(caseOf(vector), inputsOf(vector), rows);
  const largest = Math.max(...out.map(text => (text === 'nan' ? 0 : Math.abs(Number(text)))));
  return out.flatMap((wanted, at) => {
    const [row, column] = [Math.floor(at / columns.length), columns[at % columns.length]];
    const i = row * headDim + column;
    const agrees =
      wanted === 'nan'
        ? rules[i] === rule.nan
        : rules[i] === (wanted === '+0' ? rule.bits : 0) &&
          Math.abs(ref[i] - Number(wanted)) <= tolerance * largest;
    if (agrees) return [];
    const seen = `${ref[i]} under rules ${rules[i]}`;
    return [
      `golden vector "${name}": out[${rows[row]}, ${column}] is ${seen} here and ${wanted} in reference/golden/gqa.json`,
    ];
  });
}

function caseOf(vector: GoldenVector): CaseOf<'gqa'> {
  const { batch, qLen, qHeads, kvHeads, headDim, kvCap, dtype, kvDtype, kvLen, paged, mask } = vector;
  const view = (shape: number[], type: Dtype): TensorSpec => {
    const strides = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
    return { buffer: null, offset: 0, shape, strides, dtype: type };
  };
  const keys = view([paged?.blocks ?? batch, paged?.blockSize ?? kvCap, kvHeads, headDim], kvDtype);
  const q = view([batch, qLen, qHeads, headDim], dtype);
  const tensors: Record<string, TensorSpec> = { q, k: keys, v: keys, out: q };
  if (kvLen) tensors.kvLen = view([batch], 'i32');
  if (paged) tensors.blockTable = view([batch, paged.table[0].length], 'i32');
  if (mask) tensors.mask = view(mask.shape, 'f32');
  const { scale, softcap, window, causal } = vector;
  return { version: 1, op: 'gqa', params: { scale, softcap, window, causal }, buffers: {}, tensors, threads: 1 };
}

function inputsOf(vector: GoldenVector): Record<string, Bits> {
  const { batch, qLen, qHeads, kvHeads, headDim, kvCap, dtype, kvDtype, kvLen, paged, mask } = vector;
  const rowsOfKeys = paged ? paged.blocks * paged.blockSize : batch * kvCap;
  const integers = (values: number[]) => encodeAll(Float64Array.from(values), 'i32');
  return {
    q: stored(vector.q, batch * qLen * qHeads * headDim, dtype),
    k: stored(vector.k, rowsOfKeys * kvHeads * headDim, kvDtype),
    v: stored(vector.v, rowsOfKeys * kvHeads * headDim, kvDtype),
    ...(kvLen && { kvLen: integers(kvLen) }),
    ...(paged && { blockTable: integers(paged.table.flat()) }),
    ...(mask && { mask: stored(mask, 0, 'f32') }),
  };
}
