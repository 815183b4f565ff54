/** Whether a case's data is unstructured, so that rounding errors are as good as random. */

import type { Case, Op, TensorSpec } from '../src/case/case.ts';
import { type FloatDtype, formats, powerOfTwo } from '../src/case/dtype.ts';
import { recipeKinds } from '../src/case/recipe.ts';

/**
 * The inputs of each op that its rounding errors come from. RoPE's tables are not among them: an error there is
 * that of two products and one sum, and T has the size of these products, whatever the factors are. Nor is
 * GQA's mask: T grows with the scores that it makes, and what is not live counts nowhere.
 */
const decisive: Readonly<Record<Op, readonly string[]>> = {
  rms_norm: ['x', 'weight', 'residual'],
  rope: ['x'],
  gqa: ['q', 'k', 'v'],
};

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
  return decisive[c.op]
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
