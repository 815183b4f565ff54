import { describe, expect, it } from 'vitest';
import { brisk, longestCall, thorough, turnsOf } from './pace.ts';

describe.each(Object.entries({ brisk, thorough }))('the %s pace', (_name, pace) => {
  it.each([20, 3e3, 0.4e6, 2e6, 11e6])('makes samples of a millisecond of calls of %d ns', call => {
    const { blocks, clock } = turnsOf(call, pace);
    expect(blocks).toBe(7);
    expect(clock.before).toBe(1);
    expect(clock.calls * call).toBeGreaterThanOrEqual(call < 1e6 ? 0.7e6 : call);
    expect(clock.samples * clock.calls * call).toBeLessThanOrEqual(12e6);
    expect(clock.samples).toBeGreaterThanOrEqual(1);
  });

  it('makes a call that is longer than a block once in it, in fewer blocks the longer it is, in no less than 3', () => {
    const calls = [13e6, 80e6, 140e6, 190e6, 700e6, 9e9];
    const turns = calls.map(call => turnsOf(call, pace));
    for (const { clock } of turns) expect(clock).toEqual({ before: 0, calls: 1, samples: 1 });
    const blocks = turns.map(turn => turn.blocks);
    expect(blocks).toEqual(blocks.toSorted((a, b) => b - a));
    expect([blocks[0], blocks.at(-1)]).toEqual([7, 3]);
  });

  it('gives nobody more time than it says, three long calls apart', () => {
    for (const call of [20, 1e6, 13e6, 90e6, 150e6, 199e6]) {
      const { blocks, clock } = turnsOf(call, pace);
      expect(blocks * (clock.before + clock.calls * clock.samples) * call).toBeLessThanOrEqual(
        pace.contender,
      );
    }
  });
});

it('times everything when it is thorough, and only what fits three times when it is brisk', () => {
  expect(longestCall(thorough)).toBe(Infinity);
  expect(longestCall(brisk) * 3).toBe(brisk.contender);
});
