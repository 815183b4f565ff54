/** Bugs that judges had, planted: each must turn this one red. (H numbers: design/bug-catalogue.md.) */

import { describe, expect, test } from 'vitest';
import {
  type Bits,
  encode,
  encodeAll,
  type FloatDtype,
  floatDtypes,
  formats,
  round,
} from '../src/case/dtype.ts';
import { inputBits } from '../src/case/materialise.ts';
import { exactly } from './exactly.ts';
import { type Expected, rule } from './expected.ts';
import { isGeneric } from './generic.ts';
import { expectedOf } from './index.ts';
import { judge } from './judge.ts';
import { rmsNormCase } from './testing/rms_norm_cases.ts';
import { plain, run } from './testing/rms_norm_kernels.ts';

const rows = 4;
const n = 100;
const strict = { generic: false };

/** An RMSNorm with all that a right kernel wrote, to be spoilt. */
function honest(dtype: FloatDtype) {
  const c = rmsNormCase({
    rows,
    n,
    dtype,
    x: { kind: 'normal', seed: 5 },
    weight: { kind: 'normal', seed: 6 },
  });
  const inputs = inputBits(c);
  const [expected] = expectedOf(c, inputs);
  return { c, expected, y: run(plain, c, inputs).y };
}

function spoilt(y: Bits, spoil: (copy: Bits) => void): Bits {
  const copy = y.slice();
  spoil(copy);
  return copy;
}

/** An expectation written by hand; bounds of 0 unless given. */
function by(values: number[], overrides: Partial<Expected> = {}): Expected {
  return {
    role: 'y',
    dtype: 'f32',
    rowLength: values.length,
    rows: [0],
    ref: Float64Array.from(values),
    hard: new Float64Array(values.length),
    typical: new Float64Array(values.length).fill(2 ** -24),
    rules: new Uint8Array(values.length),
    ...overrides,
  };
}

const f32 = (...values: number[]) => encodeAll(Float64Array.from(values), 'f32');

describe.each(floatDtypes)('an output in %s', dtype => {
  const { c, expected, y } = honest(dtype);
  const { nan, infinity, signBit } = formats[dtype];

  test('is right as it is: every element compared, none of them vacuous', () => {
    const judgement = judge(expected, y, { generic: isGeneric(c) });
    expect(judgement).toMatchObject({ elements: rows * n, informative: rows * n, failing: 0, findings: [] });
    expect(judgement.worst?.ratio).toBeLessThan(0.5);
  });

  test('all NaN fails in every element (H4, H5)', () => {
    const judgement = judge(expected, y.slice().fill(nan), { generic: true });
    expect(judgement.failing).toBe(rows * n);
    expect(judgement.worst?.ratio).toBe(Infinity);
    expect(judgement.findings[0]).toMatchObject({ property: 'equivalence', seen: 'nan', excess: 'nan' });
  });

  test.each([0, 137, rows * n - 1])('one wrong element fails, at %i (H2)', index => {
    const wrong = spoilt(y, copy => {
      copy[index] += dtype === 'f32' ? 64 : 2;
    });
    const judgement = judge(expected, wrong, strict);
    expect(judgement.failing).toBe(1);
    expect(judgement.worst?.index).toBe(index);
    expect(judgement.findings).toMatchObject([
      { property: 'equivalence', role: 'y', index, row: Math.floor(index / n), column: index % n },
    ]);
  });

  test.each([
    ['a NaN', nan],
    ['a NaN with sign and payload', (nan | signBit | 3) >>> 0],
    ['an infinity', infinity],
    ['a zero', 0],
    ['a poisoned slot that was never written', dtype === 'f32' ? 0x42f642f6 : 0x42f6],
  ])('one element that is %s fails (H1, H10, ME20)', (_, bits) => {
    const wrong = spoilt(y, copy => {
      copy[42] = bits;
    });
    expect(judge(expected, wrong, strict).failing).toBe(1);
  });

  test('a sign that is lost fails', () => {
    const wrong = spoilt(y, copy => {
      copy[7] = (copy[7] ^ signBit) >>> 0;
    });
    expect(judge(expected, wrong, strict).failing).toBe(1);
  });

  test('all zeros, and a constant, fail nearly everywhere (H3, H10)', () => {
    expect(judge(expected, y.slice().fill(0), strict).failing).toBe(rows * n);
    const constant = y.slice().fill(encode(0.75, dtype));
    expect(judge(expected, constant, strict).failing).toBeGreaterThan(0.97 * rows * n);
  });

  test('rows in the wrong order fail', () => {
    const wrong = spoilt(y, copy => copy.copyWithin(0, n, 2 * n));
    expect(judge(expected, wrong, strict).failing).toBeGreaterThan(0.9 * n);
  });

  test('many failures are counted, a handful told', () => {
    const { failing, findings } = judge(expected, y.slice().fill(nan), strict);
    expect(failing).toBe(rows * n);
    expect(findings).toHaveLength(8);
  });

  test('a wrong row is seen where rows are chosen, and no other looked at', () => {
    const chosen = expectedOf(c, inputBits(c), [1, 3])[0];
    const wrong = (row: number) =>
      spoilt(y, copy => {
        copy[row * n + 9] = nan;
      });
    expect(judge(chosen, wrong(3), strict).findings).toMatchObject([{ index: 3 * n + 9, row: 3, column: 9 }]);
    expect(judge(chosen, wrong(2), strict)).toMatchObject({ elements: 2 * n, failing: 0 });
  });

  test('an output of another size or type is refused', () => {
    expect(() => judge(expected, y.subarray(1), strict)).toThrow(
      new RegExp(`^y: 399 elements of ${dtype === 'f32' ? 4 : 2} bytes .* reaches to element 400`),
    );
    expect(() =>
      judge(expected, dtype === 'f32' ? new Uint16Array(400) : new Uint32Array(400), strict),
    ).toThrow();
  });
});

