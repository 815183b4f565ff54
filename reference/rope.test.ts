import { describe, expect, test } from 'vitest';
import { bitsOf, encode, encodeAll, floatDtypes, formats } from '../src/case/dtype.ts';
import { inputBits } from '../src/case/materialise.ts';
import type { Numerics } from '../src/case/numerics.ts';
import type { Recipe } from '../src/case/recipe.ts';
import { rule } from './expected.ts';
import { isGeneric } from './generic.ts';
import { expectedOf } from './index.ts';
import { judge } from './judge.ts';
import { frequenciesOf } from './rope/frequencies.ts';
import { ropeCase, type Wanted } from './testing/rope_cases.ts';

const nan = Number.NaN;
const { maxFinite } = formats.f32;

type Numbers = readonly number[];

const names = new Map([
  [nan, 'nan-payload'],
  [Infinity, 'inf'],
  [-Infinity, '-inf'],
] as const);

/** A recipe of given values, special ones by their names. */
const list = (values: Numbers): Partial<Recipe> => ({
  kind: 'list',
  values: values.map(value => (names.has(value) ? 0 : value)),
  patches: values.flatMap((value, start) => {
    const name = names.get(value);
    return name ? [{ start, count: 1, step: 1, value: name }] : [];
  }),
});
/** One pair, or more, rotated by tables of one row. */
const byTables = (cos: Numbers, sin: Numbers): Partial<Wanted> => ({
  tables: { rows: 1, cos: list(cos), sin: list(sin) },
});

function expectedOfRow(x: Numbers, wanted: Partial<Wanted> = {}, numerics: Numerics = 'f32') {
  const c = ropeCase({ headDim: x.length, positions: [0], x: list(x), ...wanted });
  return expectedOf(c, inputBits(c), undefined, numerics)[0];
}

/** Whether y may be this row. */
function admits(x: Numbers, y: Numbers, wanted: Partial<Wanted> = {}): boolean {
  const expected = expectedOfRow(x, wanted);
  const observed = encodeAll(Float64Array.from(y), expected.dtype);
  return judge(expected, observed, { generic: false }).failing === 0;
}

describe('rows', () => {
  const wanted: Wanted = {
    batch: 2,
    heads: 3,
    headDim: 8,
    rotaryDim: 4,
    positions: [
      [5, 9],
      [2 ** 31 - 1, 0],
    ],
    x: { kind: 'normal' },
  };

  test('may be chosen, and are then what they are among all', () => {
    const c = ropeCase(wanted);
    const inputs = inputBits(c);
    const [all] = expectedOf(c, inputs);
    const [some] = expectedOf(c, inputs, [1, 7, 11]);
    for (const part of ['ref', 'hard', 'typical', 'rules', 'exact'] as const) {
      const chosen = [1, 7, 11].flatMap(row => [...all[part]!.slice(row * 8, row * 8 + 8)]);
      expect([...some[part]!]).toEqual(chosen);
    }
  });

  test('of a token share its position; positions without a batch hold in every batch', () => {
    const x = { kind: 'constant' } as const;
    const [perBatch] = [expectedOfRow([1], { ...wanted, x, headDim: 8 })];
    const firstOf = (row: number) => perBatch.ref[row * 8];
    expect(firstOf(0)).toBe(firstOf(2));
    expect(new Set([0, 3, 6, 9].map(firstOf)).size).toBe(4);
    const shared = expectedOfRow([1], { ...wanted, x, headDim: 8, positions: [5, 9] });
    expect([...shared.ref.slice(0, 48)]).toEqual([...shared.ref.slice(48)]);
  });

  test('position 0 is the identity; an ulp beside it is too far in 16 bits, four in f32', () => {
    const x = [0.3, -1.7, 2 ** -20, 5];
    for (const dtype of floatDtypes) expect(admits(x, x, { dtype })).toBe(true);
    expect(admits([1, 1], [1 + 2 ** -7, 1], { dtype: 'bf16' })).toBe(false);
    expect(admits([1, 1], [1 + 2 ** -21, 1])).toBe(false);
  });
});

