/** An element in a finding: numbers and words as the judge has them, its place by dimension. */

import { expect, test } from 'vitest';
import { rmsNormCase } from '../../reference/testing/rms_norm_cases.ts';
import { elementOf, place, placeText } from './property.ts';

const wrong = { property: 'equivalence', role: 'y', index: 17, row: 2, column: 1 } as const;
const c = rmsNormCase({ rows: 3, n: 8, x: { kind: 'normal' } });

test('numbers stay numbers, and are text where they are shown', () => {
  const element = { expected: 1.5, seen: -2, seenBits: '0xc0000000', excess: 3.5, bound: 0 };
  expect(elementOf(c, { ...wrong, ...element })).toEqual({
    role: 'y',
    index: 17,
    at: [2, 1],
    expected: '1.5',
    seen: '-2',
    seenBits: '0xc0000000',
    excess: 3.5,
    bound: 0,
  });
});

test('what is no number is a word where it is shown, and nothing where one would count with it', () => {
  const element = {
    expected: 'nan',
    seen: '-inf',
    seenBits: '0xff800000',
    excess: 'nan',
    bound: 'inf',
  } as const;
  expect(elementOf(c, { ...wrong, ...element })).toMatchObject({
    expected: 'nan',
    seen: '-inf',
    excess: null,
    bound: null,
  });
});

test('a place has an index for every dimension, the last one fastest', () => {
  expect(place(0, [2, 3, 4])).toEqual([0, 0, 0]);
  expect(place(23, [2, 3, 4])).toEqual([1, 2, 3]);
  expect(place(7, [2, 3, 4])).toEqual([0, 1, 3]);
  expect(placeText('y', [1, 2, 3])).toBe('y[1, 2, 3]');
});
