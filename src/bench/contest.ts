/**
 * A contest: kernels and roofs on one case, in turns.
 *
 * The clock is in the runner, around native calls; nothing of the harness is in a sample. Contenders take turns
 * in blocks, in an order drawn anew for each, so that what the machine does meanwhile hits all of them.
 */

import { hash } from '../case/random.ts';
import { type Host, HostError } from '../providers/host.ts';
import type { Call, Clock, Contender } from '../providers/protocol.ts';
import type { Slot } from '../providers/slots.ts';
import { longestCall, type Pace, sampleTime, type Turns, turnsOf } from './pace.ts';

/** Who is in a contest, and what it is to the caller. */
export interface Entrant<T> {
  readonly is: T;
  readonly host: Host;
  readonly contender: Contender;
}

/** What came of one: raw samples, nanoseconds per call, by block; or why there are none. */
export type Outcome<T> = { readonly is: T } & (
  | { readonly calls: number; readonly blocks: readonly number[][] }
  | { readonly refused: string }
  /** Nanoseconds of a call that was too long. */
  | { readonly tooLong: number }
);

/** A call on pages that runners can map. */
export interface Ground {
  readonly call: Call;
  readonly slots: readonly Slot[];
}

/**
 * Holds a contest.
 *
 * @param beside - what entrants stand beside: whatever it takes, and only where one of them is timed.
 */
export function contest<T>(
  entrants: readonly Entrant<T>[],
  beside: readonly Entrant<T>[],
  { call, slots }: Ground,
  pace: Pace,
  seed: number,
): Outcome<T>[] {
  const outcomes: Outcome<T>[] = [];
  const playing: { entrant: Entrant<T>; turns: Turns; blocks: number[][] }[] = [];
  const time = ({ host, contender }: Entrant<T>, clock: Clock) => host.time(contender, call, slots, clock);
  const enter = (entrant: Entrant<T>, longest: number) => {
    const { is } = entrant;
    try {
      const nanoseconds = callTime(clock => time(entrant, clock));
      if (nanoseconds > longest) outcomes.push({ is, tooLong: nanoseconds });
      else playing.push({ entrant, turns: turnsOf(nanoseconds, pace), blocks: [] });
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      outcomes.push({ is, refused: error.message });
    }
  };
  for (const entrant of entrants) enter(entrant, longestCall(pace));
  if (playing.length > 0) for (const entrant of beside) enter(entrant, Infinity);
  const last = Math.max(0, ...playing.map(({ turns }) => turns.blocks));
  for (let block = 0; block < last; block++) {
    const due = playing.filter(({ turns }) => block < turns.blocks);
    for (const { entrant, turns, blocks } of shuffled(due, hash(seed, block))) {
      blocks.push(time(entrant, turns.clock));
    }
  }
  for (const { entrant, turns, blocks } of playing) {
    outcomes.push({ is: entrant.is, calls: turns.clock.calls, blocks });
  }
  return outcomes;
}

/** Longer than this, a call is not made again just to know how long it takes. */
const longEnough = 0.25e9;

/** About how long a call takes, nanoseconds: the first one alone where it is long, otherwise enough for the clock. */
function callTime(time: (clock: Clock) => number[]): number {
  const [first] = time({ before: 0, calls: 1, samples: 1 });
  if (first > longEnough) return first;
  for (let calls = 1; ; calls *= 4) {
    const [nanoseconds] = time({ before: 0, calls, samples: 1 });
    if (nanoseconds * calls >= sampleTime / 2 || calls >= 1 << 20) return nanoseconds;
  }
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  return items
    .map((item, i) => ({ item, key: hash(seed, i) }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