describe.each(floatDtypes)('the tail in %s', dtype => {
  const { signBit, nan: quiet } = formats[dtype];
  const c = ropeCase({ headDim: 6, rotaryDim: 2, positions: [0], dtype, x: { kind: 'zeros' } });
  const x = bitsOf(dtype, 6);
  x.set([0, 0, signBit, quiet + 1, 1, encode(3, dtype)]);
  const [expected] = expectedOf(c, { ...inputBits(c), x });
  const failing = (index: number, bits: number) => {
    const observed = x.slice();
    observed[index] = bits;
    return judge(expected, observed, { generic: false }).failing;
  };

  test('is copied bit for bit: the sign of a zero, a subnormal, an ulp', () => {
    expect(judge(expected, x, { generic: false })).toMatchObject({ elements: 6, informative: 2, failing: 0 });
    expect([failing(2, 0), failing(4, 0), failing(5, x[5] + 1)]).toEqual([1, 1, 1]);
  });

  test('every NaN is one value, but it is a NaN', () => {
    expect(failing(3, (quiet | signBit) >>> 0)).toBe(0);
    expect(failing(3, formats[dtype].infinity)).toBe(1);
  });

  test('the sign of a rotated zero is not asked', () => {
    expect(failing(0, signBit)).toBe(0);
  });
});

describe('special values', () => {
  test('a NaN spoils its pair, whatever it is multiplied by, and no other', () => {
    const at0 = expectedOfRow([nan, 1, 2, 3]);
    expect([...at0.rules]).toEqual([rule.nan, 0, rule.nan, 0]);
    const paired = expectedOfRow([nan, 1, 2, 3], { interleaved: true });
    expect([...paired.rules]).toEqual([rule.nan, rule.nan, 0, 0]);
  });

  test('an infinity goes on with the sign of its cosine, or makes NaN of a sine of 0', () => {
    expect(admits([Infinity, 1], [Infinity, nan])).toBe(true);
    expect(admits([Infinity, 1], [Infinity, 1])).toBe(false);
    // cos 2 < 0 < sin 2
    expect(admits([Infinity, 1], [-Infinity, Infinity], { positions: [2] })).toBe(true);
    expect(admits([Infinity, 1], [Infinity, Infinity], { positions: [2] })).toBe(false);
    expect(admits([Infinity, 1], [-maxFinite, Infinity], { positions: [2] })).toBe(false);
    expect(admits([Infinity, Infinity], [-Infinity, nan], { positions: [2] })).toBe(true);
  });

  test('an infinity times a cosine of uncertain sign may be anything', () => {
    // 5,419,351 and 1,725,033 are a convergent of pi: the angle is 3e-8 from a multiple of pi.
    const y = expectedOfRow([Infinity, 1], { positions: [5419351] });
    expect([...y.rules]).toEqual([0, rule.any]);
    // So are 573,204 and 364,913 of half of it: here it is the cosine.
    expect([...expectedOfRow([Infinity, 1], { positions: [573204] }).rules]).toEqual([rule.any, 0]);
    // Whichever of the two it is; and a NaN beside it is a NaN still.
    const both = expectedOfRow([1, Infinity], { positions: [5419351] });
    expect([...both.rules]).toEqual([rule.any, 0]);
    const spoilt = expectedOfRow([nan, Infinity], { positions: [5419351] });
    expect([...spoilt.rules]).toEqual([rule.nan, rule.nan]);
    const other = expectedOfRow([Infinity, nan], { positions: [5419351] });
    expect([...other.rules]).toEqual([rule.nan, rule.nan]);
  });

  test('what may be anything has no value', () => {
    expect(expectedOfRow([Infinity, 1], { positions: [5419351] }).ref[1]).toBeNaN();
    expect(expectedOfRow([2 ** 127, 2 ** 127], byTables([3], [3])).ref[0]).toBeNaN();
  });

  test('in tables they are values: 0 times infinity is NaN', () => {
    expect(admits([Infinity, 1], [nan, Infinity], byTables([0], [1]))).toBe(true);
    expect(admits([1, 0], [Infinity, nan], byTables([Infinity], [0.5]))).toBe(true);
    expect(admits([1, 0], [Infinity, 0.5], byTables([Infinity], [0.5]))).toBe(false);
    expect(admits([0, 0], [nan, nan], byTables([Infinity], [0.5]))).toBe(true);
    expect(admits([0, 0], [0, 0], byTables([Infinity], [0.5]))).toBe(false);
    expect(admits([1, 1], [Infinity, Infinity], byTables([Infinity], [0.5]))).toBe(true);
    expect([...expectedOfRow([1, 1], byTables([nan], [0.5])).rules]).toEqual([rule.nan, rule.nan]);
  });

  test('an infinity times a subnormal, of a class that may take it for a zero, is anything', () => {
    const rules = (x: Numbers, cos: Numbers, numerics?: Numerics) =>
      expectedOfRow(x, byTables(cos, [0.5]), numerics).rules[0];
    const [least, subnormal] = [2 ** -126, 2 ** -127];
    expect([rules([subnormal, 1], [Infinity]), rules([Infinity, 1], [subnormal])]).toEqual([0, 0]);
    expect(rules([subnormal, 1], [Infinity], 'f16 dot')).toBe(rule.any);
    expect(rules([Infinity, 1], [subnormal], 'f16 dot')).toBe(rule.any);
    expect([rules([least, 1], [Infinity], 'f16 dot'), rules([Infinity, 1], [least], 'f16 dot')]).toEqual([
      0, 0,
    ]);
    expect(rules([0, 1], [Infinity], 'f16 dot')).toBe(rule.nan);
  });

  test('rows of a table that no position names are never looked at', () => {
    const tables = { rows: 2, cos: list([nan, 1]), sin: list([nan, 0]) };
    expect(admits([3, 4], [3, 4], { positions: [1], tables })).toBe(true);
  });
});

