import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rescalings } from './rescalings.ts';

/** The longest strictly ascending run, keys between them left out: of each key, one more than of the best below it. */
function longestRise(scores: readonly number[]): number {
  const ending: number[] = [];
  scores.forEach((score, i) => {
    ending.push(1 + Math.max(0, ...ending.filter((_, j) => scores[j] < score && j < i)));
  });
  return Math.max(0, ...ending);
}

test('are twice the longest ascending run of scores, forward or backward, and 8; but no more than keys', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 60 }), scores => {
      const longest = Math.max(longestRise(scores), longestRise([...scores].reverse()));
      const due = Math.min(scores.length, 2 * longest + 8);
      expect(rescalings(Float64Array.from(scores), scores.length)).toBe(due);
    }),
  );
});

test('look at the first keys alone', () => {
  const scores = Float64Array.from({ length: 100 }, (_, i) => i);
  expect(rescalings(scores, 100)).toBe(100);
  expect(rescalings(scores.fill(0), 100)).toBe(10);
  scores.set([1, 2, 3, 4, 5, 6, 7], 50);
  expect([rescalings(scores, 50), rescalings(scores, 100)]).toEqual([10, 24]);
});
