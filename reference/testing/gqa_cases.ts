/** GQA cases for tests of the reference: contiguous, said by their sizes, types and recipes. */

import { type CaseOf, caseSchema } from '../../src/case/case.ts';
import { type Dtype, type FloatDtype, sizeOf } from '../../src/case/dtype.ts';
import { type Recipe, recipeSchema } from '../../src/case/recipe.ts';

type Data = Partial<Recipe>;

export interface Wanted {
  readonly batch?: number;
  readonly qLen?: number;
  readonly qHeads?: number;
  readonly kvHeads?: number;
  readonly headDim?: number;
  /** Keys of each batch, or slots of each block. */
  readonly keys?: number;
  readonly dtype?: FloatDtype;
  readonly kvDtype?: FloatDtype;
  readonly q?: Data;
  readonly k?: Data;
  readonly v?: Data;
  readonly kvLen?: readonly number[];
  /** Block numbers by batch; `blocks` of them exist. */
  readonly blockTable?: readonly (readonly number[])[];
  readonly blocks?: number;
  readonly mask?: Data;
  /** Sizes of the mask's first two dimensions. */
  readonly maskShape?: readonly [number, number];
  readonly scale?: number;
  readonly softcap?: number;
  readonly window?: number;
  readonly causal?: boolean;
}

export function gqaCase(wanted: Wanted): CaseOf<'gqa'> {
  const { batch = 1, qLen = 1, qHeads = 1, kvHeads = 1, headDim = 8, keys = 4 } = wanted;
  const { dtype = 'f32', kvDtype = dtype, kvLen, blockTable, mask, maskShape = [1, 1] } = wanted;
  const tensors: Record<string, object> = {};
  const buffers: Record<string, object> = {};
  const add = (role: string, shape: readonly number[], type: Dtype, data?: Data) => {
    const strides = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
    const recipe = data && { data: recipeSchema.parse(data) };
    tensors[role] = { buffer: role, offset: 0, shape, strides, dtype: type, ...recipe };
    buffers[role] = { bytes: shape.reduce((a, b) => a * b, 1) * sizeOf(type), edge: 'end', poison: 'nan' };
  };
  const list = (values: readonly number[]): Data => ({ kind: 'list', values: [...values] });
  const cache = [wanted.blocks ?? batch, keys, kvHeads, headDim];
  const capacity = blockTable ? blockTable[0].length * keys : keys;
  add('q', [batch, qLen, qHeads, headDim], dtype, wanted.q ?? { kind: 'normal', seed: 1 });
  add('k', cache, kvDtype, wanted.k ?? { kind: 'normal', seed: 2 });
  add('v', cache, kvDtype, wanted.v ?? { kind: 'normal', seed: 3 });
  if (kvLen) add('kvLen', [batch], 'i32', list(kvLen));
  if (blockTable) add('blockTable', [batch, blockTable[0].length], 'i32', list(blockTable.flat()));
  if (mask) add('mask', [...maskShape, qLen, capacity], 'f32', mask);
  add('out', [batch, qLen, qHeads, headDim], dtype);
  const { scale = 1 / Math.sqrt(headDim), softcap = 0, window = 0, causal = false } = wanted;
  const params = { scale, softcap, window, causal };
  const c = { version: 1, op: 'gqa', params, buffers, tensors, threads: 1 };
  return caseSchema.parse(c) as CaseOf<'gqa'>;
}
