import { describe, expect, test } from 'vitest';
import type { Field, Finding, Threshold } from '../src/run/document.ts';
import {
  changeWords,
  explanationSentence,
  fieldWords,
  thresholdWords,
  tiersWords,
} from './explanation-words.ts';
import { plantedRun } from './testing/sample.ts';

const told = { within: 0.5, failing: 20, agreeing: 20 };
const threshold = (rest: Partial<Threshold>): Threshold => ({
  name: 'n',
  value: 8,
  from: null,
  to: null,
  fails: [],
  holds: [],
  ...told,
  ...rest,
});
const field = (rest: Partial<Field>): Field => ({
  name: 'f',
  value: 'a',
  fails: [],
  holds: [],
  ...told,
  ...rest,
});

test.each<[Partial<Threshold>, string]>([
  [{ fails: [9, 99] }, 'any'],
  [{ from: 8, holds: [1, 7], fails: [9] }, 'from 8 up'],
  [{ to: 12, holds: [13], fails: [1, 12] }, 'up to 12'],
  [{ from: 4, to: 12, holds: [3, 13], fails: [4, 12] }, '4 to 12'],
  [{ from: 8, to: 8, holds: [7, 9] }, '8 alone'],
  [{ from: 8, to: 8, holds: [7, 9], fails: [16, 24] }, 'fails at 8, 16, 24; holds at 7, 9'],
  [{ value: 1e18, from: 1e18, holds: [1], fails: [] }, 'from 1000000000000000000 up'],
  [{ value: 0.001, from: 0.001, holds: [0], fails: [1] }, 'from 0.001 up'],
])('a threshold %j reads %s', (rest, words) => {
  expect(thresholdWords(threshold(rest))).toBe(words);
});

test.each<[Partial<Field>, string]>([
  [{ fails: ['b'] }, 'any'],
  [{ holds: ['b'] }, 'only a'],
  [{ value: 'none', holds: ['b'] }, 'never given'],
  [{ fails: ['b'], holds: ['c'] }, 'a, b; not c'],
  [{ fails: ['b'], holds: ['b', 'c'] }, 'a, b; not c, every b'],
])('a field %j reads %s', (rest, words) => {
  expect(fieldWords(field(rest))).toBe(words);
});

describe('a sentence', () => {
  const base = plantedRun().findings.find(finding => finding.explanation)!;
  const sentence = (explanation: Partial<NonNullable<Finding['explanation']>>) =>
    explanationSentence({
      ...base,
      tier: 'sse2',
      explanation: { attempts: 9, fields: [], thresholds: [], tiers: [], shares: null, ...explanation },
    });

  test('says what tells, and nothing else', () => {
    const begins = threshold({ name: 'position', value: 802, from: 802, holds: [801] });
    const never = field({ name: 'tables', value: 'none', holds: ['circle'] });
    const both = { thresholds: [begins], fields: [never] };
    expect(sentence(both)).toBe('Fails from position 802 up, never with tables.');
    expect(sentence({ ...both, tiers: [{ tier: 'avx2', is: 'same bits' }] })).toMatch(
      /same bits in every tier\.$/,
    );
    expect(sentence({ ...both, tiers: [{ tier: 'avx2', is: 'holds' }] })).toMatch(/, in sse2 alone\.$/);
    // Nearly every case is so; or failing cases are so no more often than others.
    for (const weak of [{ within: 0.95 }, { within: 0.5, agreeing: 10 }]) {
      expect(sentence({ thresholds: [{ ...begins, ...weak }], fields: [{ ...never, ...weak }] })).toBe('');
    }
  });

  test('is nothing where nothing is known', () => {
    expect(sentence({})).toBe('');
    expect(explanationSentence({ ...base, explanation: null })).toBe('');
  });
});

test('what tells most comes first, what is free apart', () => {
  const { free, bound, begins } = changeWords({
    attempts: 1,
    fields: [field({ name: 'dtype', fails: ['f16'] }), field({ holds: ['b'] })],
    thresholds: [
      threshold({ name: 'weak', from: 8, holds: [7], agreeing: 11 }),
      threshold({ name: 'strong', from: 8, holds: [7] }),
    ],
    tiers: [],
    shares: null,
  });
  expect([free, bound.map(b => b.name), begins.map(b => b.name)]).toEqual([
    ['dtype'],
    ['f'],
    ['strong', 'weak'],
  ]);
});

test('tiers that come to the same stand together', () => {
  const is = (['holds', 'same bits', 'holds'] as const).map((is, i) => ({
    tier: ['avx512', 'sse2', 'avx2'][i],
    is,
  }));
  expect(tiersWords({ attempts: 0, fields: [], thresholds: [], tiers: is, shares: null })).toBe(
    'the same bits in sse2; holds in avx2 and avx512',
  );
});
