/** RoPE cases for tests of the reference: contiguous, said by their sizes, types and recipes. */

import { type CaseOf, caseSchema, countOf } from '../../src/case/case.ts';
import { type Dtype, type FloatDtype, sizeOf } from '../../src/case/dtype.ts';
import { type Recipe, recipeSchema } from '../../src/case/recipe.ts';

export type Scaling = CaseOf<'rope'>['params']['scaling'];

export interface Wanted {
  readonly batch?: number;
  readonly heads?: number;
  readonly headDim: number;
  /** Absent: headDim. */
  readonly rotaryDim?: number;
  readonly interleaved?: boolean;
  readonly dtype?: FloatDtype;
  readonly x: Partial<Recipe>;
  /** One a token; or one a batch and token, a row a batch. */
  readonly positions: readonly number[] | readonly (readonly number[])[];
  readonly theta?: number;
  readonly scaling?: Scaling;
  /** Cosines and sines from tables of so many rows, instead of angles. */
  readonly tables?: { readonly rows: number; readonly cos: Partial<Recipe>; readonly sin: Partial<Recipe> };
}

export function ropeCase(wanted: Wanted): CaseOf<'rope'> {
  const { batch = 1, heads = 1, headDim, rotaryDim = headDim, dtype = 'f32', positions, tables } = wanted;
  const tensors: Record<string, object> = {};
  const buffers: Record<string, object> = {};
  const add = (role: string, shape: number[], type: Dtype, data?: Partial<Recipe>) => {
    const strides = shape.map((_, d) => countOf(shape.slice(d + 1)));
    const recipe = data && { data: recipeSchema.parse(data) };
    tensors[role] = { buffer: role, offset: 0, shape, strides, dtype: type, ...recipe };
    buffers[role] = { bytes: countOf(shape) * sizeOf(type), edge: 'end', poison: 'nan' };
  };
  const values = positions.flat();
  const perBatch = Array.isArray(positions[0]);
  const tokens = perBatch ? values.length / batch : values.length;
  const shape = [batch, tokens, heads, headDim];
  add('x', shape, dtype, wanted.x);
  add('positions', perBatch ? [batch, tokens] : [tokens], 'i32', { kind: 'list', values });
  if (tables) {
    add('cos', [tables.rows, rotaryDim / 2], 'f32', tables.cos);
    add('sin', [tables.rows, rotaryDim / 2], 'f32', tables.sin);
  }
  add('y', shape, dtype);
  const { interleaved = false, theta = 10000, scaling = { type: 'none' } } = wanted;
  const params = { rotaryDim, interleaved, theta, scaling };
  return caseSchema.parse({ version: 1, op: 'rope', params, buffers, tensors, threads: 1 }) as CaseOf<'rope'>;
}
