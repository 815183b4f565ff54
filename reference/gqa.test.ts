/** The contract's visibility and special values, one rule a test. That the bounds are two-sided: gqa.bounds.test.ts. */

import { describe, expect, test } from 'vitest';
import { type Bits, encode, encodeAll, type FloatDtype, floatDtypes, formats } from '../src/case/dtype.ts';
import type { Numerics } from '../src/case/numerics.ts';
import { rule } from './expected.ts';
import { expectedOf } from './index.ts';
import { judge } from './judge.ts';
import { type Call, expectedOfCall, inputsOf, row } from './testing/gqa_rows.ts';

/** Whether the output may be what is seen. */
function admits(call: Call, ...seen: number[]): boolean {
  const out = expectedOfCall(call);
  return judge(out, encodeAll(Float64Array.from(seen), out.dtype), { generic: false }).failing === 0;
}

const { NaN: nan } = Number;
const finfoMin = -formats.f32.maxFinite;

describe('which keys are live', () => {
  test('all combinations of causal, window, lengths: a brute force over the contract', () => {
    const keys = 5;
    for (const causal of [false, true])
      for (const window of causal ? [0, 1, 2, 3, 9] : [0])
        for (const qLen of [1, 2, 4, 7])
          for (const kvLen of [0, 1, 3, 5]) {
            // Equal scores, and values from whose mean the keys can be read.
            const v = Array.from({ length: keys }, (_, j) => 2 ** j);
            const values = { q: new Array(qLen).fill(0), v };
            const { ref, rules } = expectedOfCall({
              qLen,
              keys,
              headDim: 1,
              kvLen: [kvLen],
              causal,
              window,
              values,
            });
            for (let i = 0; i < qLen; i++) {
              const position = kvLen - qLen + i;
              const live = v.filter(
                (_, j) => j < kvLen && !(causal && j > position) && !(window > 0 && j <= position - window),
              );
              expect(rules[i]).toBe(live.length > 0 ? 0 : rule.bits);
              const mean = live.length > 0 ? live.reduce((a, b) => a + b) / live.length : 0;
              expect(ref[i]).toBeCloseTo(mean, 12);
            }
          }
  });

  const ragged: Call = {
    batch: 2,
    qLen: 3,
    qHeads: 6,
    kvHeads: 2,
    headDim: 4,
    keys: 6,
    kvLen: [5, 2],
    causal: true,
    window: 2,
    softcap: 4,
  };

  test('what is not live is never read: NaN and infinities there change no bit', () => {
    const { c, inputs } = inputsOf(ragged);
    const poisoned = { ...inputs, k: inputs.k.slice(), v: inputs.v.slice() };
    // Keys from 5 and from 2 on; and key 0 of the first batch, which lies before every window.
    for (const [batch, from, to] of [
      [0, 0, 1],
      [0, 5, 6],
      [1, 2, 6],
    ]) {
      poisoned.k.fill(formats.f32.nan, (batch * 6 + from) * 8, (batch * 6 + to) * 8);
      poisoned.v.fill(formats.f32.infinity, (batch * 6 + from) * 8, (batch * 6 + to) * 8);
    }
    expect(expectedOf(c, poisoned)[0]).toMatchObject({
      ref: expectedOf(c, inputs)[0].ref,
      rules: expectedOf(c, inputs)[0].rules,
      hard: expectedOf(c, inputs)[0].hard,
      typical: expectedOf(c, inputs)[0].typical,
    });
  });

  test('chosen rows are those of the whole', () => {
    const all = expectedOfCall(ragged);
    const chosen = [1, 7, 20, 35];
    const some = expectedOfCall(ragged, chosen);
    for (const what of ['ref', 'hard', 'typical', 'rules'] as const) {
      expect([...some[what]]).toEqual(chosen.flatMap(r => [...all[what].slice(4 * r, 4 * r + 4)]));
    }
  });

  test('paged is contiguous by another way; entries of unseen blocks may hold anything', () => {
    const sizes = { qLen: 2, headDim: 2, causal: true } as const;
    const k = [1, 2, 3, 4, 5, 6, 7, 8];
    const v = [9, 8, 7, 6, 5, 4, 3, 2];
    const plain = expectedOfCall({ ...sizes, keys: 4, values: { k, v } });
    const swapped = (list: number[]) => [...list.slice(4), ...list.slice(0, 4)];
    const paged = expectedOfCall({
      ...sizes,
      keys: 2,
      blocks: 2,
      blockTable: [[1, 0, -77, 2_000_000_000]],
      kvLen: [4],
      values: { k: swapped(k), v: swapped(v) },
    });
    expect(paged.ref).toEqual(plain.ref);
  });

  test('a mask is read by batch and head where it has them, and -inf is not live', () => {
    const mask = [0, -Infinity, -Infinity, 0];
    const v = [1, 2, 3, 4];
    const shared = { headDim: 1, keys: 2, batch: 2, values: { v, mask } };
    expect([...expectedOfCall({ ...shared, maskShape: [2, 1] }).ref]).toEqual([1, 4]);
    expect([...expectedOfCall({ ...shared, qHeads: 2, maskShape: [1, 2] }).ref]).toEqual([1, 2, 3, 4]);
    // By both: the second batch's heads see the other key each.
    const both = { v, mask: [0, -Infinity, -Infinity, 0, -Infinity, 0, 0, -Infinity] };
    const all = expectedOfCall({ ...shared, values: both, qHeads: 2, kvHeads: 1, maskShape: [2, 2] });
    expect([...all.ref]).toEqual([1, 2, 4, 3]);
  });

  test('the bound of a windowed row is that of its keys alone', () => {
    const numbers = (n: number, step: number) => Array.from({ length: n }, (_, i) => Math.sin(1 + step * i));
    const [k, v] = [numbers(16, 1), numbers(16, 2)];
    const q = [0.5, -2];
    for (const numerics of ['f32', 'bf16 dot'] as const) {
      const windowed = expectedOfCall({
        keys: 8,
        headDim: 2,
        window: 3,
        causal: true,
        numerics,
        values: { q, k, v },
      });
      const alone = expectedOfCall({
        keys: 3,
        headDim: 2,
        numerics,
        values: { q, k: k.slice(10), v: v.slice(10) },
      });
      for (const what of ['ref', 'hard', 'typical', 'rules'] as const)
        expect([...windowed[what]]).toEqual([...alone[what]]);
    }
  });

  test('scale and softcap are the f32 that the interface carries', () => {
    const s = Math.fround(0.1) * 3;
    const cap = Math.fround(0.7);
    const p = 1 / (1 + Math.exp(-cap * Math.tanh(s / cap)));
    const { ref } = expectedOfCall({ ...row([3, 0], [1, 0]), scale: 0.1, softcap: 0.7 });
    expect(ref[0]).toBeCloseTo(p, 14);
  });

  test('no rows, no elements', () => {
    expect(expectedOfCall({ qLen: 0 }).ref).toHaveLength(0);
  });
});

