/** The contract's special values, one rule a test. That the bounds are two-sided: rms_norm.bounds.test.ts. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeAll, type FloatDtype, formats, round } from '../src/case/dtype.ts';
import type { Numerics } from '../src/case/numerics.ts';
import { excess } from './excess.ts';
import { type Expected, rule } from './expected.ts';
import { expectedOf } from './index.ts';
import { judge } from './judge.ts';
import { rmsNormCase, type Wanted } from './testing/rms_norm_cases.ts';

/** A single row, given by values. */
interface Row extends Omit<Wanted, 'n' | 'x' | 'weight' | 'residual'> {
  readonly x: readonly number[];
  readonly weight?: readonly number[];
  readonly residual?: readonly number[];
}

function expectedOfRow({ x, weight, residual, ...wanted }: Row, numerics?: Numerics): Expected[] {
  const list = (values?: readonly number[]) => (values ? { kind: 'list' as const } : undefined);
  const c = rmsNormCase({
    ...wanted,
    n: x.length,
    x: { kind: 'list' },
    weight: list(weight) ?? null,
    ...(residual ? { residual: { kind: 'list' } } : {}),
  });
  const { dtype = 'f32', weightDtype = dtype } = wanted;
  const stored = (values: readonly number[], type: FloatDtype) => encodeAll(Float64Array.from(values), type);
  const inputs = {
    x: stored(x, dtype),
    ...(weight ? { weight: stored(weight, weightDtype) } : {}),
    ...(residual ? { residual: stored(residual, dtype) } : {}),
  };
  return expectedOf(c, inputs, undefined, numerics);
}

/** Whether the row may be what is seen. */
function admits(row: Row, ...seen: number[]): boolean {
  const [y] = expectedOfRow(row);
  return judge(y, encodeAll(Float64Array.from(seen), y.dtype), { generic: false }).failing === 0;
}

const { NaN: nan } = Number;

