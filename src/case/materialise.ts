/**
 * From a case to bytes: the same bytes everywhere.
 */

import { type Case, inputsOf, outputsOf, type Poison, sameShape } from './case.ts';
import type { Bits, Dtype } from './dtype.ts';
import { Memory, type Region, regionOf, residentBytes } from './layout.ts';
import { makeValues, type Recipe } from './recipe.ts';

/**
 * 16-bit patterns of each poison: a NaN, an infinity or an ordinary number in f16, bf16 and f32 alike.
 * (f32 0x7fd57fd5 is a NaN, f16 0x7fd5 and bf16 0x7fd5 too. 0x7c007c00 is infinite in f16 and huge
 * elsewhere, 0x7f807f80 infinite in bf16 and a NaN in f32: `infinity` is written for the buffer's dtype.)
 */
const poisonWords: Record<Poison, Record<'f32' | 'f16' | 'bf16' | 'i32', number>> = {
  nan: { f32: 0x7fd57fd5, f16: 0x7fd57fd5, bf16: 0x7fd57fd5, i32: 0x7fd57fd5 },
  infinity: { f32: 0x7f800000, f16: 0x7c007c00, bf16: 0x7f807f80, i32: 0x7fffffff },
  finite: { f32: 0x42f642f6, f16: 0x42f642f6, bf16: 0x42f642f6, i32: 0x42f642f6 },
  zero: { f32: 0, f16: 0, bf16: 0, i32: 0 },
  negative: { f32: 0xc6f6c6f6, f16: 0xf6c6f6c6, bf16: 0xc6f6c6f6, i32: -1 },
};

/** The bytes of a case before the call. */
export interface Materialised {
  readonly case: Case;
  /** Stored elements of every input, in logical order. */
  readonly inputs: Readonly<Record<string, Bits>>;
  /** What stood where an output goes. */
  readonly prefill: Readonly<Record<string, Bits>>;
  readonly buffers: Readonly<Record<string, Memory>>;
}

/** Makes the elements of a tensor, or knows them; nobody writes to them. */
export type Values = (data: Recipe, shape: readonly number[], dtype: Dtype) => Bits;

/** Stored elements of every input of a case, in logical order. */
export function inputBits(c: Case, values: Values = makeValues): Record<string, Bits> {
  const inputs: Record<string, Bits> = {};
  for (const role of inputsOf(c)) {
    const { data, shape, dtype } = c.tensors[role];
    if (data) inputs[role] = values(data, shape, dtype);
  }
  return inputs;
}

/**
 * Makes what was not made before: another way to ask a case has most of its tensors, with the same recipe and
 * shape. Recipes are told apart as objects.
 */
export function remembering(make: Values = makeValues): Values {
  const known = new Map<Recipe, { shape: readonly number[]; dtype: Dtype; bits: Bits }[]>();
  return (data, shape, dtype) => {
    const before = known.get(data) ?? [];
    known.set(data, before);
    const same = before.find(made => made.dtype === dtype && sameShape(made.shape, shape));
    if (same) return same.bits;
    const bits = make(data, shape, dtype);
    before.push({ shape, dtype, bits });
    return bits;
  };
}

/**
 * Makes the bytes of a case.
 *
 * @param room - hands out the bytes of a region; their old contents do not matter.
 * @param values - what makes the elements of inputs.
 */
export function materialise(
  c: Case,
  room: (region: Region) => Uint8Array = region => new Uint8Array(residentBytes(region)),
  values: Values = makeValues,
): Materialised {
  const buffers: Record<string, Memory> = {};
  for (const [name, spec] of Object.entries(c.buffers)) {
    const region = regionOf(name, spec, c);
    const memory = new Memory(room(region), region);
    const dtype = Object.values(c.tensors).find(t => t.buffer === name)?.dtype ?? 'f32';
    new Uint32Array(memory.bytes.buffer, memory.bytes.byteOffset, memory.bytes.length >> 2).fill(
      poisonWords[spec.poison][dtype],
    );
    buffers[name] = memory;
  }
  const inputs = inputBits(c, values);
  for (const [role, bits] of Object.entries(inputs)) {
    const tensor = c.tensors[role];
    if (tensor.buffer !== null) buffers[tensor.buffer].scatter(tensor, bits);
  }
  // Where views share elements (a stride of 0, inputs on one buffer), what was stored last is what counts.
  for (const role of Object.keys(inputs)) {
    const tensor = c.tensors[role];
    if (tensor.buffer !== null && sharesElements(c, role))
      inputs[role] = buffers[tensor.buffer].gather(tensor);
  }
  const prefill: Record<string, Bits> = {};
  for (const role of outputsOf(c)) {
    const tensor = c.tensors[role];
    if (tensor.buffer !== null) prefill[role] = buffers[tensor.buffer].gather(tensor);
  }
  return { case: c, inputs, prefill, buffers };
}

function sharesElements(c: Case, role: string): boolean {
  const { buffer, strides, shape } = c.tensors[role];
  return (
    strides.some((stride, d) => stride === 0 && shape[d] > 1) ||
    inputsOf(c).some(other => other !== role && c.tensors[other].buffer === buffer)
  );
}
