/** Whether a case's data is unstructured, so that rounding errors are as good as random. */

import type { Case, TensorSpec } from '../src/case/case.ts';
import { type FloatDtype, formats, powerOfTwo } from '../src/case/dtype.ts';
import { recipeKinds } from '../src/case/recipe.ts';
import { truths } from './index.ts';

/**
 * Whether the precision statistic and the row bias may be asked of a case: every input that decides is of a
 * generic recipe and well inside its type's normal range, has no patched elements, and repeats none within a
 * row by a stride of 0.
 *
 * Constants and ties make errors that add up: a sequential f32 sum over a constant row is off by n/4 u, and
 * right. So do subnormals, which are small multiples of one number: over 65,536 f16 values of scale 2^-20
 * it is off by n/16 u.
 */
export function isGeneric(c: Case): boolean {
  return truths[c.op].decisive
    .filter(role => role in c.tensors)
    .map(role => c.tensors[role])
    .every(tensor => isUnstructured(tensor) && !repeatsInRows(tensor));
}

function isUnstructured({ data, dtype }: TensorSpec): boolean {
  if (!data || data.patches.length > 0 || !recipeKinds[data.kind].generic) return false;
  return Math.abs(data.scale) >= powerOfTwo(formats[dtype as FloatDtype].minExponent + 2);
}

function repeatsInRows({ shape, strides }: TensorSpec): boolean {
  return strides.at(-1) === 0 && shape.at(-1)! > 1;
}
