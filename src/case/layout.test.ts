import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BufferSpec, Case, TensorSpec } from './case.ts';
import { type Bits, bitsOf, dtypes, sizeOf } from './dtype.ts';
import { eachRun, extentOf, Memory, pageBytes, type Region, regionOf, residentBytes } from './layout.ts';

/** Every element's byte in logical order, from the definition: offset + sum of index * stride. */
function places({ offset, shape, strides, dtype }: TensorSpec): number[] {
  let bytes = [offset];
  shape.forEach((extent, d) => {
    const step = (extent === 1 ? 0 : strides[d]) * sizeOf(dtype);
    bytes = bytes.flatMap(byte => Array.from({ length: Math.max(extent, 0) }, (_, i) => byte + i * step));
  });
  return bytes;
}

/** Views whose strides nest, dimensions in any order: no element is named twice. */
const nesting = fc
  .record({
    dtype: fc.constantFrom(...dtypes),
    extents: fc.array(
      fc.record({ extent: fc.integer({ min: 0, max: 5 }), gap: fc.integer({ min: 0, max: 3 }) }),
      { maxLength: 4 },
    ),
    order: fc.array(fc.nat(), { minLength: 4, maxLength: 4 }),
    first: fc.nat(9),
    unused: fc.integer({ min: 0, max: 1e6 }),
  })
  .map(({ dtype, extents, order, first, unused }): TensorSpec => {
    const strides = extents.map(() => unused);
    let reach = 0;
    for (const d of extents.map((_, i) => i).sort((a, b) => order[a] - order[b] || a - b)) {
      if (extents[d].extent <= 1) continue;
      strides[d] = reach + 1 + extents[d].gap;
      reach += (extents[d].extent - 1) * strides[d];
    }
    const shape = extents.map(({ extent }) => extent);
    return { buffer: 'b', offset: first * sizeOf(dtype), shape, strides, dtype };
  });

/** Views of any strides, repeated elements too. */
const any = fc
  .record({
    dtype: fc.constantFrom(...dtypes),
    dimensions: fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 40 })), {
      maxLength: 4,
    }),
    first: fc.nat(9),
  })
  .map(
    ({ dtype, dimensions, first }): TensorSpec => ({
      buffer: 'b',
      offset: first * sizeOf(dtype),
      shape: dimensions.map(([extent]) => extent),
      strides: dimensions.map(([, stride]) => stride),
      dtype,
    }),
  );

function caseOf(buffer: BufferSpec, tensor: TensorSpec): Case {
  return {
    version: 1,
    op: 'rms_norm',
    params: { eps: 0, weightOffset: 0, roundBeforeWeight: false },
    buffers: { b: buffer },
    tensors: { x: tensor },
    threads: 1,
  };
}

function memoryFor(view: TensorSpec, edge: 'start' | 'end', sparse: boolean): Memory {
  // Without elements a view has no end; the buffer still holds its first place.
  const bytes = view.offset + Math.max(extentOf(view), sizeOf(view.dtype));
  const buffer: BufferSpec = { bytes, edge, sparse, poison: 'nan' };
  const region = regionOf('b', buffer, caseOf(buffer, view));
  return new Memory(new Uint8Array(residentBytes(region)), region);
}

const edges = fc.constantFrom('start', 'end');

test('runs visit every element once, in logical order, at its place', () => {
  fc.assert(
    fc.property(fc.oneof(nesting, any), view => {
      const seen: number[] = [];
      eachRun(view, (logical, byte, count, stride) => {
        expect(logical).toBe(seen.length);
        for (let i = 0; i < count; i++) seen.push(byte + i * stride);
      });
      expect(seen).toEqual(view.shape.length && view.shape.includes(0) ? [] : places(view));
    }),
    { numRuns: 500 },
  );
});

test('the extent reaches from the first byte to the last', () => {
  fc.assert(
    fc.property(fc.oneof(nesting, any), view => {
      const named = places(view);
      const last = named.length ? Math.max(...named) + sizeOf(view.dtype) : view.offset;
      // A size of 1 takes no step, so its stride counts for nothing.
      expect(extentOf(view)).toBe(last - view.offset);
    }),
    { numRuns: 500 },
  );
});