describe('values', () => {
  test('without weight, and with one', () => {
    expect(expectedOfRow({ x: [4, 4, 0, 0], eps: 8 })[0].ref).toEqual(Float64Array.of(1, 1, 0, 0));
    const [y] = expectedOfRow({ x: [3, -4], weight: [2, 1], weightOffset: 1, eps: 0 });
    expect(y.ref).toEqual(Float64Array.of(3 * (1 / Math.sqrt(12.5)) * 3, -4 * (1 / Math.sqrt(12.5)) * 2));
  });

  test('chosen rows are those of the whole', () => {
    const c = rmsNormCase({ rows: 5, n: 3, x: { kind: 'normal' }, residual: { kind: 'uniform' } });
    const inputs = { x: new Uint32Array(15), weight: new Uint32Array(3), residual: new Uint32Array(15) };
    for (let i = 0; i < 15; i++) inputs.x[i] = 0x3f800000 + (i << 19);
    inputs.weight.fill(0x3f800000);
    const [all, allSums] = expectedOf(c, inputs);
    const [some, someSums] = expectedOf(c, inputs, [1, 4]);
    expect([...some.ref]).toEqual([...all.ref.slice(3, 6), ...all.ref.slice(12, 15)]);
    expect([...someSums.exact!]).toEqual([...allSums.exact!.slice(3, 6), ...allSums.exact!.slice(12, 15)]);
  });

  test('y comes first, then the sum, where there is one', () => {
    const roles = (row: Row) => expectedOfRow(row).map(({ role }) => role);
    expect(roles({ x: [1, 2] })).toEqual(['y']);
    expect(roles({ x: [1, 2], residual: [0, 1] })).toEqual(['y', 'residualOut']);
  });

  test('a weight brings an error by its offset alone, in proportion to the larger of stored and shifted', () => {
    const bound = (weight?: number[], weightOffset = 0) => {
      const [y] = expectedOfRow({ x: [3, -4], eps: 0, weightOffset, ...(weight && { weight }) });
      return y.hard.map((hard, i) => hard / Math.abs(y.ref[i]) / 2 ** -24);
    };
    const plain = bound();
    const more = (...of: Parameters<typeof bound>) => [...bound(...of).map((each, i) => each - plain[i])];
    const close = (...values: number[]) => values.map(value => expect.closeTo(value, 6));
    expect(more([1, 1])).toEqual(close(0, 0));
    expect(more([8, 0.25])).toEqual(close(0, 0));
    // 3 + 1 is 4, a unit of itself; -0.75 + 1 is 0.25, three units of itself from what is stored.
    expect(more([3, -0.75], 1)).toEqual(close(1, 3));
  });

  test('no rows, no elements', () => {
    const c = rmsNormCase({ rows: 0, n: 3, x: { kind: 'normal' } });
    const [y] = expectedOf(c, { x: new Uint32Array(0), weight: new Uint32Array(3) });
    expect(judge(y, new Uint32Array(0), { generic: false })).toMatchObject({ elements: 0, worst: undefined });
  });

  test('the residual sum is rounded to f32, and the norm goes on from that, not from residualOut', () => {
    // 256 + 1 is 257 in f32, but 256 in bf16.
    const [y, residualOut] = expectedOfRow({ dtype: 'bf16', x: [256, 1], residual: [1, 0], eps: 0 });
    expect([...residualOut.exact!]).toEqual([0x4380, 0x3f80]);
    expect(y.ref[0]).toBeCloseTo(257 / Math.sqrt((257 ** 2 + 1) / 2), 12);
    // 2^24 + 1 is 2^24 in f32.
    expect(expectedOfRow({ x: [2 ** 24], residual: [1], eps: 0 })[1].exact![0]).toBe(0x4b800000);
  });

  test('before-weight, z is rounded to the output type', () => {
    const x = [1.5, 1.0078125, -0.75, 2.25];
    const r = 1 / Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / 4);
    const weight = [1.5, 1.5, 1.5, 1.5];
    const [y] = expectedOfRow({ dtype: 'bf16', x, weight, eps: 0, roundBeforeWeight: true });
    expect([...y.ref]).toEqual(x.map(v => round(v * r, 'bf16') * 1.5));
  });

  test('where f32 errors decide which way z is rounded, either is right, and nothing else', () => {
    // r = 1 + 2^-8 but for a hundredth of an f32 half ulp: z is 1 or 1.0078125, y 2.5 or round(2.519...).
    const row = { dtype: 'bf16', x: [1, 0], eps: Math.fround(0.4922330379486084) } as const;
    const before: Row = { ...row, weight: [2.5, 1], roundBeforeWeight: true };
    for (const seen of [2.5, 2.515625]) expect(admits(before, seen, 0)).toBe(true);
    for (const seen of [2.484375, 2.53125, nan, 0]) expect(admits(before, seen, 0)).toBe(false);
    // Rounded once, 2.5098 is 2.515625 alone.
    expect(admits({ ...before, roundBeforeWeight: false }, 2.515625, 0)).toBe(true);
    expect(admits({ ...before, roundBeforeWeight: false }, 2.5, 0)).toBe(false);
  });
});

describe('NaN and infinity', () => {
  test('a NaN in h makes its row NaN, and no other', () => {
    const c = rmsNormCase({ rows: 2, n: 2, x: { kind: 'list' }, weight: null });
    const [y] = expectedOf(c, { x: encodeAll(Float64Array.of(nan, 1, 1, 1), 'f32') });
    expect([...y.rules]).toEqual([rule.nan, rule.nan, 0, 0]);
  });

  test('a NaN that the residual brings does too: inf - inf', () => {
    expect(admits({ x: [Infinity, 1], residual: [-Infinity, 1] }, nan, nan)).toBe(true);
    expect(admits({ x: [Infinity, 1], residual: [-Infinity, 1] }, nan, 0)).toBe(false);
  });

  test('an infinity makes zeros of finite elements and NaN of infinite ones', () => {
    const x = [1, -Infinity, -3];
    expect(admits({ x, weight: [2, 2, -2] }, 0, nan, -0)).toBe(true);
    expect(admits({ x, weight: [2, 2, -2] }, -0, nan, 0)).toBe(true);
    expect(admits({ x, weight: [2, 2, 2] }, nan, nan, nan)).toBe(false);
    expect(admits({ x, weight: [2, 2, 2] }, 0, 0, 0)).toBe(false);
    expect(admits({ x, weight: [2, 2, 2] }, 2 ** -149, nan, 0)).toBe(false);
  });

  test('a residual sum beyond f32 is an infinity', () => {
    const big = formats.f32.maxFinite;
    expect(admits({ x: [big, 1], residual: [big, 1] }, nan, 0)).toBe(true);
    expect(expectedOfRow({ x: [big, 1], residual: [big, 1] })[1].exact![0]).toBe(formats.f32.infinity);
  });

  test('a residual sum within f32 and beyond f16 is none: only residualOut is infinite', () => {
    const row: Row = { dtype: 'f16', x: [65504, 0], residual: [65504, 0], eps: 0 };
    expect(expectedOfRow(row)[1].exact![0]).toBe(formats.f16.infinity);
    expect(admits(row, Math.SQRT2, 0)).toBe(true);
  });

  test('a NaN in the weight makes its column NaN, on rows with an infinity too', () => {
    expect(admits({ x: [1, 1], weight: [nan, 1], eps: 0 }, nan, 1)).toBe(true);
    expect(admits({ x: [1, 1], weight: [nan, 1], eps: 0 }, 1, 1)).toBe(false);
    expect(admits({ x: [1, Infinity], weight: [nan, 1] }, nan, nan)).toBe(true);
    expect(admits({ x: [1, Infinity], weight: [nan, 1] }, 0, nan)).toBe(false);
  });

  test('an infinite weight is unspecified, its neighbours are not', () => {
    for (const seen of [0, nan, Infinity, 3]) {
      expect(admits({ x: [1, 1], weight: [Infinity, 1], eps: 0 }, seen, 1)).toBe(true);
    }
    expect(admits({ x: [1, 1], weight: [Infinity, 1], eps: 0 }, 0, 0)).toBe(false);
  });
});