describe('no live key', () => {
  test.each(floatDtypes)('is +0 in %s, in bits', dtype => {
    const out = expectedOfCall({ keys: 3, kvLen: [0], headDim: 1, dtype });
    const fails = (bits: number) => judge(out, Uint32Array.of(bits) as Bits, { generic: false }).failing;
    if (dtype === 'f32') {
      expect(fails(0)).toBe(0);
      for (const wrong of [-0, 2 ** -149, nan, 1]) expect(fails(encode(wrong, dtype))).toBe(1);
    } else {
      for (const [value, failing] of [
        [0, 0],
        [-0, 1],
        [nan, 1],
      ] as const)
        expect(judge(out, Uint16Array.of(encode(value, dtype)), { generic: false }).failing).toBe(failing);
    }
  });

  test('a mask of -inf alone does it too', () => {
    const dead = row([1, 2], [nan, 1], { values: { mask: [-Infinity, -Infinity] } });
    expect(admits(dead, 0)).toBe(true);
    expect(admits(dead, nan)).toBe(false);
  });
});

describe('NaN and infinity', () => {
  test('a NaN in a live score makes its row NaN, and no other', () => {
    expect(admits(row([nan, 1], [1, 2]), nan)).toBe(true);
    expect(admits(row([nan, 1], [1, 2]), 1.5)).toBe(false);
    const { rules } = expectedOfCall({ qHeads: 2, headDim: 1, keys: 2, values: { q: [nan, 1] } });
    expect([...rules]).toEqual([rule.nan, 0]);
  });

  test('so does an infinity that meets a zero or its opposite', () => {
    const call = { keys: 1, headDim: 2, scale: 1, values: { k: [1, -1], v: [1, 1] } };
    expect(admits({ ...call, values: { ...call.values, q: [Infinity, Infinity] } }, nan, nan)).toBe(true);
    expect(admits({ ...call, values: { ...call.values, q: [Infinity, Infinity] } }, 1, 1)).toBe(false);
  });

  test('a NaN in a live v makes its column NaN, even where its weight underflows', () => {
    const call = row([0, -500], [1, 2, nan, 3]);
    expect(admits(call, nan, 2)).toBe(true);
    expect(admits(call, 1, 2)).toBe(false);
  });

  test('each in its own column and key', () => {
    const v = [1, nan, 2, Infinity, 5, 6, 7, 8, -Infinity];
    const { rules } = expectedOfCall(row([0, 0, 0], v));
    expect([...rules]).toEqual([rule.maybeNaN, rule.nan, rule.maybeNaN]);
    expect(admits(row([0, 0, 0], v), Infinity, nan, -Infinity)).toBe(true);
    expect(admits(row([0, 0, 0], v), -Infinity, nan, -Infinity)).toBe(false);
    expect(admits(row([0, 0, 0], v), Infinity, nan, Infinity)).toBe(false);
  });

  test('an infinite one gives that infinity or NaN; two opposite ones either, or NaN', () => {
    const one = row([0, -500], [1, -Infinity]);
    for (const seen of [-Infinity, nan]) expect(admits(one, seen)).toBe(true);
    for (const seen of [Infinity, 1, finfoMin]) expect(admits(one, seen)).toBe(false);
    const two = row([0, 0], [Infinity, -Infinity]);
    for (const seen of [-Infinity, Infinity, nan]) expect(admits(two, seen)).toBe(true);
    expect(admits(two, 0)).toBe(false);
  });
});

