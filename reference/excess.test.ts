import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, encode, type FloatDtype, floatDtypes, formats, round } from '../src/case/dtype.ts';
import { excess, nextDown, nextUp } from './excess.ts';

/** Every finite value of the 16-bit types, ascending, zero once. */
const sorted = Object.fromEntries(
  (['f16', 'bf16'] as const).map(dtype => {
    const values = Float64Array.from({ length: 65536 }, (_, bits) => decode(bits, dtype));
    return [dtype, values.filter((v, bits) => Number.isFinite(v) && bits !== formats[dtype].signBit).sort()];
  }),
);

/** The interval of the reals that round to y: from searching all values, or from the f32 neighbours' bits. */
function searched(y: number, dtype: FloatDtype): [number, number] {
  const { maxFinite, infinity } = formats[dtype];
  const neighbours = (v: number): [number, number] => {
    if (dtype !== 'f32') {
      const all = sorted[dtype];
      const i = all.indexOf(v === 0 ? 0 : v);
      return [all[i - 1] ?? -Infinity, all[i + 1] ?? Infinity];
    }
    const bits = encode(Math.abs(v), dtype);
    const above = bits + 1 === infinity ? Infinity : decode(bits + 1, dtype);
    const below = bits === 0 ? -above : decode(bits - 1, dtype);
    return v < 0 || Object.is(v, -0) ? [-above, -below] : [below, above];
  };
  // Beyond the largest value the next one would be as far again; from half of that on all is infinite.
  const beyond = maxFinite + (maxFinite - neighbours(maxFinite)[0]) / 2;
  if (y === Infinity) return [beyond, Infinity];
  if (y === -Infinity) return [-Infinity, -beyond];
  const [below, above] = neighbours(y);
  return [below === -Infinity ? -beyond : (below + y) / 2, above === Infinity ? beyond : (above + y) / 2];
}

function bruteForce(ref: number, y: number, dtype: FloatDtype): number {
  const [low, high] = searched(y, dtype);
  return Math.max(0, low - ref, ref - high);
}

/** Stored values, edges of binades, of subnormals and of the range among them. */
function stored(dtype: FloatDtype): fc.Arbitrary<number> {
  const { signBit, infinity } = formats[dtype];
  const implicit = formats[dtype].precision - 1;
  const edges = fc
    .tuple(fc.nat(infinity >>> implicit), fc.constantFrom(-1, 0, 1))
    .map(([binade, step]) => Math.min(Math.max((binade << implicit) + step, 0), infinity));
  const magnitude = fc.oneof(fc.nat(infinity), edges);
  return fc
    .tuple(magnitude, fc.boolean())
    .map(([bits, negative]) => decode((negative ? bits | signBit : bits) >>> 0, dtype));
}

/** Reals near a stored value: on it, on the midpoints, just off them, and some ulps away. */
function near(y: number, dtype: FloatDtype): fc.Arbitrary<number> {
  const [low, high] = searched(y, dtype);
  const width = Number.isFinite(high - low) ? high - low : 2 ** 20;
  const anchor = [low, high, y].filter(Number.isFinite);
  return fc.oneof(
    fc
      .tuple(fc.constantFrom(...anchor), fc.constantFrom(-1, 0, 1), fc.nat(52))
      .map(([at, side, shift]) => at + side * width * 2 ** -shift),
    fc
      .tuple(fc.constantFrom(...anchor), fc.double({ min: -8, max: 8, noNaN: true }))
      .map(([at, widths]) => at + widths * width),
  );
}

describe.each(floatDtypes)('excess in %s', dtype => {
  test('is the distance to the interval that a search finds', () => {
    fc.assert(
      fc.property(
        stored(dtype).chain(y => fc.tuple(fc.constant(y), near(y, dtype))),
        ([y, ref]) => {
          const found = excess(ref, y, dtype);
          const wanted = bruteForce(ref, y, dtype);
          // Two roundings of a difference of numbers that need not be near.
          expect(Math.abs(found - wanted)).toBeLessThanOrEqual(2 ** -51 * wanted);
        },
      ),
      { numRuns: dtype === 'f32' ? 6_000 : 1_500 },
    );
  });

  test('is 0 exactly where the value rounds to y, or lies on the midpoint next to it', () => {
    fc.assert(
      fc.property(
        stored(dtype).chain(y => fc.tuple(fc.constant(y), near(y, dtype))),
        ([y, ref]) => {
          const [low, high] = searched(y, dtype);
          const rounds = round(ref, dtype) === y || ref === low || ref === high;
          expect(excess(ref, y, dtype) === 0).toBe(rounds);
        },
      ),
      { numRuns: dtype === 'f32' ? 6_000 : 1_500 },
    );
  });

  test('leads to a number that rounds to y, and nothing closer does', () => {
    fc.assert(
      fc.property(
        stored(dtype).chain(y => fc.tuple(fc.constant(y), near(y, dtype))),
        ([y, ref]) => {
          const e = excess(ref, y, dtype);
          fc.pre(e > 0 && Math.abs(e) > 2 ** -40 * Math.abs(ref));
          const towards = ref < y ? 1 : -1;
          expect(round(ref + towards * e * (1 + 2 ** -12), dtype) === y).toBe(true);
          expect(round(ref + towards * e * (1 - 2 ** -12), dtype) === y).toBe(false);
        },
      ),
      { numRuns: dtype === 'f32' ? 6_000 : 1_500 },
    );
  });

  test('takes both zeros for one, and knows where infinity begins', () => {
    const { tiny, maxFinite } = formats[dtype];
    expect(excess(tiny / 4, -0, dtype)).toBe(0);
    expect(excess(-tiny / 4, 0, dtype)).toBe(0);
    expect(excess(-tiny, 0, dtype)).toBe(tiny / 2);
    expect(excess(maxFinite, Infinity, dtype)).toBe((maxFinite - nextDown(maxFinite, dtype)) / 2);
    expect(excess(2 * maxFinite, Infinity, dtype)).toBe(0);
    expect(excess(-Infinity, -Infinity, dtype)).toBe(0);
    expect(excess(-1, Infinity, dtype)).toBeGreaterThan(maxFinite);
    expect(excess(Infinity, maxFinite, dtype)).toBe(Infinity);
  });

  test('has none for a NaN, on either side', () => {
    expect(excess(1, Number.NaN, dtype)).toBeNaN();
    expect(excess(Number.NaN, 1, dtype)).toBeNaN();
    expect(excess(Number.NaN, Number.NaN, dtype)).toBeNaN();
  });

  test('nextUp and nextDown step to the neighbours, over zero too', () => {
    fc.assert(
      fc.property(stored(dtype).filter(Number.isFinite), y => {
        const up = nextUp(y, dtype);
        expect(up).toBeGreaterThan(y);
        if (up !== Infinity) expect(nextDown(up, dtype) === y).toBe(true);
        expect(round((y + up) / 2 + (up === Infinity ? 0 : (up - y) / 8), dtype) === up).toBe(true);
      }),
    );
  });
});
