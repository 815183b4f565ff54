/** Rows full of ties: what side f32 arithmetic puts them on is no bias. */

import { expect, test } from 'vitest';
import type { CaseOf } from '../src/case/case.ts';
import { decodeAll, encodeAll, round } from '../src/case/dtype.ts';
import { inputBits } from '../src/case/materialise.ts';
import { isGeneric } from './generic.ts';
import { expectedOf } from './index.ts';
import { judge } from './judge.ts';

/** eps = 1/4 and a small x: r is a hair below 2, and h of few bits times 2 often a tie of bf16. */
function tiedCase(roundBeforeWeight: boolean): CaseOf<'rms_norm'> {
  const view = (buffer: string) => ({
    buffer,
    offset: 0,
    shape: [1, 256],
    strides: [256, 1],
    dtype: 'bf16' as const,
  });
  const recipe = (seed: number) => ({ kind: 'normal' as const, seed, scale: 1e-4, patches: [] });
  const buffer = { bytes: 512, edge: 'end' as const, sparse: false, poison: 'nan' as const };
  return {
    version: 1,
    op: 'rms_norm',
    params: { eps: 0.25, weightOffset: 0, roundBeforeWeight },
    buffers: { x: buffer, residual: buffer, y: buffer },
    tensors: {
      x: { ...view('x'), data: recipe(1) },
      residual: { ...view('residual'), data: recipe(2) },
      y: view('y'),
    },
    threads: 1,
  };
}

/** An f32 kernel: r is exactly 2 there. `factor` multiplies every element. */
function kernel(c: CaseOf<'rms_norm'>, factor: number) {
  const { x, residual } = inputBits(c);
  const [a, b] = [decodeAll(x, 'bf16'), decodeAll(residual, 'bf16')];
  return encodeAll(
    a.map((value, i) => round(Math.fround(value + b[i]) * 2 * factor, 'bf16')),
    'bf16',
  );
}

test.each([false, true])('no bias where r is a hair from a power of two, before weight %s', before => {
  const c = tiedCase(before);
  const [expected] = expectedOf(c, inputBits(c));
  expect(isGeneric(c)).toBe(true);
  expect(judge(expected, kernel(c, 1), { generic: true }).findings).toEqual([]);
  expect(judge(expected, kernel(c, 1 + 2 ** -10), { generic: true }).findings).not.toEqual([]);
});
