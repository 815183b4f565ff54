import { describe, expect, it } from 'vitest';
import { type Host, HostError } from '../providers/host.ts';
import type { Clock } from '../providers/protocol.ts';
import { contest } from './contest.ts';
import { brisk, thorough } from './pace.ts';

/** A host whose calls take so long, by its own word: no time passes. */
function hostOf(nanoseconds: number, log: string[] = [], name = ''): Host {
  const time = (_contender: unknown, _call: unknown, _slots: unknown, { calls, samples }: Clock) => {
    if (nanoseconds === 0) throw new HostError('the kernel answers status 1 to the timed call');
    log.push(`${name}${calls * samples}`);
    return Array.from({ length: samples }, () => nanoseconds);
  };
  return { time } as unknown as Host;
}

const ground = { call: { args: { op: 'rope', params: {} }, threads: 1, tensors: {} }, slots: [] } as never;
const entrant = (is: string, nanoseconds: number, log?: string[]) => ({
  is,
  host: hostOf(nanoseconds, log, is),
  contender: { kernel: 0 },
});

describe('a contest', () => {
  it('gives every block of the fast to the fast, and the first few to the slow', () => {
    const outcomes = contest([entrant('fast', 2e3), entrant('slow', 400e6)], [], ground, brisk, 1);
    const blocks = outcomes.map(outcome => ('blocks' in outcome ? outcome.blocks.map(b => b.length) : []));
    expect(blocks).toEqual([
      [8, 8, 8, 8, 8, 8, 8],
      [1, 1, 1, 1],
    ]);
  });

  it('makes a call that is too long once, and says how long it was', () => {
    const log: string[] = [];
    expect(contest([entrant('endless', 3e9, log)], [], ground, brisk, 1)).toEqual([
      { is: 'endless', tooLong: 3e9 },
    ]);
    expect(log).toEqual(['endless1']);
  });

  it('makes it in three blocks where everything is timed', () => {
    expect(contest([entrant('endless', 3e9)], [], ground, thorough, 1)).toEqual([
      { is: 'endless', calls: 1, blocks: [[3e9], [3e9], [3e9]] },
    ]);
  });

  it('times what stands beside, however long it takes, if it stands beside anything', () => {
    const roof = [entrant('roof', 3e9)];
    const [fast, beside] = contest([entrant('fast', 2e3)], roof, ground, brisk, 1);
    expect([fast.is, beside.is]).toEqual(['fast', 'roof']);
    expect(beside).toHaveProperty('blocks');
    expect(contest([entrant('endless', 3e9)], roof, ground, brisk, 1)).toHaveLength(1);
  });

  it('says what a contender that cannot be timed answers, and times the others', () => {
    const [declined, other] = contest([entrant('declines', 0), entrant('fast', 2e3)], [], ground, brisk, 1);
    expect(declined).toEqual({ is: 'declines', refused: 'the kernel answers status 1 to the timed call' });
    expect(other).toHaveProperty('blocks');
  });

  it('draws the order of every block anew, from the seed', () => {
    const orders = [1, 1, 2].map(seed => {
      const log: string[] = [];
      contest(
        ['a', 'b', 'c', 'd'].map(is => entrant(is, 20e6, log)),
        [],
        ground,
        brisk,
        seed,
      );
      return log.join(' ');
    });
    expect(orders[0]).toBe(orders[1]);
    expect(orders[0]).not.toBe(orders[2]);
  });
});
