/** GQA's bound, term by term: written down once more from bounds.md, and compared digit by digit. */

import { describe, expect, test } from 'vitest';
import type { Numerics } from '../src/case/numerics.ts';
import { expectedOfCall, row } from './testing/gqa_rows.ts';

describe('the bound, term by term', () => {
  const u = 2 ** -24;
  const least = 2 ** -149;
  const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
  const sizes = (list: readonly number[]) => sum(list.map(Math.abs));
  const norm = (list: readonly number[]) => Math.hypot(...list);

  /** bounds.md, written down once more for a row of f32 without cap or mask; `unit`: of operands that are rounded. */
  function boundOf(
    q: number[],
    keys: number[][],
    values: number[],
    scale: number,
    unit: number,
    rescalings: number,
  ) {
    const d = q.length;
    const n = keys.length;
    const rounded = unit > 0 ? 2 : 0;
    // A class that rounds operands may flush, too: an operand by all of 2^-126, a term in three operations.
    const floor = unit > 0 ? 2 ** -126 : least;
    const steps = unit > 0 ? 3 * floor : least;
    const most = Math.max(1, scale);
    const scores = keys.map(k => scale * sum(k.map((x, i) => x * q[i])));
    const max = Math.max(...scores);
    const weights = scores.map(score => Math.exp(score - max));
    const total = sum(weights);
    const o = sum(weights.map((e, j) => (e / total) * values[j]));
    const moved = keys.map((k, j) => {
      const products = sizes(k.map((x, i) => x * q[i]));
      const score = Math.abs(scores[j]);
      const perSize = scale * ((d + 2) * u + rounded * unit * (1 + unit));
      const reach =
        perSize * products +
        most * floor * sizes(k) +
        scale * sizes(q) * floor +
        most * d * steps +
        2 * u * score;
      const below = max - scores[j];
      const worst = reach + 4 * u * score + u * (3 * below + 4 + 6 * rescalings);
      const perNorm = scale * norm(q) * norm(k) * Math.hypot(0.3 * u, 0.4 * unit * Math.sqrt(rounded / d));
      const ordinary = perNorm + u * score + u * (below + 2);
      return { worst: (weights[j] * Math.expm1(worst)) / total, ordinary: (weights[j] * ordinary) / total };
    });
    const swing = sum(moved.map(({ worst }, j) => worst * Math.abs(values[j] - o)));
    const random = moved.map(({ ordinary }, j) => ordinary * (values[j] - o));
    const roundings = weights.map((e, j) => (e / total) * values[j] * 0.4 * unit * Math.sqrt(rounded));
    const size = sum(weights.map((e, j) => (e / total) * Math.abs(values[j])));
    const chain = (n + rescalings + 8) * u;
    const loss = chain / (1 - chain) + rounded * unit * (1 + unit);
    const terms = n + 2 + sizes(values);
    const drifts = [weights, [...weights].reverse()].map(list =>
      Math.abs(list.reduce((a, b) => Math.fround(a + Math.fround(b)), 0) / total - 1),
    );
    return {
      hard:
        (swing + loss * (size + Math.abs(o) + swing)) / (1 - sum(moved.map(({ worst }) => worst))) +
        steps * terms +
        (unit > 0 ? floor : 0),
      typical:
        norm([...random, ...roundings]) +
        u * (0.6 * size + (0.25 * Math.sqrt(n) + 2) * Math.abs(o)) +
        Math.max(...drifts) * Math.abs(o) +
        least * terms +
        (unit > 0 ? 2 * floor : 0),
    };
  }

  const q = [0.5, -1.25, 0.75];
  const keys = [
    [1, 0.5, -0.25],
    [-0.75, 1, 0.5],
    [0.25, -0.5, 1.5],
    [1.5, 0.25, 1],
  ];

  test.each<[Numerics, number, number, number]>([
    ['f32', 0, 0.5, 1],
    ['f32', 0, 3, 1],
    ['f32', 0, 0.5, 2 ** -140],
    ['bf16 dot', 2 ** -8, 0.5, 1],
    ['bf16 dot', 2 ** -8, 2, 1],
    ['bf16 dot', 2 ** -8, 0.5, 2 ** -120],
  ])('%s (unit %d), scale %d, values of %d', (numerics, unit, scale, large) => {
    const values = [2, -3, 0.5, 1.75].map(v => v * large);
    const v = values.flatMap(value => [value, 0, 0]);
    const { hard, typical } = expectedOfCall({
      ...{ keys: 4, headDim: 3, scale, numerics },
      values: { q, k: keys.flat(), v },
    });
    // Four keys are rescaled four times at most.
    const due = boundOf(q, keys, values, scale, unit, 4);
    expect(hard[0] / due.hard).toBeCloseTo(1, 9);
    expect(typical[0] / due.typical).toBeCloseTo(1, 9);
  });

  test('a softcap flattens what is lost before it, and loses six units of itself', () => {
    const [cap, scale] = [2, 3];
    const values = [2, -3, 0.5, 1.75];
    const v = values.flatMap(value => [value, 0, 0]);
    const { hard, typical } = expectedOfCall({
      ...{ keys: 4, headDim: 3, scale, softcap: cap },
      values: { q, k: keys.flat(), v },
    });
    const slope = (x: number) => 1 - Math.tanh(x) ** 2;
    const terms = keys.map(k => {
      const scaled = scale * sum(k.map((x, i) => x * q[i]));
      const reach = scale * 5 * u * sizes(k.map((x, i) => x * q[i])) + 2 * u * Math.abs(scaled);
      const score = cap * Math.tanh(scaled / cap);
      const steepest = slope(Math.max(0, Math.abs(scaled) - reach) / cap);
      const stage = Math.max(Math.abs(scaled) * steepest, Math.abs(score));
      return {
        score,
        slack: reach * steepest + u * (4 * stage + 6 * cap),
        usual: scale * norm(q) * norm(k) * 0.3 * u * slope(scaled / cap) + u * (stage + cap),
      };
    });
    const max = Math.max(...terms.map(({ score }) => score));
    const weights = terms.map(({ score }) => Math.exp(score - max));
    const total = sum(weights);
    const o = sum(weights.map((e, j) => (e / total) * values[j]));
    const most = terms.map(
      ({ score, slack }, j) => (weights[j] * Math.expm1(slack + u * (3 * (max - score) + 28))) / total,
    );
    const usual = terms.map(({ score, usual }, j) => (weights[j] * (usual + u * (max - score + 2))) / total);
    const size = sum(weights.map((e, j) => (e / total) * Math.abs(values[j])));
    const swing = sum(most.map((each, j) => each * Math.abs(values[j] - o)));
    const loss = (16 * u) / (1 - 16 * u);
    const due = (swing + loss * (size + Math.abs(o) + swing)) / (1 - sum(most));
    expect(hard[0] / due).toBeCloseTo(1, 9);
    const drift = [weights, [...weights].reverse()].map(list =>
      Math.abs(list.reduce((a, b) => Math.fround(a + Math.fround(b)), 0) / total - 1),
    );
    const ordinary =
      norm(usual.map((each, j) => each * (values[j] - o))) +
      u * (0.6 * size + 2.5 * Math.abs(o)) +
      Math.max(...drift) * Math.abs(o);
    expect(typical[0] / ordinary).toBeCloseTo(1, 9);
  });

  test('a weight that operands flush is lost whole and half as much, ordinarily, and may be held up', () => {
    const flushed = (numerics: Numerics) => expectedOfCall(row([0, -12], [0, 1], { numerics }));
    // e^-12 is below the least normal f16; four times that one is where a kernel may hold it.
    expect(flushed('f16 dot').typical[0] / Math.exp(-12)).toBeCloseTo(1.5, 2);
    expect(flushed('f16 dot').hard[0]).toBeGreaterThan(2 ** -12);
    expect(flushed('f32').hard[0]).toBeLessThan(2 ** -30);
  });

  test('an error of a score that is large is more than that in its weight', () => {
    // An ordinary error of 1.3 u of two millions: an eighth. Eight times as much is ordinary in the exponent.
    const { typical } = expectedOfCall(row([2e6, 2e6 - 3], [0, 1]));
    const ordinary = 1.3 * u * 2e6 + 5 * u;
    const weight = 1 / (1 + Math.exp(3));
    const first = (1 - weight) * weight;
    const second = (Math.exp(8 * ordinary - 3) / (1 + Math.exp(-3))) * (1 - weight);
    expect(typical[0] / Math.hypot(first, second)).toBeCloseTo(1, 3);
    // The worst error of one score alone: its products cancel.
    const large = 2.5e6;
    const { hard } = expectedOfCall({
      ...{ keys: 2, headDim: 2, scale: 1 },
      values: { q: [1, 1], k: [0, 0, large, -large - 10], v: [0, 0, 1, 0] },
    });
    const worst = 4 * u * (2 * large + 10) + 60 * u + u * (30 + 4 + 12);
    expect(worst).toBeGreaterThan(1);
    expect(hard[0] / Math.exp(worst - 10)).toBeCloseTo(1, 2);
  });

  test('where scores may be off by more than they differ: what rivals weigh is open, and no other counts', () => {
    const scores = [1e7, 1e7 - 1, 0];
    const { hard, nearest } = expectedOfCall(row(scores, [3, -8, 2 ** 100]));
    const chain = (3 + 3 + 8) * u;
    const other = 2 ** -124 * 2 ** 100;
    expect(hard[0] / (2 * (chain / (1 - chain)) * 8 + other)).toBeCloseTo(1, 6);
    expect([-9, -8, 0, 3, 4].map(seen => nearest!(0, seen))).toEqual([-8, -8, 0, 3, 3]);
    const tiny = expectedOfCall(row(scores, [least, least, 0]));
    expect(tiny.hard[0] / least).toBeCloseTo(5, 3);
  });

  test('a rival is who may weigh e^-40 of another, where both are off as far as they can be', () => {
    // Nine units of ten millions, and what exp loses: each may be off by 5.4.
    const hull = (behind: number) => {
      const { nearest } = expectedOfCall(row([1e7, 1e7 - behind], [1, 5]));
      return [nearest!(0, 0), nearest!(0, 9)];
    };
    expect(hull(45)).toEqual([1, 5]);
    expect(hull(60)).toEqual([1, 1]);
  });

  test('columns of zeros have none', () => {
    const { hard, typical } = expectedOfCall(row([1, 2], [0, 1, 0, 2]));
    expect([hard[0], typical[0]]).toEqual([0, 0]);
  });
});