describe('where the contract makes exceptions', () => {
  const judged = (rules: number, value: number, seen: number) =>
    judge(by([value], { rules: Uint8Array.of(rules) }), f32(seen), strict).failing === 0;

  test('a NaN that is due is asked for, and nothing else will do (H1)', () => {
    expect(judged(rule.nan, Number.NaN, Number.NaN)).toBe(true);
    for (const seen of [0, 1, -1, Infinity]) expect(judged(rule.nan, Number.NaN, seen)).toBe(false);
  });

  test('what is unspecified passes, whatever it is, and informs nobody', () => {
    for (const seen of [0, 7, Infinity, Number.NaN]) expect(judged(rule.any, Number.NaN, seen)).toBe(true);
    const ref = by([Number.NaN], { rules: Uint8Array.of(rule.any) });
    expect(judge(ref, f32(0), strict).informative).toBe(0);
  });

  test('a zero that is allowed is a zero, never a NaN', () => {
    for (const seen of [0, -0, 5]) expect(judged(rule.zero, 5, seen)).toBe(true);
    for (const seen of [1, -5, Infinity, Number.NaN]) expect(judged(rule.zero, 5, seen)).toBe(false);
  });

  test('a shrunk value lies between zero and the value, on its side', () => {
    for (const seen of [0, -0, -2, -5]) expect(judged(rule.shrunk, -5, seen)).toBe(true);
    for (const seen of [2, -5.1, -Infinity, Number.NaN]) expect(judged(rule.shrunk, -5, seen)).toBe(false);
  });

  test('an infinity that is allowed has the sign of the value', () => {
    for (const seen of [-5, -Infinity]) expect(judged(rule.infinite, -5, seen)).toBe(true);
    for (const seen of [Infinity, 0, Number.NaN]) expect(judged(rule.infinite, -5, seen)).toBe(false);
  });

  test('a NaN that may be is no licence for another number', () => {
    for (const seen of [5, Number.NaN]) expect(judged(rule.maybeNaN, 5, seen)).toBe(true);
    for (const seen of [0, 4, Infinity]) expect(judged(rule.maybeNaN, 5, seen)).toBe(false);
  });
});

