import { describe, expect, test } from 'vitest';
import { rmsNormCase } from '../../reference/testing/rms_norm_cases.ts';
import { type Case, outputElements } from '../case/case.ts';
import { defaultPatience } from '../providers/host.ts';
import type { Sighting } from './evidence.ts';
import type { Drawn } from './generate.ts';
import type { Breach } from './property.ts';
import { shrink } from './shrink.ts';

/** Cases of n elements; each shrinks to every smaller one, the smallest first or last. */
function sized(n: number, order: 'up' | 'down' = 'down', dtype: 'f32' | 'f16' = 'f32'): Drawn {
  const smaller = Array.from({ length: n - 1 }, (_, i) => (order === 'up' ? i + 1 : n - 1 - i));
  return {
    case: rmsNormCase({ n, dtype, x: { kind: 'normal' } }),
    *smaller() {
      for (const size of smaller) yield sized(size, order, dtype);
    },
  };
}

const breachOf = (fatal?: Breach['fatal']): Breach => ({
  property: 'equivalence',
  message: 'wrong',
  elements: [],
  ...(fatal && { fatal }),
});
const sighting = (fatal?: Breach['fatal']): Sighting => ({
  kernel: 'k',
  dtype: 'f32',
  k: 3,
  breach: breachOf(fatal),
});
const size = (c: Case) => c.tensors.x.shape[1];

test('finds the smallest that still fails', () => {
  const shrunk = shrink(sized(60), sighting(), c => (size(c) >= 17 ? breachOf() : undefined));
  expect(size(shrunk.case)).toBe(17);
  expect(shrunk).toMatchObject({ steps: 43, fromElements: 60, toElements: 17 });
  expect(outputElements(shrunk.case)).toBe(17);
});

test('what never fails again stays as it was seen', () => {
  const shrunk = shrink(sized(9), sighting(), () => undefined);
  expect(shrunk).toMatchObject({ steps: 0, runs: 8, fromElements: 9, toElements: 9 });
});

test('a case is tried once', () => {
  const seen: number[] = [];
  shrink(sized(12), sighting(), c => {
    seen.push(size(c));
    return size(c) >= 6 ? breachOf() : undefined;
  });
  expect(new Set(seen).size).toBe(seen.length);
});

test('another type is another cell: never tried', () => {
  const other: Drawn = { case: sized(9).case, smaller: () => [sized(4, 'up', 'f16')] };
  const shrunk = shrink(other, sighting(), () => {
    throw new Error('tried');
  });
  expect(shrunk.runs).toBe(0);
});

describe('a plainer plan of the same case', () => {
  /** So many words of a plan that say nothing, one fewer each time; then, if it may, a smaller case. */
  const wordy = (words: number, then?: Drawn): Drawn => ({
    case: sized(9).case,
    plan: { words },
    *smaller() {
      if (words > 0) yield wordy(words - 1, then);
      else if (then) yield then;
    },
  });
  const never = () => {
    throw new Error('tried');
  };

  test('is taken without a run, and the walk goes on from it', () => {
    expect(shrink(wordy(5), sighting(), never)).toMatchObject({ plan: { words: 0 }, runs: 0, steps: 0 });
    const shrunk = shrink(wordy(5, { ...sized(3), plan: 'small' }), sighting(), c =>
      size(c) === 3 ? breachOf() : undefined,
    );
    expect(shrunk).toMatchObject({ plan: 'small', steps: 1, toElements: 3 });
  });

  test('is taken 200 times at most', () => {
    expect(shrink(wordy(1000), sighting(), never)).toMatchObject({ plan: { words: 800 }, runs: 0 });
  });

  test('is none where the case is another, or has no plan', () => {
    const other = { ...sized(3), plan: { words: 0 } };
    const shrunk = shrink({ ...wordy(1), smaller: () => [other] }, sighting(), () => undefined);
    expect(shrunk).toMatchObject({ plan: { words: 1 }, runs: 1, steps: 0 });
    const planless: Drawn = { case: sized(9).case, smaller: () => [] };
    expect(shrink({ ...wordy(1), smaller: () => [planless] }, sighting(), never).plan).toEqual({ words: 1 });
  });
});

test('an answer and a crash have all patience', () => {
  for (const fatal of [undefined, 'crash'] as const) {
    const patiences = new Set<number>();
    shrink(sized(9), sighting(fatal), (_, patience) => {
      patiences.add(patience);
      return breachOf(fatal);
    });
    expect([...patiences]).toEqual([defaultPatience]);
  }
});

test('another way of failing is not followed', () => {
  expect(shrink(sized(9), sighting(), () => breachOf('crash')).steps).toBe(0);
  expect(shrink(sized(9), sighting('crash'), () => breachOf()).steps).toBe(0);
  expect(shrink(sized(9), sighting('crash'), () => breachOf('hang')).steps).toBe(0);
});

describe('the budget', () => {
  test.each([
    ['an answer', undefined, 400],
    ['a crash', 'crash', 200],
    ['a hang', 'hang', 20],
  ] as const)('of %s', (_, fatal, most) => {
    let asked = 0;
    const ask = () => {
      asked++;
      return breachOf(fatal);
    };
    const shrunk = shrink(sized(1000), sighting(fatal), ask);
    expect(asked).toBe(most);
    expect(shrunk.runs).toBe(most);
    // A hang keeps its last run to be confirmed.
    expect(shrunk.steps).toBe(fatal === 'hang' ? most - 1 : most);
  });

  test('holds for what does not fail, too', () => {
    expect(shrink(sized(1000), sighting('hang'), () => undefined).runs).toBeLessThanOrEqual(20);
    expect(shrink(sized(1000), sighting(), () => undefined).runs).toBe(400);
  });
});

describe('a hang', () => {
  test('is looked for with less patience, and confirmed with all of it', () => {
    const patiences: number[] = [];
    const shrunk = shrink(sized(5, 'up'), sighting('hang'), (_, patience) => {
      patiences.push(patience);
      return { ...breachOf('hang'), message: `after ${patience}` };
    });
    expect(patiences.at(-1)).toBe(defaultPatience);
    expect(patiences.slice(0, -1).every(patience => patience < defaultPatience / 2)).toBe(true);
    expect(shrunk).toMatchObject({ toElements: 1, breach: { message: `after ${defaultPatience}` } });
  });

  test('that was only slow goes back to the case that hung', () => {
    for (const late of [undefined, breachOf()]) {
      const shrunk = shrink(sized(50), sighting('hang'), (_, patience) =>
        patience < defaultPatience ? breachOf('hang') : late,
      );
      expect(shrunk).toMatchObject({ steps: 0, toElements: 50, breach: { fatal: 'hang', message: 'wrong' } });
    }
  });
});
