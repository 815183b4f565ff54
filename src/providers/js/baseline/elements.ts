/** Elements of strided tensors as numbers, a row at a time. */

import { apart, decode, encode, inPlace, nests, type Tensor } from '../kernel.ts';

/** Reads `into.length` elements from `start` on, `stride` apart. */
export function read({ data, dtype }: Tensor, start: number, stride: number, into: Float64Array): void {
  if (dtype === 'f32' || dtype === 'i32') {
    for (let i = 0; i < into.length; i++) into[i] = data[start + i * stride];
  } else {
    for (let i = 0; i < into.length; i++) into[i] = decode(data[start + i * stride], dtype);
  }
}

/** Writes an element: one rounding. */
export function write({ data, dtype }: Tensor, at: number, value: number): void {
  data[at] = dtype === 'f32' ? value : encode(value, dtype);
}

/** The number that a tensor of this type has for `value`. */
export function rounded(value: number, { dtype }: Tensor): number {
  return dtype === 'f32' ? Math.fround(value) : decode(encode(value, dtype), dtype);
}

/** An element's index. */
export function indexOf({ strides }: Tensor, ...at: readonly number[]): number {
  let index = 0;
  for (let d = 0; d < at.length; d++) index += at[d] * strides[d];
  return index;
}

/** Whether a tensor has these sizes. */
export function hasShape({ shape }: Tensor, ...sizes: readonly number[]): boolean {
  return shape.length === sizes.length && shape.every((size, d) => size === sizes[d]);
}

/** Whether outputs lie as they may: nested, and apart from everything but what each may be in place of. */
export function outputsLieWell(
  outputs: readonly { readonly tensor: Tensor | undefined; readonly mayBe?: Tensor | undefined }[],
  inputs: readonly (Tensor | undefined)[],
): boolean {
  return outputs.every(({ tensor, mayBe }, i) => {
    if (!tensor) return true;
    const others = [...inputs, ...outputs.slice(i + 1).map(output => output.tensor)];
    return (
      nests(tensor) &&
      others.every(other => !other || (other === mayBe && inPlace(tensor, other)) || apart(tensor, other))
    );
  });
}
