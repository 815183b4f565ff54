/** Dimensions told from cases as they are: how they are written, and those that every op has. */

import {
  type Case,
  type CaseOf,
  cellDtype,
  type Op,
  outputElements,
  outputsOf,
  type TensorSpec,
} from '../src/case/case.ts';
import { floatDtypes, sizeOf } from '../src/case/dtype.ts';
import { isInPlace } from './derive.ts';
import type { Dimension } from './suite.ts';

/** Whether a case stands on an edge, by the edge's name. */
export type Edges<C extends Case> = Readonly<Record<string, (c: C) => boolean>>;

/** A dimension from named tests of cases of one op. */
export function dimension<O extends Op>(name: string, tests: Edges<CaseOf<O>>): Dimension {
  const edges = Object.keys(tests);
  return { name, edges, of: c => edges.filter(edge => tests[edge](c as CaseOf<O>)) };
}

/** Named tests from a list of values. */
export function each<T, C extends Case>(
  values: readonly T[],
  name: (value: T) => string,
  test: (c: C, value: T) => boolean,
): Edges<C> {
  return Object.fromEntries(values.map(value => [name(value), (c: C) => test(c, value)]));
}

/** Whether any tensor of a case passes. */
export function some(c: Case, test: (tensor: TensorSpec) => boolean): boolean {
  return Object.values(c.tensors).some(test);
}

/** Whether any of these tensors is there and passes. */
export function anyRole(c: Case, roles: readonly string[], test: (tensor: TensorSpec) => boolean): boolean {
  return roles.some(role => c.tensors[role] && test(c.tensors[role]));
}

/** Whether a stride that counts passes: those of dimensions of size 1 do not. */
export function strideIs(tensor: TensorSpec, d: number, test: (stride: number) => boolean): boolean {
  return tensor.shape[d] > 1 && test(tensor.strides[d]);
}

/** Whether a special value is patched into a tensor. */
export function patched(value: string): (c: Case) => boolean {
  return c => some(c, tensor => tensor.data?.patches.some(patch => patch.value === value) ?? false);
}

/** Whether a tensor's data has a scale from `low` to `high`. */
export function inside(tensor: TensorSpec, low: number, high: number): boolean {
  const scale = Math.abs(tensor.data?.scale ?? 1);
  return scale >= low && scale <= high;
}

export function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(Math.log2(n));
}

function address(c: Case, tensor: TensorSpec): number {
  if (tensor.buffer === null) return 0;
  const { bytes, edge } = c.buffers[tensor.buffer];
  return (edge === 'end' ? (4096 - (bytes % 4096)) % 4096 : 0) + tensor.offset;
}

export const cellType = dimension(
  'type of x',
  each(floatDtypes, String, (c: Case, dtype) => cellDtype(c) === dtype),
);

/** Tests of special values, which inputs of every op may hold. */
export const specialValues: Edges<Case> = {
  NaN: patched('nan'),
  'NaN with payload': patched('nan-payload'),
  'NaN whose bits are all ones': patched('nan-ones'),
  'negative NaN': patched('-nan'),
  infinity: c => patched('inf')(c) || patched('-inf')(c),
  subnormal: patched('subnormal'),
  'largest finite': patched('max'),
  'negative zero': patched('-0'),
};

/** Whether there is work at all, where memory begins and ends, what stood in it, and how many threads there are. */
export const surroundings: readonly Dimension[] = [
  dimension('work', {
    none: c => outputElements(c) === 0,
    some: c => outputElements(c) > 0,
  }),
  dimension('guard', {
    'at the end': c => Object.values(c.buffers).some(buffer => buffer.edge === 'end'),
    'at the start': c => Object.values(c.buffers).some(buffer => buffer.edge === 'start'),
  }),
  dimension(
    'address mod 64, in elements',
    each(
      Array.from({ length: 16 }, (_, r) => r),
      String,
      (c: Case, r) => some(c, tensor => (address(c, tensor) % 64) / sizeOf(tensor.dtype) === r),
    ),
  ),
  dimension('outputs before the call', {
    ...each(['nan', 'infinity', 'finite'] as const, String, (c: Case, poison) => {
      const { buffer } = c.tensors[outputsOf(c)[0]];
      return buffer !== null && c.buffers[buffer].poison === poison && !isInPlace(c);
    }),
  }),
  dimension('threads', {
    ...each([1, 2, 3, 5, 7, 16], String, (c: Case, threads) => c.threads === threads),
    'more than rows': c => {
      const { shape } = c.tensors[outputsOf(c)[0]];
      return c.threads > shape.slice(0, -1).reduce((a, b) => a * b, 1);
    },
  }),
];