describe('the bound', () => {
  const u = 2 ** -24;
  const tiny = 2 ** -149;

  test('by tables is that of two products and their sum', () => {
    const y = expectedOfRow([3, -5], byTables([0.5], [0.25]));
    const products = [1.5 + 1.25, 2.5 + 0.75];
    expect([...y.hard]).toEqual(products.map(sum => 3 * u * sum + 9 * tiny));
    expect([...y.typical]).toEqual(products.map(sum => u * sum + 9 * tiny));
    // Where they underflow, what underflow takes is all there is.
    const least = expectedOfRow([2 ** -140, 2 ** -140], byTables([0.5], [0.25]));
    expect(least.hard[0] / tiny).toBeCloseTo(1, 3);
    const factors = expectedOfRow([2 ** 10, -(2 ** 10)], byTables([tiny], [tiny]));
    expect(factors.hard[0] / tiny).toBeCloseTo(1 + 2 ** 11, 2);
    expect(factors.typical[0] / tiny).toBeCloseTo(1 + 2 ** 11, 2);
  });

  test('by angles has what a cosine loses with it: five units, the angle, and the attention factor', () => {
    const bounds = (position: number, wanted: Partial<Wanted> = {}) => {
      const { ref, hard, typical } = expectedOfRow([1, 0], { positions: [position], ...wanted });
      // Of the products themselves 3 u, ordinarily 1 u.
      return [hard[0] - 3 * u * Math.abs(ref[0]), typical[0] - u * Math.abs(ref[0])];
    };
    const off = (position: number, loss = 5) => loss * 2 ** -53 * position;
    for (const position of [1, 1000, 2 ** 31 - 1]) {
      const [hard, typical] = bounds(position);
      expect(hard / u).toBeCloseTo((5 * u + off(position)) / u, 6);
      expect(typical / u).toBeCloseTo((u / 2 + off(position) / 4) / u, 6);
    }
    const scaling = {
      type: 'yarn',
      factor: 1,
      betaFast: 32,
      betaSlow: 1,
      attentionFactor: -2,
      originalMaxPositions: 512,
    } as const;
    const [hard, typical] = bounds(1000, { scaling });
    // A scaling loses four units more.
    expect(hard / u).toBeCloseTo((2 * (5 * u + off(1000, 9))) / u, 6);
    expect(typical / u).toBeCloseTo((2 * (u / 2 + off(1000, 9) / 4)) / u, 6);
  });

  test('however wrong an angle is, its cosine is one', () => {
    const wanted = { positions: [2 ** 31 - 1], scaling: { type: 'linear', factor: 1e-9 } } as const;
    const { hard, ref } = expectedOfRow([1, 0], wanted);
    expect(hard[0] - 3 * u * Math.abs(ref[0])).toBeCloseTo(2 + 5 * u, 9);
  });
});

