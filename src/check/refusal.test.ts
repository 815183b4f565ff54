/** Broken calls can be made: what is broken about them is not their memory. */

import { expect, test } from 'vitest';
import { ropeCase } from '../../reference/testing/rope_cases.ts';
import { rope } from '../../suites/rope/index.ts';
import type { Case } from '../case/case.ts';
import { mostBytes, regionOf, residentBytes } from '../case/layout.ts';
import { brokenCall } from './refusal.ts';

test('a stride that meant nothing, of one row, may be beyond 32 bits where there are two', () => {
  const tables = { rows: 1, cos: { kind: 'cosine', seed: 1 }, sin: { kind: 'sine', seed: 1 } } as const;
  const one = ropeCase({ headDim: 8, positions: [0], x: { kind: 'normal', seed: 1 }, tables });
  const { sin } = one.tensors;
  const far: Case = { ...one, tensors: { ...one.tensors, sin: { ...sin, strides: [2 ** 31 + 5, 1] } } };
  const refusal = rope.refusals.find(({ what }) => what === 'sin has a row more than cos')!;
  const call = brokenCall(refusal, far)!;
  expect(call.tensors.sin.shape).toEqual([2, 4]);
  const name = call.tensors.sin.buffer!;
  expect(call.buffers[name]).toMatchObject({ sparse: true });
  expect(call.buffers[name].bytes).toBeGreaterThan(2 ** 33);
  expect(residentBytes(regionOf(name, call.buffers[name], call))).toBeLessThan(mostBytes);
});