describe('the ends of the range', () => {
  test('a sum of squares from 2^127 on: the value or zero, never NaN', () => {
    const x = [2 ** 63.5, 2 ** 63];
    const [y] = expectedOfRow({ x });
    expect([...y.rules]).toEqual([rule.zero, rule.zero]);
    expect(admits({ x }, y.ref[0], y.ref[1])).toBe(true);
    expect(admits({ x }, 0, -0)).toBe(true);
    expect(admits({ x }, nan, 0)).toBe(false);
    expect(admits({ x }, 1, 1)).toBe(false);
    expect(expectedOfRow({ x: [2 ** 63, 2 ** 62] })[0].rules[0]).toBe(0);
  });

  test('a variance below 2^-120 leaves the row unspecified, a zero row without eps too', () => {
    expect(admits({ x: [2 ** -61, 2 ** -61], eps: 0 }, nan, 3)).toBe(true);
    expect(admits({ x: [0, 0], eps: 0 }, nan, nan)).toBe(true);
    expect(admits({ x: [2 ** -60, 2 ** -60], eps: 0 }, 1, 1)).toBe(true);
    expect(admits({ x: [2 ** -60, 2 ** -60], eps: 0 }, nan, 3)).toBe(false);
  });

  test('a zero row with eps is zero, to the bit', () => {
    expect(admits({ x: [0, -0], weight: [3, 3] }, -0, 0)).toBe(true);
    expect(admits({ x: [0, 0], weight: [3, 3] }, 2 ** -149, 0)).toBe(false);
    expect(admits({ x: [0, 0], weight: [3, 3] }, nan, nan)).toBe(false);
  });

  test('h w beyond f32 while the value is within: any shrinkage, or infinity of its sign', () => {
    const row: Row = { x: [-(2 ** 60), 2 ** 60], weight: [2 ** 90, 1], eps: 0 };
    for (const seen of [-(2 ** 90), -Infinity, -1, 0]) expect(admits(row, seen, 1)).toBe(true);
    for (const seen of [Infinity, 1, nan, -(2 ** 91)]) expect(admits(row, seen, 1)).toBe(false);
    expect(admits(row, -(2 ** 90), 0)).toBe(false);
  });

  test('r w within what r may be off of the largest number: the same', () => {
    const weight = [formats.f32.maxFinite, 1];
    for (const roundBeforeWeight of [false, true]) {
      const row: Row = { dtype: 'bf16', weightDtype: 'f32', x: [1, 1], weight, eps: 0, roundBeforeWeight };
      expect(expectedOfRow(row)[0].rules[0]).toBe(rule.shrunk | rule.infinite);
      const half = { ...row, weight: [formats.f32.maxFinite / 2, 1] };
      expect(expectedOfRow(half)[0].rules[0]).toBe(0);
    }
  });

  test('h w below the normal range: what a subnormal product may be off is admitted on both sides', () => {
    // h w = 1.5 * 2^-149 rounds to 2 * 2^-149 in f32, a third too much; r is 2^60.
    const row: Row = { x: [2 ** -60, 2 ** -60], weight: [1.5 * 2 ** -89, 1], eps: 0 };
    expect(admits(row, 2 * 2 ** -89, 1)).toBe(true);
    expect(admits(row, 0, 1)).toBe(true);
    expect(admits(row, 4 * 2 ** -89, 1)).toBe(false);
    expect(admits(row, nan, 1)).toBe(false);
  });

  test('r w too large, and h a subnormal, or a sum of some: anything, of a class that may take it for a zero', () => {
    const rules = (row: Row, numerics?: Numerics) => expectedOfRow(row, numerics)[0].rules[0];
    const row: Row = { x: [2 ** -127, 2 ** -50], weight: [2 ** 100, 1], eps: 0 };
    expect(rules(row)).toBe(rule.shrunk | rule.infinite);
    expect(rules(row, 'f16 dot') & rule.any).toBe(rule.any);
    expect(rules({ ...row, x: [2 ** -126, 2 ** -50] }, 'f16 dot')).toBe(rule.shrunk | rule.infinite);
    const subnormal = 1.5 * 2 ** -127;
    const sum: Row = { ...row, x: [subnormal, 2 ** -50], residual: [subnormal, 0] };
    expect(rules(sum)).toBe(rule.shrunk | rule.infinite);
    expect(rules(sum, 'f16 dot') & rule.any).toBe(rule.any);
    expect(expectedOfRow(row, 'f16 dot')[0].ref[0]).toBeNaN();
  });

  test('each product of two counts, and the value must be within', () => {
    const admitted = rule.shrunk | rule.infinite;
    const rulesOf = (x: number[], weight: number[]) => [...expectedOfRow({ x, weight, eps: 0 })[0].rules];
    const one = (weight: number) => [weight, 1];
    // r w: too large, too small.
    expect(rulesOf([2 ** -60, 2 ** -60], one(2 ** 68))).toEqual([admitted, 0]);
    expect(rulesOf([2 ** 60, 2 ** 60], one(2 ** -80))).toEqual([admitted, 0]);
    // h r, which is never large.
    expect(rulesOf([2 ** -110, 2 ** 20], one(2 ** 10))).toEqual([admitted, 0]);
    // A value below the normal numbers has its floor, one beyond the largest is an infinity.
    expect(rulesOf([1, 1], one(2 ** -130))).toEqual([0, 0]);
    expect(rulesOf([2 ** 60, 1, 1, 1], [2 ** 127.5, 1, 1, 1])).toEqual([0, 0, 0, 0]);
    expect(rulesOf([2 ** 63, 2 ** 63], [1, 1])).toEqual([rule.zero, rule.zero]);
  });

  test('a value beyond its type is an infinity', () => {
    expect(admits({ dtype: 'f16', x: [1, 1], weight: [65504, 1], weightOffset: 1, eps: 0 }, 65504, 2)).toBe(
      true,
    );
    const row: Row = { dtype: 'f16', weightDtype: 'f32', x: [1, 1], weight: [-70000, 1], eps: 0 };
    expect(admits(row, -Infinity, 1)).toBe(true);
    expect(admits(row, -65504, 1)).toBe(false);
    expect(admits(row, Infinity, 1)).toBe(false);
  });
});