describe('the ends of the range', () => {
  const big = 2 ** 127;

  test('a sum beyond it is an infinity', () => {
    expect(admits([big, -big * 1.5], [Infinity, -big / 2], byTables([1], [1]))).toBe(true);
    expect(admits([big, -big * 1.5], [maxFinite, -big / 2], byTables([1], [1]))).toBe(false);
  });

  test('where one product overflows, the value or the infinity of its sign', () => {
    const tables = byTables([3], [2 ** -1]);
    // 3 * 2^127 - 1.75 * 2^127 / 2 = 2.125 * 2^127 in y_a: too large itself; y_b = 5.25 * 2^127 - 2^126.
    expect(admits([big, 1.75 * big], [Infinity, Infinity], tables)).toBe(true);
    const within = byTables([2.5], [1.5]);
    const y = [(2.5 - 1.5 * 1.25) * big, Infinity];
    expect(expectedOfRow([big, 1.25 * big], within).rules[0]).toBe(rule.infinite);
    expect(admits([big, 1.25 * big], y, within)).toBe(true);
    expect(admits([big, 1.25 * big], [Infinity, Infinity], within)).toBe(true);
    expect(admits([big, 1.25 * big], [-Infinity, Infinity], within)).toBe(false);
    expect(admits([big, 1.25 * big], [nan, Infinity], within)).toBe(false);
  });

  test('where one may, by what its cosine may be off: the same; where neither can: the value alone', () => {
    // cos 710 is 1 - 2e-9, and may be 5 u more.
    const near = Math.fround(maxFinite * (1 - 2 ** -22));
    expect(expectedOfRow([near, 0], { positions: [710] }).rules[0]).toBe(rule.infinite);
    expect(expectedOfRow([near / 2, 0], { positions: [710] }).rules[0]).toBe(0);
    expect(expectedOfRow([maxFinite, 0], byTables([1], [0])).rules[0]).toBe(rule.infinite);
    expect(expectedOfRow([maxFinite, maxFinite], byTables([0.6], [0.6])).rules[0]).toBe(0);
  });

  test('where both do against each other, anything', () => {
    const y = expectedOfRow([big, big], byTables([3], [3]));
    expect([...y.rules]).toEqual([rule.any, rule.infinite]);
  });

  test('products that underflow lose what they may, in f32', () => {
    const tables = byTables([0.7], [0.7]);
    const tiny = 2 ** -149;
    expect(admits([5 * tiny, 3 * tiny], [tiny, 6 * tiny], tables)).toBe(true);
    expect(admits([5 * tiny, 3 * tiny], [2 * tiny, 6 * tiny], tables)).toBe(true);
    expect(admits([5 * tiny, 3 * tiny], [4 * tiny, 6 * tiny], tables)).toBe(false);
  });

  test('zeros stay zeros', () => {
    expect(admits([0, -0], [-0, 0], { positions: [7] })).toBe(true);
    expect(admits([0, -0], [2 ** -149, 0], { positions: [7] })).toBe(false);
  });
});

describe('parameters', () => {
  test('an attention factor of 0, or below, is a factor', () => {
    const scaling = (attentionFactor: number): Partial<Wanted> => ({
      scaling: {
        type: 'yarn',
        factor: 4,
        betaFast: 32,
        betaSlow: 1,
        attentionFactor,
        originalMaxPositions: 512,
      },
    });
    expect(admits([3, 4], [-6, -8], scaling(-2))).toBe(true);
    expect(admits([3, 4], [0, 0], scaling(0))).toBe(true);
    expect(admits([3, 4], [2 ** -140, 0], { ...scaling(0), positions: [9] })).toBe(false);
  });

  test('with tables they are ignored', () => {
    const turned = byTables([0], [1]);
    expect(admits([3, 4], [-4, 3], { ...turned, theta: 0, scaling: { type: 'linear', factor: 0 } })).toBe(
      true,
    );
  });

  test('beyond 2^53 an angle may be any, but it is one', () => {
    const wanted: Partial<Wanted> = { positions: [2 ** 31 - 1], scaling: { type: 'linear', factor: 1e-9 } };
    for (const turn of [0, 1, 2, 3, 4, 5]) {
      expect(admits([3, 4], [3 * Math.cos(turn) - 4 * Math.sin(turn), 5], wanted)).toBe(true);
    }
    expect(admits([3, 4], [25, 5], wanted)).toBe(false);
    expect(admits([3, 4], [nan, 5], wanted)).toBe(false);
  });

  test('frequencies are made once a set of them, and not kept for ever', () => {
    const params = (theta: number) => ({ rotaryDim: 4, theta, scaling: { type: 'none' } as const });
    const first = frequenciesOf(params(10));
    expect(frequenciesOf(params(10))).toBe(first);
    for (let theta = 1000; theta < 1300; theta++) frequenciesOf(params(theta));
    expect(frequenciesOf(params(10))).not.toBe(first);
    expect(frequenciesOf(params(10))).toEqual(first);
  });
});

describe('generic', () => {
  const normal: Wanted = { headDim: 4, positions: [1], x: { kind: 'normal' } };

  test('is what x is, whatever tables hold', () => {
    expect(isGeneric(ropeCase(normal))).toBe(true);
    expect(isGeneric(ropeCase({ ...normal, ...byTables([nan, 1], [0, 1]), positions: [0] }))).toBe(true);
    expect(isGeneric(ropeCase({ ...normal, x: { kind: 'powers' } }))).toBe(false);
  });
});