describe('unspecified', () => {
  const anything = [0, -0, 1e30, Infinity, nan];
  const admitsAnything = (call: Call) => anything.every(seen => admits(call, seen));

  test('a score stage that is infinite or beyond 2^125, by its parts too', () => {
    expect(admitsAnything(row([Infinity, 1], [1, 2]))).toBe(true);
    expect(admitsAnything(row([2 ** 126, 1], [1, 2]))).toBe(true);
    expect(admitsAnything(row([-(2 ** 126), 1], [1, 2]))).toBe(true);
    expect(admitsAnything({ ...row([2 ** 100, 1], [1, 2]), scale: 2 ** 26 })).toBe(true);
    const cancels = { q: [2 ** 64, 2 ** 64], k: [2 ** 62, -(2 ** 62)], v: [1, 1] };
    expect(expectedOfCall({ keys: 1, headDim: 2, values: cancels }).rules[0]).toBe(rule.any);
    expect(admitsAnything(row([2 ** 120, 1], [1, 2]))).toBe(false);
  });

  test('NaN or +inf in a visible mask; not in one that is not', () => {
    for (const wrong of [nan, Infinity]) {
      const call = row([1, 2], [1, 2], { values: { mask: [wrong, 0] } });
      expect(admitsAnything(call)).toBe(true);
      const { ref } = expectedOfCall({ ...call, causal: true, window: 1 });
      expect([...ref]).toEqual([2]);
    }
  });

  test('a NaN score beside it', () => {
    expect(admitsAnything(row([nan, Infinity], [1, 2]))).toBe(true);
  });

  test('one key masked by finfo.min beside one that is not', () => {
    expect(admitsAnything(row([1, 2], [1, 2], { values: { mask: [finfoMin, 0] } }))).toBe(true);
  });

  test('a value beyond what operands hold, in their class alone', () => {
    const of = (numerics: Numerics) => expectedOfCall(row([0, 0], [2 ** 15, 1], { numerics })).rules[0];
    expect([of('f16 dot'), of('bf16 dot'), of('f32')]).toEqual([rule.any, 0, 0]);
  });

  test('the same beside a column that holds a NaN, an infinity, or both', () => {
    const of = (...special: number[]) => {
      const values = [...special, 2 ** 18, 1, 1, 1];
      return [...expectedOfCall(row([0, 0], values, { numerics: 'f16 dot' })).rules];
    };
    expect(of(nan, 1)).toEqual([rule.nan, rule.any, rule.any]);
    expect(of(Infinity, 1)).toEqual([rule.any, rule.any, rule.any]);
    expect(of(nan, Infinity)).toEqual([rule.nan, rule.any, rule.any]);
  });

  test('an infinite value takes no bound from the others', () => {
    const expected = expectedOfCall(row([0, 0], [Infinity, 3, 1, 3], { numerics: 'f16 dot' }));
    expect([...expected.rules]).toEqual([rule.maybeNaN, 0]);
    expect([...expected.ref]).toEqual([Infinity, 3]);
  });

  test('a value that is no number, where every live score is below -2^100', () => {
    const scores = [-(2 ** 102), -(2 ** 102)];
    expect([...expectedOfCall(row(scores, [nan, 1, Infinity, 1])).rules]).toEqual([rule.any, rule.zero]);
  });

  test('a column whose values add up to 2^127', () => {
    const call = row([0, 0], [2 ** 126, 1, 2 ** 126, 1]);
    expect([...expectedOfCall(call).rules]).toEqual([rule.any, 0]);
  });
});

