/**
 * The references against golden vectors: values that another program computed from the contracts alone, with
 * exact rationals and 400 bits (golden/*.py). A harness whose reference is wrong proves nothing, so every run
 * starts with a few of them.
 */

import { truths } from './index.ts';

/**
 * Where a reference disagrees with a golden vector, one sentence each; none when all is well. A handful of
 * vectors of every op, which takes milliseconds.
 */
export function checkGolden(): string[] {
  return Object.values(truths).flatMap(({ golden }) => golden());
}
