/** The brute-force contract, on what all ops share. */

import { describe, expect, test } from 'vitest';
import type { Case } from '../../src/case/case.ts';
import { brokenBy, elementsOf, nests, overlap } from './contract.ts';

describe('the brute-force contract', () => {
  const base: Case = {
    version: 1,
    op: 'rms_norm',
    params: { eps: 0, weightOffset: 0, roundBeforeWeight: false },
    buffers: { b: { bytes: 4096, edge: 'end', sparse: false, poison: 'nan' } },
    tensors: {
      x: { buffer: 'b', offset: 0, shape: [2, 3], strides: [6, 1], dtype: 'f32' },
      y: { buffer: 'b', offset: 12, shape: [2, 3], strides: [6, 1], dtype: 'f32' },
    },
    threads: 1,
  };
  const y = (change: Partial<Case['tensors'][string]>): Case => ({
    ...base,
    tensors: { ...base.tensors, y: { ...base.tensors.y, ...change } },
  });

  test('knows interleaved slices, in place and overlap', () => {
    expect(brokenBy(base)).toBeUndefined();
    expect(brokenBy(y({ offset: 0 }))).toBeUndefined();
    expect(brokenBy(y({ offset: 8 }))).toBe('y overlaps x');
    expect(brokenBy(y({ offset: 0, strides: [5, 1] }))).toBe('y overlaps x');
    expect(brokenBy(y({ offset: 0, dtype: 'f16' }))).toBe('y overlaps x');
    expect(brokenBy(y({ offset: 14 }))).toBe('y overlaps x');
    const third = { ...base.tensors.x, offset: 0 };
    expect(brokenBy({ ...y({ offset: 0 }), tensors: { ...y({ offset: 0 }).tensors, residual: third } })).toBe(
      'y overlaps residual',
    );
  });

  test('knows which strides nest', () => {
    expect(
      [
        [6, 1],
        [3, 1],
        [1, 2],
        [100, 7],
      ].map(strides => nests({ shape: [2, 3], strides })),
    ).toEqual([true, true, true, true]);
    expect(
      [
        [2, 1],
        [0, 1],
        [1, 1],
        [4, 2],
      ].map(strides => nests({ shape: [2, 3], strides })),
    ).toEqual([false, false, false, false]);
    expect(nests({ shape: [1, 3], strides: [0, 1] })).toBe(true);
    expect(overlap(base.tensors.x, base.tensors.y)).toBe(false);
    expect(elementsOf(base.tensors.y)).toEqual([12, 16, 20, 36, 40, 44]);
  });
});
