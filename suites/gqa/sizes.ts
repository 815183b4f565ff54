/** How large a plan's case is: its sizes as far as a check can afford them, and the keys of each batch. */

import { hash } from '../../src/case/random.ts';
import type { Plan } from './plan.ts';
import type { Sight } from './sight.ts';

/** What a case may have at most. */
export interface Room {
  /** Multiply-adds of Q K^T; the reference has about fifty million of them in a second. */
  readonly work: number;
  /** Elements of k; about ten million elements of k and v are made in a second. */
  readonly elements: number;
}

/**
 * What drawn cases may have: most are small, since what goes wrong goes wrong there, and many cases are worth
 * more than large ones; of some, enough to leave any cache or tile.
 */
export const affordable: Readonly<Record<Plan['room'], Room>> = {
  little: { work: 3 << 15, elements: 1 << 15 },
  ample: { work: 3 << 17, elements: 1 << 18 },
};

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
export function sizesOf(plan: Plan, room: Room = affordable[plan.room]): Sizes {
  const { kvHeads, headDim, paging, causal } = plan;
  const qHeads = kvHeads * plan.group;
  const row = qHeads * headDim;
  const fits = (most: number, per: number) => Math.max(1, Math.floor(most / Math.max(1, per)));
  const worked = (per: number) => fits(room.work, per);
  let { batch, keys, qLen } = plan;
  if (plan.prompt) {
    keys = Math.min(keys, Math.max(1, Math.floor(Math.sqrt(worked(row * Math.max(1, batch))))));
    qLen = keys;
  }
  qLen = Math.min(qLen, worked(batch * row * keys));
  const ofKey = kvHeads * headDim;
  batch = Math.min(batch, worked(qLen * row * keys), fits(room.elements, keys * ofKey));
  keys = Math.min(keys, worked(batch * qLen * row), fits(room.elements, batch * ofKey));

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
