/** The references of all ops: one line each. */

import type { Case, Op } from '../src/case/case.ts';
import type { Bits } from '../src/case/dtype.ts';
import type { Numerics } from '../src/case/numerics.ts';
import type { Expected, Reference, Truth } from './expected.ts';
import * as goldenGqa from './golden/gqa.ts';
import * as goldenRmsNorm from './golden/rms_norm.ts';
import * as goldenRope from './golden/rope.ts';
import { repeatsBlocks } from './gqa/repeated-blocks.ts';
import { gqa } from './gqa.ts';
import { rmsNorm } from './rms_norm.ts';
import { rope } from './rope.ts';

/**
 * RoPE's tables are not decisive: an error there is that of two products and one sum, and T has the size of
 * these products, whatever the factors are. Nor is GQA's mask: T grows with the scores that it makes, and what
 * is not live counts nowhere. Its sums go over keys, which a block table counts through the blocks too.
 */
export const truths: { readonly [O in Op]: Truth<O> } = {
  rms_norm: {
    reference: rmsNorm,
    decisive: { x: [1], weight: [0], residual: [1] },
    golden: goldenRmsNorm.check,
  },
  rope: { reference: rope, decisive: { x: [3] }, golden: goldenRope.check },
  gqa: {
    reference: gqa,
    decisive: { q: [3], k: [0, 1, 3], v: [0, 1, 3] },
    repeats: repeatsBlocks,
    golden: goldenGqa.check,
  },
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
  return (truths[c.op].reference as Reference<Op>)(c, inputs, rows, numerics);
}
