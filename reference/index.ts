/** The references of all ops: one line each. */

import type { Case, Op } from '../src/case/case.ts';
import type { Bits } from '../src/case/dtype.ts';
import type { Expected, Reference } from './expected.ts';
import { rmsNorm } from './rms_norm.ts';
import { rope } from './rope.ts';

const references: { readonly [O in Op]?: Reference<O> } = {
  rms_norm: rmsNorm,
  rope,
};

/**
 * What every output of a case may be.
 *
 * @param inputs - stored elements of every input in logical order, as a kernel finds them.
 * @param rows - which rows to compute, ascending; absent: all.
 * @throws when the op has no reference.
 */
export function expectedOf(
  c: Case,
  inputs: Readonly<Record<string, Bits>>,
  rows?: readonly number[],
): Expected[] {
  const reference = references[c.op] as Reference<Op> | undefined;
  if (!reference) {
    throw new Error(`op "${c.op}" has no reference; there is ${Object.keys(references).join(', ')}`);
  }
  return reference(c, inputs, rows);
}
