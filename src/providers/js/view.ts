/** How tensors lie on memory: the rules of contracts.md on outputs, for kernels in JavaScript. */

import type { Tensor } from './kernel.ts';

/** Sizes with their strides, of dimensions of more than one element, by ascending stride. */
function steps({ shape, strides }: Tensor): { size: number; stride: number }[] {
  return shape
    .map((size, d) => ({ size, stride: strides[d] }))
    .filter(({ size }) => size > 1)
    .sort((a, b) => a.stride - b.stride);
}

/** Whether each element has a place of its own: every stride exceeds all that the smaller ones span. */
export function nests(tensor: Tensor): boolean {
  let span = 0;
  return steps(tensor).every(({ size, stride }) => {
    const wide = stride > span;
    span += (size - 1) * stride;
    return wide;
  });
}

/** Whether two tensors are one: the same elements of one type, in the same order. */
export function inPlace(a: Tensor, b: Tensor): boolean {
  return (
    a.data.buffer === b.data.buffer &&
    a.data.byteOffset === b.data.byteOffset &&
    a.dtype === b.dtype &&
    a.shape.length === b.shape.length &&
    a.shape.every((size, d) => size === b.shape[d] && (size === 1 || a.strides[d] === b.strides[d]))
  );
}

/** Whether no element of an output whose strides nest shares a byte with one of another tensor. Slices of one buffer may lie between each other. */
export function apart(output: Tensor, other: Tensor): boolean {
  const [a, b] = [output.data, other.data];
  if (a.buffer !== b.buffer || a.length === 0 || b.length === 0) return true;
  if (a.byteOffset + a.byteLength <= b.byteOffset || b.byteOffset + b.byteLength <= a.byteOffset) return true;
  // The longer stride goes into a distance as often as it can, then the next; an element leaves nothing over.
  const longestFirst = steps(output).reverse();
  const holds = (index: number): boolean => {
    let left = index;
    for (const { size, stride } of longestFirst) {
      left -= Math.min(Math.floor(left / stride), size - 1) * stride;
    }
    return left === 0;
  };
  // Types are of 2 or 4 bytes, so half of an f32 is the smallest piece that two may share.
  const halves = b.BYTES_PER_ELEMENT / 2;
  const shares = (element: number): boolean => {
    const start = b.byteOffset + element * b.BYTES_PER_ELEMENT - a.byteOffset;
    for (let half = 0; half < halves; half++) {
      const index = Math.floor((start + 2 * half) / a.BYTES_PER_ELEMENT);
      if (index >= 0 && index < a.length && holds(index)) return true;
    }
    return false;
  };
  const { shape, strides } = other;
  const anyShares = (d: number, element: number): boolean => {
    if (d === shape.length) return shares(element);
    const distinct = strides[d] === 0 ? 1 : shape[d];
    for (let i = 0; i < distinct; i++) if (anyShares(d + 1, element + i * strides[d])) return true;
    return false;
  };
  return !anyShares(0, 0);
}