describe('every live score below -2^100', () => {
  const call = row([1, 2, 3], [-1, 5, 4], { values: { mask: [finfoMin, finfoMin, finfoMin] } });

  test('is +0 or within the hull of the live values, not NaN', () => {
    for (const seen of [0, -1, 5, 4, 2.6, 5.0000002]) expect(admits(call, seen)).toBe(true);
    for (const seen of [nan, 5.1, -1.1, Infinity]) expect(admits(call, seen)).toBe(false);
  });

  test('has +0 beside the hull', () => {
    const positive = row([1, 2], [4, 5], { values: { mask: [finfoMin, finfoMin] } });
    for (const seen of [0, 4, 5]) expect(admits(positive, seen)).toBe(true);
    expect(admits(positive, 3.9)).toBe(false);
  });

  test('is unspecified where the sum with the mask overflows', () => {
    expect(
      admits({ ...call, ...row([-(2 ** 104), 0], [1, 2], { values: { mask: [finfoMin, finfoMin] } }) }, nan),
    ).toBe(true);
  });

  test('is NaN where a score is', () => {
    expect(admits(row([nan, 2], [4, 5], { values: { mask: [finfoMin, finfoMin] } }), 4)).toBe(false);
  });
});

describe('scores of millions', () => {
  test('one that is ahead by more than they can be off gives its value', () => {
    const call = row([1e8, 0.9e8, -1e8], [3, 700, 1e30]);
    expect(admits(call, 3)).toBe(true);
    for (const seen of [3.0001, 2.999, 700]) expect(admits(call, seen)).toBe(false);
  });

  test('of two that may be the same either, or what lies between', () => {
    const call = row([1e8, 1e8 - 8, 0], [3, 4, 100]);
    for (const seen of [3, 4, 3.5]) expect(admits(call, seen)).toBe(true);
    for (const seen of [2.999, 4.001, 100]) expect(admits(call, seen)).toBe(false);
  });
});

describe('small weights', () => {
  test('below 2^-124 one may be lost or be held up, and a large value shows it', () => {
    const call = row([0, -95], [0, 2 ** 125]);
    const whole = Math.exp(-95) * 2 ** 125;
    for (const seen of [0, whole]) expect(admits(call, seen)).toBe(true);
    expect(admits(call, 3)).toBe(false);
  });

  test('and that is no loss of precision, where nothing else is in a column', () => {
    const out = expectedOfCall(row([0, -90], [...new Array(32).fill(0), ...new Array(32).fill(1)]));
    expect(judge(out, new Uint32Array(32), { generic: true })).toMatchObject({ findings: [], failing: 0 });
    const lost = expectedOfCall(row([0, -80], [...new Array(32).fill(0), ...new Array(32).fill(1)]));
    expect(judge(lost, new Uint32Array(32), { generic: true }).findings).not.toEqual([]);
  });

  test('above it none is', () => {
    const call = row([0, -80], [0, 2 ** 125]);
    const whole = Math.exp(-80) * 2 ** 125;
    expect(admits(call, whole)).toBe(true);
    for (const seen of [0, 1.001 * whole]) expect(admits(call, seen)).toBe(false);
  });
});

describe('bounds', () => {
  const call: Call = { keys: 50, headDim: 64 };
  const hardOf = (numerics?: Numerics, dtype: FloatDtype = 'f32') => {
    const { hard } = expectedOfCall({ ...call, dtype, ...(numerics && { numerics }) });
    return hard.reduce((a, b) => a + b) / hard.length;
  };

  test('a weaker class has a wider one, and f32 is what holds where none is said', () => {
    expect(hardOf()).toBe(hardOf('f32'));
    expect(hardOf('f16 dot')).toBeGreaterThan(10 * hardOf());
    expect(hardOf('bf16 dot')).toBeGreaterThan(3 * hardOf('f16 dot'));
    expect(hardOf('f16 accumulate')).toBeGreaterThan(3 * hardOf('f16 dot'));
  });

  test('operands that are stored as the class rounds them are rounded once less', () => {
    expect(hardOf('bf16 dot', 'bf16')).toBeLessThan(0.8 * hardOf('bf16 dot'));
  });

  test('a saturated softcap hides what is lost before it', () => {
    const saturated = expectedOfCall({ ...call, scale: 1e5, softcap: 5 });
    expect(Math.max(...saturated.hard)).toBeLessThan(1e-4);
  });
});
