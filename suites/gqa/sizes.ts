/** How large a plan's case is: its sizes as far as a check can afford them, and the keys of each batch. */

import { hash } from '../../src/case/random.ts';
import type { Plan } from './plan.ts';
import type { Sight } from './sight.ts';

/** Multiply-adds of Q K^T in a drawn case, at most; the reference has about fifty million of them in a second. */
export const affordableWork = 3 << 17;

export interface Sizes extends Sight {
  readonly batch: number;
  readonly kvHeads: number;
  readonly qHeads: number;
  readonly headDim: number;
  /** Slots of a block; null: not paged. */
  readonly blockSize: number | null;
  /** Keys that each batch has room for. */
  readonly capacity: number;
  /** Keys of each batch. */
  readonly lengths: readonly number[];
}

/** What is too much is taken from queries, then from batches, then from keys. */
export function sizesOf(plan: Plan, mostWork: number): Sizes {
  const { kvHeads, headDim, paging, causal } = plan;
  const qHeads = kvHeads * plan.group;
  const row = qHeads * headDim;
  const affordable = (per: number) => Math.max(1, Math.floor(mostWork / Math.max(1, per)));
  let { batch, keys, qLen } = plan;
  if (plan.prompt) {
    keys = Math.min(keys, Math.max(1, Math.floor(Math.sqrt(affordable(row * Math.max(1, batch))))));
    qLen = keys;
  }
  qLen = Math.min(qLen, affordable(batch * row * keys));
  batch = Math.min(batch, affordable(qLen * row * keys));
  keys = Math.min(keys, affordable(batch * qLen * row));

  const blockSize = paging?.blockSize ?? null;
  const spare = plan.lengths === 'absent' ? 0 : plan.spare;
  const capacity = blockSize ? (Math.ceil(keys / blockSize) + spare) * blockSize : keys + spare;
  return {
    batch,
    qLen,
    causal,
    window: causal ? plan.window : 0,
    kvHeads,
    qHeads,
    headDim,
    blockSize,
    capacity,
    lengths: lengthsOf(plan, batch, keys, capacity),
  };
}

function lengthsOf({ lengths, lengthsLayout, k }: Plan, batch: number, keys: number, capacity: number) {
  const of = {
    absent: () => capacity,
    equal: () => keys,
    falling: (b: number) => Math.max(0, keys - b * Math.max(1, Math.floor(keys / 3))),
    scattered: (b: number) => (b === 0 ? keys : hash(k.seed, b) % (keys + 1)),
    'last empty': (b: number) => (b === batch - 1 ? 0 : keys),
  }[lengths];
  const each = Array.from({ length: batch }, (_, b) => of(b));
  // All batches share one number then.
  const repeated = lengthsLayout.kind === 'repeated' && lengths !== 'absent';
  return repeated ? each.map(() => each[batch - 1]) : each;
}
