/** What a call costs. */

import { type Case, countOf } from '../../src/case/case.ts';

/** The multiply-adds of Q K^T and P V over all keys that there is room for, and the elements of the cache. */
export function cost({ tensors: { q, k, v, blockTable } }: Case): number {
  const keys = k.shape[1] * (blockTable?.shape[1] ?? 1);
  return 2 * countOf(q.shape) * keys + countOf(k.shape) + countOf(v.shape);
}