describe('what a finding says', () => {
  const told = (value: number, bits: number, dtype: FloatDtype, bound = 0) =>
    judge(
      by([value], { dtype, hard: Float64Array.of(bound) }),
      dtype === 'f32' ? Uint32Array.of(bits) : Uint16Array.of(bits),
      strict,
    ).findings[0];

  test('numbers as they are, and words for what JSON has none for', () => {
    expect(told(1, 0x40000000, 'f32', 2 ** -30)).toMatchObject({
      expected: 1,
      seen: 2,
      excess: 1 - 2 ** -24,
      bound: 2 ** -30,
    });
    expect(told(1, 0x80000000, 'f32')).toMatchObject({ seen: '-0' });
    expect(told(1, 0, 'f32')).toMatchObject({ seen: 0 });
    expect(told(1, 0x7f800000, 'f32')).toMatchObject({ expected: 1, seen: 'inf' });
    expect(told(1, 0xff800000, 'f32')).toMatchObject({ seen: '-inf' });
    expect(told(-Infinity, 0x7fc00000, 'f32')).toMatchObject({
      expected: '-inf',
      seen: 'nan',
      excess: 'nan',
    });
  });

  test('bits with all their digits', () => {
    expect(told(1, 1, 'f32')).toMatchObject({ seenBits: '0x00000001' });
    expect(told(1, 0xff800000, 'f32')).toMatchObject({ seenBits: '0xff800000' });
    expect(told(1, 1, 'f16')).toMatchObject({ seenBits: '0x0001' });
    expect(told(1, 0xbf, 'bf16')).toMatchObject({ seenBits: '0x00bf' });
  });
});

describe('bounds', () => {
  test('a bound of 0 passes the value alone', () => {
    const judgement = judge(by([1, 0]), f32(1, -0), strict);
    expect(judgement).toMatchObject({ failing: 0, worst: { ratio: 0 } });
    expect(judge(by([1, 0]), f32(1, 2 ** -149), strict)).toMatchObject({
      failing: 1,
      worst: { ratio: Infinity, index: 1 },
    });
  });

  test('a bound that is NaN, or an expected value that is, passes nothing', () => {
    expect(judge(by([1], { hard: Float64Array.of(Number.NaN) }), f32(2), strict).failing).toBe(1);
    expect(judge(by([Number.NaN], { hard: Float64Array.of(Infinity) }), f32(2), strict).failing).toBe(1);
  });

  test('a NaN fails under an infinite bound too', () => {
    const lax = by([1], { hard: Float64Array.of(Infinity) });
    expect(judge(lax, f32(2), strict).failing).toBe(0);
    expect(judge(lax, f32(Number.NaN), strict).failing).toBe(1);
  });

  test('are met to the last bit: e = hard passes, more does not', () => {
    const seen = 1 + 4 * 2 ** -23;
    const e = 3.5 * 2 ** -23;
    expect(judge(by([1], { hard: Float64Array.of(e) }), f32(seen), strict)).toMatchObject({
      failing: 0,
      worst: { ratio: 1 },
    });
    expect(judge(by([1], { hard: Float64Array.of(e * (1 - 2 ** -50)) }), f32(seen), strict).failing).toBe(1);
  });
});

describe('the worst element', () => {
  /** Excesses of 3/2 ulp under bounds of so many ulps. */
  const worst = (...ulps: number[]) => {
    const ref = ulps.map(() => 1);
    const hard = Float64Array.from(ulps, each => each * 2 ** -23);
    return judge(by(ref, { hard }), f32(...ulps.map(() => 1 + 2 ** -22)), strict).worst;
  };

  test('is that which comes closest to its bound, though all pass; the first of equals', () => {
    expect(worst(6, 3, 4)).toEqual({ ratio: 0.5, index: 1 });
    expect(worst(6, 3, 3)).toEqual({ ratio: 0.5, index: 1 });
    expect(worst(3, 6)).toEqual({ ratio: 0.5, index: 0 });
  });

  test('is one with an excess, where others have none', () => {
    const hard = Float64Array.of(1, 1, 1);
    expect(judge(by([1, 1, 1], { hard }), f32(1, 2, 1), strict).worst).toEqual({
      ratio: 1 - 2 ** -24,
      index: 1,
    });
  });
});

describe('exact bits', () => {
  const wanted = f32(1, Number.NaN, 0, -3);
  const expected = exactly({ role: 'residualOut', dtype: 'f32', rowLength: 4, rows: [0] }, wanted);

  test('are compared in bits, every NaN one value', () => {
    const other = wanted.slice();
    other[1] = 0xffc12345;
    expect(judge(expected, other, strict)).toMatchObject({ elements: 4, informative: 2, failing: 0 });
  });

  test.each([
    ['an ulp', 0, 0x3f800001],
    ['the sign of a zero', 2, 0x80000000],
    ['a number for a NaN', 1, 0],
    ['a NaN for a number', 3, 0x7fc00000],
  ])('%s is a difference', (_, index, bits) => {
    const other = wanted.slice();
    other[index] = bits;
    const { failing, findings } = judge(expected, other, strict);
    expect(failing).toBe(1);
    expect(findings).toMatchObject([{ property: 'equivalence', role: 'residualOut', index }]);
  });
});

