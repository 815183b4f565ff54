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
    expect(() => judge(expected, y.subarray(1), strict)).toThrow(/reaches to element 400/);
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

  test('findings survive JSON', () => {
    const { findings } = judge(expected, y.slice().fill(formats.f32.nan), { generic: true });
    expect(JSON.parse(JSON.stringify(findings))).toEqual(findings);
  });
});
