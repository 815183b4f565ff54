/** From an outcome to what it shows: nothing counts as held that was not looked at. */

import { describe, expect, test } from 'vitest';
import { gqaCase } from '../../reference/testing/gqa_cases.ts';
import { rounding, run } from '../../reference/testing/gqa_kernels.ts';
import { rmsNormCase } from '../../reference/testing/rms_norm_cases.ts';
import { type Bits, round } from '../case/dtype.ts';
import { inputBits } from '../case/materialise.ts';
import { examine, examined } from './examine.ts';
import type { Outcome } from './lab.ts';
import { fakeLab, kernel, ok, right } from './testing/fake-lab.ts';

const generic = rmsNormCase({
  rows: 3,
  n: 128,
  x: { kind: 'normal', seed: 1 },
  weight: { kind: 'normal', seed: 2 },
});
const structured = rmsNormCase({ rows: 2, n: 8, x: { kind: 'powers', seed: 1 } });
const empty = rmsNormCase({ rows: 0, n: 8, x: { kind: 'normal', seed: 1 } });

const see = (c: typeof generic, outcome: Outcome) => examine(fakeLab({ k: () => outcome }), kernel('k'), c);
const broken = (examination: ReturnType<typeof see>) => examination.breaches.map(breach => breach.property);

test('a right answer holds, in all that it was asked', () => {
  expect(see(generic, ok(right(generic)))).toMatchObject({ breaches: [], answered: Object.keys(examined) });
  const [{ elements, informative }] = see(generic, ok(right(generic))).judgements;
  expect([elements, informative]).toEqual([384, 384]);
});

test('precision and bias are answered by generic data alone', () => {
  expect(see(structured, ok(right(structured))).answered).toEqual([
    'survival',
    'status',
    'memory',
    'equivalence',
  ]);
});

test('a kernel is held to the bound of the class that it declares; to that of F32 where that is unknown', () => {
  const c = gqaCase({ keys: 50, qLen: 4, headDim: 64 });
  const out = run(
    rounding(x => round(x, 'bf16')),
    c,
    inputBits(c),
  );
  const seen = (numerics: number) =>
    examine(fakeLab({ k: () => ok({ out }) }), kernel('k', { op: 'gqa', numerics }), c).breaches.length > 0;
  expect([0, 1, 2, 9].map(seen)).toEqual([true, false, true, true]);
});

test('without elements nothing is compared, and nothing said of it', () => {
  expect(see(empty, ok(right(empty)))).toMatchObject({
    breaches: [],
    judgements: [],
    answered: ['survival', 'status', 'memory'],
  });
});

describe('what does not hold', () => {
  const spoilt = (spoil: (bits: Bits) => void): Outcome => {
    const { y } = right(generic);
    spoil(y);
    return ok({ y });
  };

  test.each<[string, Outcome, string[], string[]]>([
    ['a crash', { is: 'died', how: 'crash', message: 'SIGSEGV' }, ['survival'], ['survival']],
    ['a hang', { is: 'died', how: 'hang', message: 'no answer' }, ['survival'], ['survival']],
    ['nonsense', { is: 'nonsense', message: 'run returned 77' }, ['status'], ['survival', 'status']],
    [
      'a valid call refused',
      { is: 'invalid', executed: null, trespasses: [] },
      ['status'],
      ['survival', 'status'],
    ],
    [
      'a write while declining',
      { is: 'unsupported', executed: null, trespasses: ['wrote where it must not'] },
      ['memory'],
      ['survival', 'status', 'memory'],
    ],
    ['a stray write', ok(right(generic), { trespasses: ['wrote'] }), ['memory'], Object.keys(examined)],
    [
      'one wrong element',
      spoilt(y => (y[200] ^= 1 << 20)),
      ['equivalence', 'precision', 'bias'],
      Object.keys(examined),
    ],
    ['NaN everywhere', spoilt(y => y.fill(0x7fc00000)), ['equivalence'], Object.keys(examined)],
    ['zero everywhere', spoilt(y => y.fill(0)), ['equivalence', 'precision', 'bias'], Object.keys(examined)],
  ])('%s', (_, outcome, properties, answered) => {
    const seen = see(generic, outcome);
    expect(new Set(broken(seen))).toEqual(new Set(properties));
    expect(seen.answered).toEqual(answered);
    for (const { message } of seen.breaches) expect(message).not.toBe('');
    for (const { fatal, property } of seen.breaches)
      expect(fatal !== undefined).toBe(property === 'survival');
  });

  test('declining is no breach and no evidence', () => {
    const seen = see(generic, { is: 'unsupported', executed: null, trespasses: [] });
    expect(seen).toMatchObject({ breaches: [], judgements: [] });
    expect(seen.answered).not.toContain('equivalence');
  });

  test('what is no matter of elements names none, and says what it is', () => {
    const said = (outcome: Outcome) => see(generic, outcome).breaches;
    const declined = { executed: null, trespasses: [] };
    expect(said({ is: 'died', how: 'hang', message: 'no answer' })).toEqual([
      { property: 'survival', message: 'no answer', elements: [], fatal: 'hang' },
    ]);
    expect(see(generic, { is: 'nonsense', message: '' }).judgements).toEqual([]);
    expect(said({ is: 'nonsense', message: 'run returned 77' })).toEqual([
      { property: 'status', message: 'run returned 77', elements: [] },
    ]);
    expect(said({ is: 'invalid', ...declined })).toEqual([
      { property: 'status', message: 'the kernel calls a valid call invalid', elements: [] },
    ]);
    expect(said(ok(right(generic), { trespasses: ['wrote a', 'wrote b'] }))).toEqual([
      { property: 'memory', message: 'wrote a; wrote b', elements: [] },
    ]);
  });

  test('a statistic is told with its limit', () => {
    // Right answers cut off to bfloat16: hundreds of typical errors, all towards zero.
    const cut = spoilt(y => y.set(y.map(bits => (bits & 0xffff0000) >>> 0)));
    const told = see(generic, cut).breaches.filter(({ property }) => property !== 'equivalence');
    expect(told).toEqual([
      expect.objectContaining({ property: 'precision', elements: [] }),
      ...[0, 1, 2].map(() => expect.objectContaining({ property: 'bias', elements: [] })),
    ]);
    expect(told[0].message).toMatch(
      /^the error of y is \S+ times that of ordinary f32 arithmetic \(root mean square over \d+ elements; the limit is 4\)$/,
    );
    expect(told[3].message).toMatch(
      /^row 2 of y errs in one direction by -\S+ half ulps on average \(the limit is \d+(\.\d+)?\)$/,
    );
  });

  test('the wrong element is named with its place and its bits', () => {
    const { y } = right(generic);
    const bits = y[200] ^ (1 << 20);
    const [breach] = see(
      generic,
      spoilt(y => (y[200] = bits)),
    ).breaches;
    expect(breach.message).toMatch(
      /^1 of 384 elements of y break the bound; y\[1, 72\] should be \S+ and is \S+$/,
    );
    expect(breach.elements).toEqual([
      expect.objectContaining({
        role: 'y',
        index: 200,
        at: [1, 72],
        seenBits: `0x${bits.toString(16).padStart(8, '0')}`,
      }),
    ]);
  });
});
