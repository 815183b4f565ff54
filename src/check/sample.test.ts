/** Rows of a large case: what is looked at decides what can be found. */

import { expect, test } from 'vitest';
import { gqaCase } from '../../reference/testing/gqa_cases.ts';
import { rmsNormCase } from '../../reference/testing/rms_norm_cases.ts';
import { sampleRows } from './sample.ts';

const sampled = (rows: number, n: number) => sampleRows(rmsNormCase({ rows, n, x: { kind: 'normal' } }));

test('up to 65,536 output elements a case is looked at whole, and so is one of few rows', () => {
  expect(sampled(1024, 64)).toBeUndefined();
  expect(sampled(16, 8192)).toBeUndefined();
  expect(sampled(1025, 64)).toHaveLength(16);
  expect(sampled(17, 8192)).toHaveLength(16);
});

test('of a larger one the first row, the last, and others between, each once and ascending', () => {
  for (const rows of [17, 100, 1025, 5000]) {
    const chosen = sampled(rows, 4096)!;
    expect(chosen).toHaveLength(16);
    expect(new Set(chosen).size).toBe(16);
    expect(chosen).toEqual([...chosen].sort((a, b) => a - b));
    expect([chosen[0], chosen[15]]).toEqual([0, rows - 1]);
    for (const row of chosen) expect(Number.isInteger(row)).toBe(true);
  }
});

test('they lie all over it, the same for the same size, and others for another', () => {
  const chosen = sampled(10_000, 64)!;
  const quarters = chosen.map(row => Math.floor(row / 2500));
  expect(new Set(quarters)).toEqual(new Set([0, 1, 2, 3]));
  expect(sampled(10_000, 64)).toEqual(chosen);
  expect(sampled(10_001, 64)!.slice(1, -1)).not.toEqual(chosen.slice(1, -1));
});

test('rows are all dimensions but the last', () => {
  const c = gqaCase({ batch: 2, qHeads: 4, qLen: 64, keys: 64, headDim: 256 });
  const { shape } = c.tensors.out;
  const rows = shape.slice(0, -1).reduce((a, b) => a * b, 1);
  expect(rows * shape[3]).toBeGreaterThan(65_536);
  expect(sampleRows(c)?.at(-1)).toBe(rows - 1);
});
