/** Block tables: where the keys of a batch stand in a cache of blocks, and which slots nobody looks at. */

import { hash } from '../../src/case/random.ts';
import type { Paging } from './plan.ts';
import { visibleToAny } from './sight.ts';
import type { Sizes } from './sizes.ts';

/** Numbers of blocks that are none. */
const garbage = [-1, 2 ** 31 - 1, -(2 ** 31), 1_000_003] as const;

export interface Cache {
  /** Of k and v: batches or blocks, and keys of each. */
  readonly shape: readonly [number, number];
  /** Entries by batch, C order; null: not paged. */
  readonly table: readonly number[] | null;
  /** The slots, counted through all batches or blocks, in which a query sees a key. */
  readonly seen: ReadonlySet<number>;
}

/** @param whole - every entry names a block, seen or not: some are shared by the way in which the table lies. */
export function cacheOf(sizes: Sizes, paging: Paging | null, whole: boolean): Cache {
  const { batch, capacity, lengths } = sizes;
  const seen = new Set<number>();
  const see = (slotOf: (b: number, key: number) => number): void => {
    for (let b = 0; b < batch; b++) {
      const { first, end } = visibleToAny(sizes, lengths[b]);
      for (let key = first; key < end; key++) seen.add(slotOf(b, key));
    }
  };
  if (!paging) {
    see((b, key) => b * capacity + key);
    return { shape: [batch, capacity], table: null, seen };
  }
  const { blockSize, spare, shared, seed } = paging;
  const perBatch = capacity / blockSize;
  const entries = batch * perBatch;
  const used = shared ? Math.ceil(entries / 2) : entries;
  const blocks = used + spare;
  const order = ordered(blocks, paging);
  const table = Array.from({ length: entries }, (_, e) => order[e % used]);
  if (paging.garbage && !whole) {
    for (let b = 0; b < batch; b++) {
      const { first, end } = visibleToAny(sizes, lengths[b]);
      for (let i = 0; i < perBatch; i++) {
        const looked = end > first && (i + 1) * blockSize > first && i * blockSize < end;
        if (!looked) table[b * perBatch + i] = [blocks, ...garbage][hash(seed, i) % 5];
      }
    }
  }
  see((b, key) => table[b * perBatch + Math.floor(key / blockSize)] * blockSize + (key % blockSize));
  return { shape: [blocks, blockSize], table, seen };
}

/** The blocks in the order in which entries name them. */
function ordered(blocks: number, { order, seed }: Paging): number[] {
  const numbers = Array.from({ length: blocks }, (_, block) => block);
  switch (order) {
    case 'ascending':
      return numbers;
    case 'descending':
      return numbers.reverse();
    case 'scattered':
      return numbers.sort((a, b) => hash(seed, a) - hash(seed, b));
  }
}
