import { expect, test } from 'vitest';
import type { Untimed } from '../src/run/document.ts';
import { greenRun } from './testing/sample.ts';
import { gapsOf, gapWords } from './untimed-words.ts';

const { timings } = greenRun();
const [{ shape, size }] = timings;

function left(tier: string, dtype: Untimed['dtype'], rest: Partial<Untimed> = {}): Untimed {
  const kernel = { provider: 'native', kernel: 'lanes32', tier };
  return { machine: 0, op: 'rms_norm', dtype, shape, size, kernel, reason: 'long', takes: null, ...rest };
}

const wordsOf = (untimed: Untimed[]) =>
  gapsOf({ timings, untimed }).map(({ reason, gaps }) => [reason, ...gaps.map(gapWords)]);

test('tiers that are left out in the same types are named together, with the shortest and the longest call', () => {
  const untimed = [
    left('scalar', 'f32', { takes: 2e9 }),
    left('sse2', 'f32', { takes: 0.5e9 }),
    left('scalar', 'f16', { takes: 7e9 }),
    left('sse2', 'f16'),
    left('avx2', 'f16'),
  ];
  expect(wordsOf(untimed)).toEqual([
    [
      'long',
      `rms_norm ${shape} (${size}): native lanes32 scalar and sse2 in f32 and f16, avx2 in f16, about 500 ms to 7.00 s a call`,
    ],
  ]);
});

test('a shape that nobody was timed at is left out for all, each reason by itself', () => {
  const elsewhere = { shape: 'long rows', size: '1 x 99' };
  const untimed = [left('avx2', 'f32', elsewhere), left('avx2', 'f32', { reason: 'declined', kernel: null })];
  expect(wordsOf(untimed)).toEqual([
    ['long', 'rms_norm long rows (1 x 99): all kernels'],
    ['declined', `rms_norm ${shape} (${size}): its roof in f32`],
  ]);
});

test('a run without gaps has none', () => {
  expect(gapsOf(greenRun())).toEqual([]);
});
