/** Whether a batch meets the same keys more than once: then its sums are of terms that are alike. */

import type { CaseOf } from '../../src/case/case.ts';
import { makeValues } from '../../src/case/recipe.ts';

/** Whether a batch's row of the block table names a block twice, seen or not. */
export function repeatsBlocks({ tensors: { blockTable, k } }: CaseOf<'gqa'>): boolean {
  if (!blockTable?.data) return false;
  const [batch, perBatch] = blockTable.shape;
  if (perBatch > 1 && blockTable.strides[1] === 0) return true;
  const entries = makeValues(blockTable.data, blockTable.shape, 'i32');
  return Array.from({ length: batch }, (_, b) => entries.subarray(b * perBatch, (b + 1) * perBatch)).some(
    row => {
      // Numbers of no block, which stand where nobody looks, are as large as unsigned ones get.
      const blocks = row.filter(block => block < k.shape[0]);
      return new Set(blocks).size < blocks.length;
    },
  );
}
