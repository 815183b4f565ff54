/** RMSNorm cases for tests of the reference: contiguous, said by their sizes, types and recipes. */

import { type CaseOf, caseSchema } from '../../src/case/case.ts';
import { type FloatDtype, sizeOf } from '../../src/case/dtype.ts';
import { type Recipe, recipeSchema } from '../../src/case/recipe.ts';

export interface Wanted {
  readonly rows?: number;
  readonly n: number;
  readonly dtype?: FloatDtype;
  readonly x: Partial<Recipe>;
  /** null: no weight. */
  readonly weight?: Partial<Recipe> | null;
  readonly weightDtype?: FloatDtype;
  readonly residual?: Partial<Recipe>;
  readonly eps?: number;
  readonly weightOffset?: number;
  readonly roundBeforeWeight?: boolean;
}

export function rmsNormCase(wanted: Wanted): CaseOf<'rms_norm'> {
  const { rows = 1, n, dtype = 'f32', weight = { kind: 'uniform', seed: 9 }, weightDtype = dtype } = wanted;
  const tensors: Record<string, object> = {};
  const buffers: Record<string, object> = {};
  const add = (role: string, shape: number[], type: FloatDtype, data?: Partial<Recipe>) => {
    const strides = shape.length === 2 ? [n, 1] : [1];
    const recipe = data && { data: recipeSchema.parse(data) };
    tensors[role] = { buffer: role, offset: 0, shape, strides, dtype: type, ...recipe };
    const bytes = shape.reduce((a, b) => a * b, 1) * sizeOf(type);
    buffers[role] = { bytes, edge: 'end', poison: 'nan' };
  };
  add('x', [rows, n], dtype, wanted.x);
  if (weight) add('weight', [n], weightDtype, weight);
  if (wanted.residual) {
    add('residual', [rows, n], dtype, wanted.residual);
    add('residualOut', [rows, n], dtype);
  }
  add('y', [rows, n], dtype);
  const { eps = Math.fround(1e-5), weightOffset = 0, roundBeforeWeight = false } = wanted;
  const params = { eps, weightOffset, roundBeforeWeight };
  return caseSchema.parse({
    version: 1,
    op: 'rms_norm',
    params,
    buffers,
    tensors,
    threads: 1,
  }) as CaseOf<'rms_norm'>;
}