describe('the bound, term by term', () => {
  const u = 2 ** -24;
  const tiny = 2 ** -149;
  const x = [3, -4, 0.5];
  const weight = [2, -0.5, 1.25];
  const squares = x.reduce((sum, v) => sum + v * v, 0);

  test.each<[FloatDtype, boolean, number]>([
    ['f32', false, 0],
    ['f32', false, 100],
    ['f32', true, 0],
    ['bf16', false, 0],
  ])(
    '%s, before the weight: %s, eps %d: the sum, ten units, and what underflow takes',
    (dtype, before, eps) => {
      const [y] = expectedOfRow({ dtype, x, weight, eps, roundBeforeWeight: before });
      const variance = squares / 3 + eps;
      const r = 1 / Math.sqrt(variance);
      // Three squares and their sum, and two units of 1/n; eps has none of it.
      const q = (5 * (u * (squares / 3) + tiny)) / variance;
      const relative = 1 / Math.sqrt(1 - q) - 1 + (before ? 11 : 10) * u;
      const usual = u * (0.25 * Math.sqrt(3) + 2 + 3 / (dtype === 'bf16' ? 128 : 512));
      for (const [j, h] of x.entries()) {
        const size = Math.abs((before ? Math.fround(h * r) : h * r) * weight[j]);
        const floor = tiny * ((1 + Math.abs(h)) * (1 + Math.abs(weight[j])) + r);
        expect(Math.abs(y.ref[j])).toBe(size);
        expect(y.hard[j] / size / u).toBeCloseTo((relative + floor / size) / u, 9);
        expect(y.typical[j] / size / u).toBeCloseTo((usual + floor / size) / u, 9);
        expect(y.rules[j]).toBe(0);
      }
    },
  );

  test('where all is subnormal, underflow is all there is of it', () => {
    const small = [2 ** -20, 2 ** -130];
    const [y] = expectedOfRow({
      x: [2 ** 20, 1],
      weight: [2 ** -149, 2 ** -149],
      eps: 0,
      weightDtype: 'f32',
    });
    const r = 2 ** -20 * Math.SQRT2;
    expect(y.hard[0] / tiny).toBeCloseTo(1 + 2 ** 20 + r, 4);
    expect(y.hard[1] / tiny).toBeCloseTo(2 + r, 4);
    // (1 + h)(1 + w) steps, where the weight is large.
    const [large] = expectedOfRow({ x: [2 ** 20, 2 ** -130], weight: [1, 2 ** 10], eps: 0 });
    expect(large.hard[1] / tiny).toBeCloseTo(1025, 2);
    expect(large.typical[1] / tiny).toBeCloseTo(1025, 2);
    const [step] = expectedOfRow({
      dtype: 'f16',
      x: [1, 1],
      weight: small,
      weightDtype: 'f32',
      eps: 0,
      roundBeforeWeight: true,
    });
    // One, and two units of 2^-130.
    expect(step.hard[1] / tiny).toBeCloseTo(1 + 2 ** -4, 9);
  });

  test('before-weight in 16 bits: two units of the product come after z', () => {
    const [y] = expectedOfRow({ dtype: 'bf16', x, weight, eps: 0, roundBeforeWeight: true });
    const r = 1 / Math.sqrt(squares / 3);
    const usual = u * (0.25 * Math.sqrt(3) + 2 + 3 / 128);
    for (const [j, h] of x.entries()) {
      const size = Math.abs(round(h * r, 'bf16') * weight[j]);
      expect(Math.abs(y.ref[j])).toBe(size);
      expect(y.hard[j] / size / u).toBeCloseTo(2, 6);
      expect(y.typical[j] / size / u).toBeCloseTo(usual / u, 6);
      expect(y.ties![j]).toBe(0);
    }
  });

  test('and what an offset loses, of the larger z; nothing of a weight of 0', () => {
    const wanted = { dtype: 'bf16', eps: 0, roundBeforeWeight: true } as const;
    const [y] = expectedOfRow({ ...wanted, x: [1, 1, 1], weight: [3, -1, 0.5], weightOffset: 1 });
    const [offset, none, half] = y.hard;
    expect(offset / 4 / u).toBeCloseTo(2 + 1, 6);
    expect(none).toBe(0);
    expect(half / 1.5 / u).toBeCloseTo(2 + 1, 6);
    const eps = Math.fround(0.4922330379486084);
    const [near] = expectedOfRow({ ...wanted, x: [1, 0], weight: [2.5, 1], eps });
    expect(near.hard[0] / u / 2.5).toBeCloseTo(2 * 1.0078125, 6);
  });

  test('of two z that one counts which what is seen is nearest to', () => {
    const eps = Math.fround(0.4922330379486084);
    fc.assert(
      fc.property(fc.double({ min: 1, max: 2, noNaN: true }), fc.integer({ min: -4, max: 4 }), (w, steps) => {
        const weight = Math.fround(w);
        const row: Row = { dtype: 'bf16', weightDtype: 'f32', x: [1, 0], weight: [weight, 1], eps };
        const [y] = expectedOfRow({ ...row, roundBeforeWeight: true });
        const seen = round(weight, 'bf16') + steps * 2 ** -7;
        const due = [1, 1.0078125].map(z => excess(z * weight, seen, 'bf16'));
        expect(excess(y.nearest!(0, seen), seen, 'bf16')).toBe(Math.min(...due));
      }),
    );
  });

  test('a z that ordinary error decides is a tie, one that only the worst decides is none', () => {
    // As above, z is 1 or 1.0078125: r is a hundredth of a half ulp beside the tie.
    const near = {
      dtype: 'bf16',
      x: [1, 0],
      weight: [2.5, 1],
      eps: Math.fround(0.4922330379486084),
    } as const;
    expect([...expectedOfRow({ ...near, roundBeforeWeight: true })[0].ties!]).toEqual([1, 0]);
    const aside = (units: number) =>
      expectedOfRow({ ...near, eps: Math.fround(near.eps * (1 - units * u)), roundBeforeWeight: true })[0];
    const told = (y: Expected) => new Set([y.nearest!(0, 2.5), y.nearest!(0, 2.515625)]).size;
    // r changes by a quarter of what eps does: 7 units are beyond the usual two and a half, within the nine of the
    // bound; 11 are beyond those.
    expect([...aside(30).ties!]).toEqual([0, 0]);
    expect([told(aside(0)), told(aside(30)), told(aside(45))]).toEqual([2, 2, 1]);
  });
});

