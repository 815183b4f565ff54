/**
 * How much of the clock a contender gets.
 *
 * A fast call is made many times in every block. One that is longer than a block is made once in it, and in fewer
 * blocks the longer it is, but never in fewer than three: an interval of two says nothing. Where not even these
 * fit, the pace says whether it is timed all the same or left out, and then that is said.
 */

import type { Clock } from '../providers/protocol.ts';

/** Blocks of a contest. */
const mostBlocks = 7;
/** Blocks that a contender is in at least. */
const fewestBlocks = 3;
/** Nanoseconds that a contender gets in a block, and that one sample should last at least. */
const blockTime = 12e6;
export const sampleTime = 1e6;
const mostSamples = 8;

/** How much time a bench takes. */
export interface Pace {
  /** Nanoseconds that a contender gets for all its blocks at one shape in one type. */
  readonly contender: number;
  /** What becomes of a call that is too long for three blocks. */
  readonly tooLong: 'timed' | 'left out';
  /** Nanoseconds for everything. What has not begun by then is left out. */
  readonly all: number;
}

/** Everything is timed, what takes seconds in three blocks. */
export const thorough: Pace = { contender: 4e9, tooLong: 'timed', all: Infinity };

/** What a run of everything can afford. */
export const brisk: Pace = { contender: 1.8e9, tooLong: 'left out', all: 75e9 };

/** The longest call that is timed, nanoseconds. */
export function longestCall({ contender, tooLong }: Pace): number {
  return tooLong === 'timed' ? Infinity : contender / fewestBlocks;
}

/** Blocks that a contender is in, and what it does in each. */
export interface Turns {
  readonly blocks: number;
  readonly clock: Clock;
}

/**
 * The turns of a contender whose call takes so many nanoseconds.
 *
 * The first call after another contender's is not counted, as the caches are still the other's, but where it is
 * longer than a block: then refilling them is less than a hundredth of it.
 */
export function turnsOf(call: number, { contender }: Pace): Turns {
  if (call > blockTime) {
    const fit = Math.floor(contender / call);
    const blocks = Math.min(Math.max(fit, fewestBlocks), mostBlocks);
    return { blocks, clock: { before: 0, calls: 1, samples: 1 } };
  }
  const calls = Math.max(1, Math.round(sampleTime / call));
  const samples = Math.min(Math.max(Math.floor(blockTime / (calls * call)), 1), mostSamples);
  return { blocks: mostBlocks, clock: { before: 1, calls, samples } };
}
