/** Against exact arithmetic: BigInt, in units of 2^-400. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DoubleDouble, exact, isLess, minus, over, plus, times } from './double-double.ts';

const bits = 400n;
const fixed = ({ hi, lo }: DoubleDouble) => BigInt(hi * 2 ** 400) + BigInt(lo * 2 ** 400);
const abs = (value: bigint) => (value < 0n ? -value : value);

/** Sums of any two float64 from 2^-20 to 2^20, of which the second is far smaller, or nearly as large. */
const float = fc.double({ min: 2 ** -20, max: 2 ** 20, noNaN: true });
const number = fc
  .tuple(float, float, fc.constantFrom(0, 2 ** -90, 2 ** -75, 2 ** -60, 2 ** -10), fc.boolean(), fc.boolean())
  .map(([a, b, scale, negative, below]) => {
    const sum = plus(exact(a), exact(below ? -b * scale : b * scale));
    return negative ? minus(exact(0), sum) : sum;
  });

/** A result, what it should be, and how many units of 2^-106 of that it may be off. */
function near(seen: DoubleDouble, wanted: bigint, units: bigint) {
  expect(seen.hi).toBe(seen.hi + seen.lo);
  expect(abs(fixed(seen) - wanted) <= ((abs(wanted) * units) >> 106n) + 1n).toBe(true);
}

test('sums, differences, products and quotients are as near as they say', () => {
  fc.assert(
    fc.property(number, number, (a, b) => {
      near(plus(a, b), fixed(a) + fixed(b), 3n);
      near(minus(a, b), fixed(a) - fixed(b), 3n);
      near(times(a, b), (fixed(a) * fixed(b)) >> bits, 5n);
      fc.pre(b.hi !== 0);
      near(over(a, b), (fixed(a) << bits) / fixed(b), 10n);
    }),
    { numRuns: 2_000 },
  );
});

test('a difference of neighbours keeps its bits', () => {
  const third = over(exact(1), exact(3));
  const less = minus(third, exact(2 ** -100));
  near(minus(third, less), 1n << 300n, 1n << 10n);
});

test('isLess orders by the whole number', () => {
  fc.assert(
    fc.property(number, number, (a, b) => {
      expect(isLess(a, b)).toBe(fixed(a) < fixed(b));
      expect(isLess(a, a)).toBe(false);
    }),
  );
});