describe('rows behind the first', () => {
  const rows = (x: number[], weight: number[], wanted: Partial<Wanted> = {}) => {
    const n = weight.length;
    const c = rmsNormCase({
      eps: 0,
      ...wanted,
      rows: x.length / n,
      n,
      x: { kind: 'list' },
      weight: { kind: 'list' },
      weightDtype: 'f32',
    });
    const stored = (values: number[], type: FloatDtype) => encodeAll(Float64Array.from(values), type);
    return expectedOf(c, { x: stored(x, wanted.dtype ?? 'f32'), weight: stored(weight, 'f32') })[0];
  };

  test('have the same unspecified columns', () => {
    const { nan: due, any } = rule;
    expect([...rows([1, 1, 1, 1], [nan, Infinity]).rules]).toEqual([due, any, due, any]);
    expect([...rows([1, 1, 0, 0], [nan, Infinity]).rules]).toEqual([due, any, any, any]);
  });

  test('have zeros beside an infinity, whatever stood before them', () => {
    for (const roundBeforeWeight of [false, true]) {
      const y = rows([1, 2, 3, Infinity], [1, 1], { dtype: 'bf16', roundBeforeWeight });
      expect([...y.ref.slice(2)]).toEqual([0, nan]);
      expect([...y.hard.slice(2)]).toEqual([0, 0]);
    }
  });

  test('choose between two z by the weights of their columns', () => {
    const eps = Math.fround(0.4922330379486084);
    const y = rows([1, 0, 1, 0], [2.5, 1], { dtype: 'bf16', eps, roundBeforeWeight: true });
    expect([y.nearest!(2, 2.5), y.nearest!(2, 2.515625)]).toEqual([2.5, 2.51953125]);
  });
});

describe('weight + offset', () => {
  test('near -1 a kernel may add z and z weight, which is off by an ulp of z, not of the result', () => {
    const weight = [-1 + 2 ** -20, 1];
    const x = [Math.fround(1 / 3), 1];
    const [y] = expectedOfRow({ x, weight, weightOffset: 1 });
    const z = Math.fround(x[0] * Math.fround(1 / Math.sqrt((x[0] ** 2 + 1) / 2 + Math.fround(1e-5))));
    const spread = Math.fround(z + Math.fround(z * weight[0]));
    expect(Math.abs(spread / y.ref[0] - 1)).toBeGreaterThan(2 ** -10);
    expect(admits({ x, weight, weightOffset: 1 }, spread, y.ref[1])).toBe(true);
    expect(admits({ x, weight, weightOffset: 1 }, spread + 2 ** -18, y.ref[1])).toBe(false);
  });

  test('at -1 the product is zero', () => {
    expect(admits({ x: [1, 1], weight: [-1, 0], weightOffset: 1, eps: 0 }, 0, 1)).toBe(true);
    expect(admits({ x: [1, 1], weight: [-1, 0], weightOffset: 1, eps: 0 }, 2 ** -140, 1)).toBe(false);
  });
});
