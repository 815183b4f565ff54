/** The references of all ops: one line each. */

import type { Case, Op } from '../src/case/case.ts';
import type { Bits } from '../src/case/dtype.ts';
import type { Numerics } from '../src/case/numerics.ts';
import type { Expected, Reference } from './expected.ts';
import { gqa } from './gqa.ts';
import { rmsNorm } from './rms_norm.ts';
import { rope } from './rope.ts';

const references: { readonly [O in Op]: Reference<O> } = {
  rms_norm: rmsNorm,
  rope,
  gqa,
};

/**
 * What every output of a case may be.
 *
 * @param inputs - stored elements of every input in logical order, as a kernel finds them.
 * @param rows - which rows to compute, ascending; absent: all.
 * @param numerics - class of the kernels that are held to it; absent: F32.
 */
export function expectedOf(
  c: Case,
  inputs: Readonly<Record<string, Bits>>,
  rows?: readonly number[],
  numerics?: Numerics,
): Expected[] {
  return (references[c.op] as Reference<Op>)(c, inputs, rows, numerics);
}
