import { expect, test } from 'vitest';
import { figuresOf } from './statistics.ts';

test('many samples have quartiles, few have their ends', () => {
  const many = figuresOf([9, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(many).toEqual({ median: 5, low: 3, high: 7 });
  expect(figuresOf([30, 10, 20])).toEqual({ median: 20, low: 10, high: 30 });
  expect(figuresOf([7])).toEqual({ median: 7, low: 7, high: 7 });
});
