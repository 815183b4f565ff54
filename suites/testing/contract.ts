/**
 * Whether a call keeps the contract (contracts.md: Common, RMSNorm), told by brute force from the page alone:
 * nothing here is shared with the generator, the refusals or any kernel.
 */

import type { Case, TensorSpec } from '../../src/case/case.ts';

const bytesOf = { f32: 4, i32: 4, f16: 2, bf16: 2 } as const;

/** Offsets in its buffer of every element of a view, in bytes. */
export function elementsOf({ offset, shape, strides, dtype }: TensorSpec): number[] {
  let places = [offset];
  for (let d = 0; d < shape.length; d++) {
    const step = (shape[d] === 1 ? 0 : strides[d]) * bytesOf[dtype];
    const next: number[] = [];
    for (const place of places) for (let i = 0; i < shape[d]; i++) next.push(place + i * step);
    places = next;
  }
  return places;
}

/** Whether two tensors name a byte in common. */
export function overlap(a: TensorSpec, b: TensorSpec): boolean {
  if (a.buffer === null || a.buffer !== b.buffer) return false;
  const bytes = new Set<number>();
  for (const place of elementsOf(a)) for (let i = 0; i < bytesOf[a.dtype]; i++) bytes.add(place + i);
  return elementsOf(b).some(place =>
    Array.from({ length: bytesOf[b.dtype] }).some((_, i) => bytes.has(place + i)),
  );
}

/** "In ascending order of stride, each stride exceeds the sum of (size - 1) * stride of the smaller ones." */
export function nests({ shape, strides }: Pick<TensorSpec, 'shape' | 'strides'>): boolean {
  const dimensions = shape
    .map((size, d) => ({ size, stride: strides[d] }))
    .filter(({ size }) => size > 1)
    .sort((a, b) => a.stride - b.stride);
  let reach = 0;
  return dimensions.every(({ size, stride }) => {
    const exceeds = stride > reach;
    reach += (size - 1) * stride;
    return exceeds;
  });
}

/** "Same base, shape, strides and type"; strides of dimensions of size 1 are ignored. */
function same(a: TensorSpec, b: TensorSpec): boolean {
  return (
    a.buffer === b.buffer &&
    a.offset === b.offset &&
    a.dtype === b.dtype &&
    a.shape.join() === b.shape.join() &&
    a.shape.every((size, d) => size <= 1 || a.strides[d] === b.strides[d])
  );
}

const sizes = ({ shape }: TensorSpec) => shape.join(' x ');

/** Why RMSNorm must refuse a call; undefined: it keeps the contract. */
export function brokenBy(c: Case): string | undefined {
  if (c.op !== 'rms_norm') return 'another op';
  if (c.threads === 0) return 'threads is 0';
  if (c.lie?.structSize !== undefined && c.lie.structSize < 0) return 'struct_size is below the struct';
  if (c.lie?.scratchBytes !== undefined && c.lie.scratchBytes < 0) return 'scratch is too small';
  if (c.lie?.nan === 'eps' || Number.isNaN(c.params.eps)) return 'eps is NaN';
  if (c.params.eps < 0) return 'eps is negative';
  const { x, y, weight, residual, residualOut } = c.tensors;
  for (const [role, tensor] of Object.entries(c.tensors)) {
    const wanted = role === 'weight' ? 1 : 2;
    if (tensor.shape.length !== wanted) return `${role} has ${tensor.shape.length} dimensions`;
  }
  const [, n] = x.shape;
  if (n === 0) return 'n is 0';
  if (weight && weight.shape[0] !== n) return 'the weight has another length';
  if (residualOut && !residual) return 'residualOut without residual';
  for (const other of [y, residual, residualOut]) {
    if (other && sizes(other) !== sizes(x)) return 'shapes do not agree';
  }
  const outputs = [
    { output: y, role: 'y', mayShare: 'x' },
    { output: residualOut, role: 'residualOut', mayShare: 'residual' },
  ];
  for (const { output, role, mayShare } of outputs) {
    if (!output) continue;
    if (!nests(output)) return `the strides of ${role} do not nest`;
    for (const [other, tensor] of Object.entries(c.tensors)) {
      if (other === role || !overlap(output, tensor)) continue;
      if (other === mayShare && same(output, tensor)) continue;
      return `${role} overlaps ${other}`;
    }
  }
  return undefined;
}
