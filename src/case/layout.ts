/**
 * Where a case's bytes stand: pages for buffers, addresses for the elements of views.
 */

import type { BufferSpec, Case, TensorSpec } from './case.ts';
import { type Bits, bitsOf, type Dtype, sizeOf } from './dtype.ts';

/** Bytes of a page of memory, the grain of what can be made inaccessible. */
export const pageBytes = 4096;

/** Bytes that exist in a buffer, or in all of a case, at most; a buffer of more is sparse. */
export const mostBytes = 2 ** 30;

/** The whole pages in which a buffer stands, flush against one end of them. */
export interface Region {
  /** Pages from the first to the last, existing or not. */
  readonly span: number;
  /** Byte of the region at which the buffer begins. */
  readonly base: number;
  /** Sparse buffers: numbers of the pages that exist, ascending. Absent: all do. */
  readonly pages?: readonly number[];
}

/** Visits the innermost runs of a view in logical order; strides of dimensions of size 1 are ignored. */
export function eachRun(
  view: Pick<TensorSpec, 'offset' | 'shape' | 'strides' | 'dtype'>,
  visit: (logical: number, byte: number, count: number, byteStride: number) => void,
): void {
  const { shape, strides } = view;
  const size = sizeOf(view.dtype);
  const last = shape.length - 1;
  if (shape.some(extent => extent <= 0)) return;
  const count = shape[last] ?? 1;
  const inner = (count === 1 ? 0 : (strides[last] ?? 0)) * size;
  let logical = 0;
  const descend = (dimension: number, byte: number): void => {
    if (dimension >= last) {
      visit(logical, byte, count, inner);
      logical += count;
      return;
    }
    const step = shape[dimension] === 1 ? 0 : strides[dimension] * size;
    for (let i = 0; i < shape[dimension]; i++) descend(dimension + 1, byte + i * step);
  };
  descend(0, view.offset);
}

/** Bytes from a view's first element to the end of its last. 0 for a view without elements. */
export function extentOf(view: {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly dtype: Dtype;
}): number {
  if (view.shape.some(extent => extent <= 0)) return 0;
  const size = sizeOf(view.dtype);
  return view.shape.reduce((sum, extent, d) => sum + (extent - 1) * view.strides[d] * size, size);
}

/** The region of one buffer, as its tensors use it. */
export function regionOf(name: string, spec: BufferSpec, c: Case): Region {
  const span = Math.max(1, Math.ceil(spec.bytes / pageBytes));
  const base = spec.edge === 'end' ? span * pageBytes - spec.bytes : 0;
  if (!spec.sparse) return { span, base };
  // Without elements there is still an address.
  const pages = new Set<number>([Math.min(Math.floor(base / pageBytes), span - 1)]);
  for (const tensor of Object.values(c.tensors)) {
    if (tensor.buffer !== name) continue;
    eachRun(tensor, (_, byte, count, stride) => {
      for (let i = 0; i < count; i++) pages.add(Math.floor((base + byte + i * stride) / pageBytes));
    });
  }
  return { span, base, pages: [...pages].sort((a, b) => a - b) };
}

/** Bytes of a region that exist. */
export function residentBytes(region: Region): number {
  return (region.pages?.length ?? region.span) * pageBytes;
}

/** The bytes of a region, existing pages one behind the other, and where a buffer's byte is among them. */
export class Memory {
  readonly bytes: Uint8Array;
  readonly region: Region;
  readonly #rank: Map<number, number> | undefined;
  readonly #words: { 2: Uint16Array; 4: Uint32Array };

  constructor(bytes: Uint8Array, region: Region) {
    this.bytes = bytes;
    this.region = region;
    this.#rank = region.pages && new Map(region.pages.map((page, rank) => [page, rank]));
    this.#words = {
      2: new Uint16Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 2)),
      4: new Uint32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 4)),
    };
  }

  /** Index into `bytes` of a byte of the buffer. */
  indexOf(byte: number): number {
    const place = this.region.base + byte;
    if (!this.#rank) return place;
    const page = Math.floor(place / pageBytes);
    return this.#rank.get(page)! * pageBytes + (place - page * pageBytes);
  }

  /** The byte of the buffer (negative: before it) at an index into `bytes`. */
  byteAt(index: number): number {
    const { pages, base } = this.region;
    const place = pages ? pages[Math.floor(index / pageBytes)] * pageBytes + (index % pageBytes) : index;
    return place - base;
  }

  /** Writes the elements of a view. */
  scatter(view: TensorSpec, values: Bits): void {
    const size = sizeOf(view.dtype);
    const words = this.#words[size];
    eachRun(view, (logical, byte, count, stride) => {
      if (stride === size && !this.#rank) {
        words.set(values.subarray(logical, logical + count), this.indexOf(byte) / size);
      } else {
        for (let i = 0; i < count; i++) words[this.indexOf(byte + i * stride) / size] = values[logical + i];
      }
    });
  }

  /** Reads the elements of a view, in logical order. */
  gather(view: TensorSpec): Bits {
    const size = sizeOf(view.dtype);
    const words = this.#words[size];
    const values = bitsOf(
      view.dtype,
      view.shape.reduce((a, b) => a * b, 1),
    );
    eachRun(view, (logical, byte, count, stride) => {
      if (stride === size && !this.#rank) {
        const start = this.indexOf(byte) / size;
        values.set(words.subarray(start, start + count), logical);
      } else {
        for (let i = 0; i < count; i++) values[logical + i] = words[this.indexOf(byte + i * stride) / size];
      }
    });
    return values;
  }
}
