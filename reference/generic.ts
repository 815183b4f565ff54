/** Whether a case's data is unstructured, so that rounding errors are as good as random. */

import type { Case, Op, TensorSpec } from '../src/case/case.ts';
import { type FloatDtype, formats, powerOfTwo } from '../src/case/dtype.ts';
import { recipeKinds } from '../src/case/recipe.ts';
import type { Truth } from './expected.ts';
import { truths } from './index.ts';

/**
 * Whether the precision statistic and the row bias may be asked of a case: every input that decides is of a
 * generic recipe and well inside its type's normal range, has no patched elements, and repeats none within a
 * sum: by a stride of 0, or as the op knows.
 *
 * Constants and ties make errors that add up: a sequential f32 sum over a constant row is off by n/4 u, and
 * right. So do subnormals, which are small multiples of one number: over 65,536 f16 values of scale 2^-20
 * it is off by n/16 u.
 */
export function isGeneric(c: Case): boolean {
  const { decisive, repeats } = truths[c.op] as Truth<Op>;
  const unstructured = Object.entries(decisive)
    .filter(([role]) => role in c.tensors)
    .every(([role, sums]) => isUnstructured(c.tensors[role]) && !repeatsAlong(c.tensors[role], sums));
  return unstructured && !repeats?.(c);
}

function isUnstructured({ data, dtype }: TensorSpec): boolean {
  if (!data || data.patches.length > 0 || data.ulps !== undefined || !recipeKinds[data.kind].generic)
    return false;
  return Math.abs(data.scale) >= powerOfTwo(formats[dtype as FloatDtype].minExponent + 2);
}

function repeatsAlong({ shape, strides }: TensorSpec, dimensions: readonly number[]): boolean {
  return dimensions.some(d => strides[d] === 0 && shape[d] > 1);
}