test('what is scattered is gathered, and no other byte changes', () => {
  fc.assert(
    fc.property(
      nesting,
      edges,
      fc.boolean(),
      fc.infiniteStream(fc.nat(0xffff)),
      (view, edge, sparse, words) => {
        const memory = memoryFor(view, edge, sparse);
        memory.bytes.fill(0xa5);
        const named = places(view);
        const values: Bits = bitsOf(view.dtype, named.length);
        for (let i = 0; i < values.length; i++) values[i] = words.next().value ?? 0;
        memory.scatter(view, values);
        expect(memory.gather(view)).toEqual(values);
        const inside = new Set(
          named.flatMap(byte =>
            Array.from({ length: sizeOf(view.dtype) }, (_, i) => memory.indexOf(byte + i)),
          ),
        );
        expect(inside.size).toBe(named.length * sizeOf(view.dtype));
        const strays = [...memory.bytes.keys()].filter(at => !inside.has(at) && memory.bytes[at] !== 0xa5);
        expect(strays).toEqual([]);
        // Little-endian, each at its byte.
        named.forEach((byte, i) => {
          expect(memory.bytes[memory.indexOf(byte)]).toBe(values[i] & 0xff);
        });
      },
    ),
    { numRuns: 300 },
  );
});

test('an index and its byte are inverse, in sparse regions too', () => {
  fc.assert(
    fc.property(any, edges, fc.boolean(), (view, edge, sparse) => {
      const memory = memoryFor(view, edge, sparse);
      for (const byte of places(view)) expect(memory.byteAt(memory.indexOf(byte))).toBe(byte);
    }),
  );
});

describe('the region of a buffer', () => {
  const region = (bytes: number, edge: 'start' | 'end', sparse = false, tensor?: TensorSpec): Region => {
    const buffer: BufferSpec = { bytes, edge, sparse, poison: 'nan' };
    return regionOf('b', buffer, caseOf(buffer, tensor ?? view([1], [1])));
  };
  const view = (shape: number[], strides: number[], offset = 0): TensorSpec => ({
    buffer: 'b',
    offset,
    shape,
    strides,
    dtype: 'f32',
  });

  test.each([1, 2, 4, 4094, 4095, 4096, 4097, 8192, 10_000])(
    'of %i bytes is flush to the edge asked for',
    bytes => {
      const span = Math.ceil(bytes / pageBytes);
      expect(region(bytes, 'start')).toEqual({ span, base: 0 });
      const end = region(bytes, 'end');
      expect(end.span).toBe(span);
      expect(end.base + bytes).toBe(end.span * pageBytes);
    },
  );

  test('without bytes still has an address', () => {
    expect(region(0, 'start')).toEqual({ span: 1, base: 0 });
    expect(region(0, 'end')).toEqual({ span: 1, base: pageBytes });
    expect(region(0, 'end', true, view([0], [1])).pages).toEqual([0]);
  });

  test('that is sparse has the pages of its elements and no others', () => {
    const far = 2 ** 31 + 5;
    const tall = view([3, 2], [far, 1], 8);
    for (const edge of ['start', 'end'] as const) {
      const { span, base, pages } = region(8 + extentOf(tall), edge, true, tall);
      const wanted = new Set([0, 1, 2].map(row => Math.floor((base + 8 + row * far * 4) / pageBytes)));
      wanted.add(Math.floor(base / pageBytes));
      expect(pages).toEqual([...wanted].sort((a, b) => a - b));
      expect(Math.max(...(pages ?? []))).toBeLessThan(span);
      expect(residentBytes({ span, base, ...(pages && { pages }) })).toBe(wanted.size * pageBytes);
    }
  });

  test('of elements on both sides of a page boundary has both pages', () => {
    const row = view([4], [1], pageBytes - 8);
    expect(region(pageBytes + 2 ** 20, 'start', true, row).pages).toEqual([0, 1]);
  });
});

test('rows further apart than 32 bits count keep their values', () => {
  const view: TensorSpec = { buffer: 'b', offset: 4, shape: [3, 5], strides: [2 ** 31 + 5, 1], dtype: 'f32' };
  for (const edge of ['start', 'end'] as const) {
    const memory = memoryFor(view, edge, true);
    const values = Uint32Array.from({ length: 15 }, (_, i) => i * 0x01010101);
    memory.scatter(view, values);
    expect(memory.gather(view)).toEqual(values);
    expect(memory.bytes.length).toBeLessThanOrEqual(7 * pageBytes);
  }
});