describe('exact elements among others', () => {
  const wanted = f32(0, Number.NaN, -0, 5);
  const expected = by([1, Number.NaN, -0, 5], {
    exact: wanted,
    hard: Float64Array.of(2 ** -20, 1, 1, 1),
    rules: Uint8Array.of(0, rule.bits, rule.bits, rule.bits),
  });
  const failing = (...seen: number[]) => judge(expected, f32(...seen), strict).failing;

  test('are held to their bits, whatever their bound; the others to theirs, whatever stands in `exact`', () => {
    expect(failing(1 + 2 ** -22, Number.NaN, -0, 5)).toBe(0);
    expect(failing(1 + 2 ** -18, Number.NaN, -0, 5)).toBe(1);
    expect(failing(1, 0, -0, 5)).toBe(1);
    expect(failing(1, Number.NaN, 0, 5)).toBe(1);
    expect(failing(1, Number.NaN, -0, 5 + 2 ** -20)).toBe(1);
  });

  test('a rule without bits to hold passes nothing', () => {
    expect(judge(by([1], { rules: Uint8Array.of(rule.bits) }), f32(1), strict).failing).toBe(1);
  });
});

describe('on generic data', () => {
  const { expected, y } = honest('f32');
  const values = (f: (value: number, i: number) => number) => encodeAll(expected.ref.map(f), 'f32');
  /** The same values, each element within its bound: what neither statistic may be masked by. */
  const lax = { ...expected, hard: expected.hard.map(bound => 1e6 * bound) };

  test('errors of many typical sizes fail the precision statistic, though no element does', () => {
    const wrong = values((v, i) => v * (1 + (i % 2 ? 1 : -1) * 2 ** -18));
    const judgement = judge(lax, wrong, { generic: true });
    expect(judgement.failing).toBe(0);
    expect(judgement.findings.map(f => f.property)).toEqual(['precision']);
    expect(judge(lax, wrong, { generic: false }).findings).toEqual([]);
  });

  test('fifteen elements with an excess are too few for it, sixteen are not', () => {
    const wrong = (count: number) => values((v, i) => (i < count ? v * (1 + 2 ** -18) : v));
    expect(judge(lax, wrong(15), { generic: true }).precision).toBeUndefined();
    expect(judge(lax, wrong(16), { generic: true }).findings).toMatchObject([
      { property: 'precision', elements: 16 },
    ]);
  });

  test('it is met at its limit, and elements under a rule of the contract are not of it', () => {
    /** 16 elements with the excess of half an ulp that a neighbour of the value has. */
    const off = (typical: number, rules = new Uint8Array(16)) => {
      const ref = by(Array(16).fill(1), {
        hard: new Float64Array(16).fill(1),
        typical: new Float64Array(16).fill(typical),
        rules,
      });
      return judge(ref, f32(...Array(16).fill(1 + 2 ** -23)), { generic: true });
    };
    expect(off(2 ** -26)).toMatchObject({ precision: 4, findings: [] });
    expect(off(2 ** -26 * (1 - 2 ** -40)).findings).toMatchObject([{ property: 'precision', limit: 4 }]);
    expect(off(2 ** -26, new Uint8Array(16).fill(rule.zero, 0, 1)).precision).toBeUndefined();
  });

  test('a factor common to one row fails its bias; in 16 bits too, where most elements round it away', () => {
    const half = honest('bf16');
    const forgiving = { ...half.expected, hard: half.expected.hard.map(bound => 1e6 * bound) };
    const drifting = (factor: number) =>
      encodeAll(
        half.expected.ref.map((v, i) => (i < n ? round(v, 'bf16') + (i % 3 ? 0 : v * factor) : v)),
        'bf16',
      );
    expect(judge(forgiving, drifting(2 ** -7), { generic: true }).findings).toContainEqual(
      expect.objectContaining({ property: 'bias', row: 0 }),
    );
    expect(judge(expected, y, { generic: true }).bias).toBeLessThan(0.5);
  });

  test('a short row has no bias', () => {
    const c = rmsNormCase({ rows: 2, n: 63, x: { kind: 'normal' } });
    const inputs = inputBits(c);
    const [short] = expectedOf(c, inputs);
    expect(judge(short, run(plain, c, inputs).y, { generic: true }).bias).toBeUndefined();
  });

  describe('the bias of a row', () => {
    const length = 64;
    const typicalUlps = (ulps: number, count = length) => new Float64Array(count).fill(ulps * 2 ** -23);
    const row = (value: number) => Array<number>(length).fill(value);
    const biasOf = (ref: Expected, seen: Bits) => judge(ref, seen, { generic: true });
    const lenient = (count = length) => ({ hard: new Float64Array(count).fill(Infinity) });
    /** Four times the typical error, in half ulps, and six standard deviations of the mean of 64 roundings. */
    const limit = (typical: number) => 4 * 2 * typical + 6 / Math.sqrt(3 * length);

    test('is counted in half ulps, of 64 elements on; within its limit it passes, beyond it not', () => {
      const ref = by(row(1), { ...lenient(), typical: typicalUlps(1) });
      expect(biasOf(ref, f32(...row(1 + 2 ** -23))).bias).toBeCloseTo(2 / limit(1), 12);
      expect(biasOf(ref, f32(...row(1 + 4 * 2 ** -23)))).toMatchObject({ findings: [] });
      const { findings, bias } = biasOf(ref, f32(...row(1 + 5 * 2 ** -23)));
      expect(bias).toBeCloseTo(10 / limit(1), 12);
      expect(findings.filter(f => f.property === 'bias')).toEqual([
        { property: 'bias', role: 'y', row: 0, bias: 10, limit: expect.closeTo(limit(1), 12) },
      ]);
    });

    test.each([
      ['away from zero', 5, 1],
      ['towards zero', -5, -1],
    ])('has a sign: %s', (_, ulps, sign) => {
      for (const value of [1.5, -1.5]) {
        const ref = by(row(value), { ...lenient(), typical: typicalUlps(1) });
        const seen = f32(...row(value + Math.sign(value) * ulps * 2 ** -23));
        expect(biasOf(ref, seen).findings).toContainEqual(
          expect.objectContaining({ property: 'bias', bias: 10 * sign }),
        );
      }
    });

    test('is that of its own row, and the largest is told', () => {
      const values = [1, 1, 1].flatMap(row);
      const ref = by(values, {
        ...lenient(3 * length),
        typical: typicalUlps(1, 3 * length),
        rowLength: length,
        rows: [0, 1, 2],
      });
      const seen = f32(...row(1 + 2 ** -23), ...row(1 + 5 * 2 ** -23), ...row(1));
      const { findings, bias } = biasOf(ref, seen);
      expect(findings.filter(f => f.property === 'bias')).toMatchObject([{ row: 1, bias: 10 }]);
      expect(bias).toBeCloseTo(10 / limit(1), 12);
    });

    test.each<[string, number, number, number]>([
      ['an exception of the contract', 1, 1, rule.zero],
      ['no sign', 0, 0, 0],
      ['a value beyond the type', 2 ** 128, Infinity, 0],
      ['an infinity for a value', 1, Infinity, 0],
    ])(
      'leaves out an element with %s: 63 others are too few, and the next row has none to lend',
      (_, value, seen, rules) => {
        const ref = by([value, ...row(1).slice(1), ...row(1)], {
          ...lenient(2 * length),
          typical: typicalUlps(1, 2 * length),
          rules: new Uint8Array(2 * length).fill(rules, 0, 1),
          rowLength: length,
          rows: [0, 1],
        });
        const drifting = row(1 + 5 * 2 ** -23).slice(1);
        const judgement = biasOf(ref, f32(seen, ...drifting, ...row(1)));
        expect(judgement.findings.filter(f => f.property === 'bias')).toEqual([]);
        expect(judgement.bias).toBe(0);
      },
    );

    test('in 16 bits, leaves out what ordinary f32 error explains, up to the typical one', () => {
      const half = (typical: number) =>
        biasOf(
          by(row(1), { ...lenient(), dtype: 'bf16', typical: new Float64Array(length).fill(typical) }),
          encodeAll(Float64Array.from(row(1 + 2 ** -7)), 'bf16'),
        ).bias;
      // An ulp off: an excess of half an ulp.
      expect(half(2 ** -8)).toBe(0);
      expect(half(2 ** -8 * (1 - 2 ** -30))).toBeGreaterThan(0);
    });
  });

  test('findings survive JSON', () => {
    const { findings } = judge(expected, y.slice().fill(formats.f32.nan), { generic: true });
    expect(JSON.parse(JSON.stringify(findings))).toEqual(findings);
  });
});
