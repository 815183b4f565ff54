/** Whether a case's data is unstructured, so that rounding errors are as good as random. */

import { type Case, inputsOf } from '../src/case/case.ts';
import { recipeKinds } from '../src/case/recipe.ts';

/**
 * Whether the precision statistic and the row bias may be asked of a case: every float input is of a generic
 * recipe, without patched elements, and no stride of 0 repeats an element within a row. Constants and ties
 * make errors that add up; a sequential f32 sum over a constant row is off by n/4 u and right.
 */
export function isGeneric(c: Case): boolean {
  return inputsOf(c)
    .map(role => c.tensors[role])
    .filter(tensor => tensor.dtype !== 'i32')
    .every(({ data, shape, strides }) => {
      const repeats = strides.at(-1) === 0 && (shape.at(-1) ?? 0) > 1;
      return data !== undefined && recipeKinds[data.kind].generic && data.patches.length === 0 && !repeats;
    });
}
