import { expect, test } from 'vitest';
import { figuresOf, ratioOf } from './statistics.ts';

test('many samples have quartiles, few have their ends', () => {
  const many = figuresOf([9, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(many).toEqual({ median: 5, low: 3, high: 7 });
  expect(figuresOf([30, 10, 20])).toEqual({ median: 20, low: 10, high: 30 });
  expect(figuresOf([7])).toEqual({ median: 7, low: 7, high: 7 });
});

test('a ratio is that of blocks in which both had their turn, whatever slows down some of them', () => {
  const quiet = [[20, 22, 21], [20], [20]];
  const busy = quiet.map((block, b) => block.map(x => (b === 1 ? x * 9 : x)));
  const half = busy.map(block => block.map(x => x / 2));
  expect(ratioOf(busy, half)).toBe(2);
  expect(ratioOf(half, busy)).toBe(0.5);
  // One of them stood still in a block: the others say the same.
  expect(ratioOf([[900], ...busy.slice(1)], half)).toBe(2);
  // The longer a call, the fewer blocks it is in.
  expect(ratioOf([[30], [30]], [[10], [10], [1], [1], [1]])).toBe(3);
});
