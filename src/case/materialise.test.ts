import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rmsNorm } from '../../suites/rms_norm/index.ts';
import { drawCase } from '../check/generate.ts';
import { type Case, inputsOf, outputsOf, type TensorSpec } from './case.ts';
import { decode, encode, type FloatDtype, floatDtypes, isNaNBits, sizeOf } from './dtype.ts';
import { eachRun, extentOf, pageBytes } from './layout.ts';
import { inputBits, materialise } from './materialise.ts';
import { makeValues, type Recipe } from './recipe.ts';

const data = (seed: number, rest: Partial<Recipe> = {}): Recipe => ({
  kind: 'normal',
  seed,
  scale: 1,
  patches: [],
  ...rest,
});

function caseOf(tensors: Record<string, TensorSpec>, poison: 'nan' | 'infinity' | 'finite' = 'nan'): Case {
  const buffers: Case['buffers'] = {};
  for (const tensor of Object.values(tensors)) {
    if (tensor.buffer === null) continue;
    const bytes = Math.max(buffers[tensor.buffer]?.bytes ?? 0, tensor.offset + extentOf(tensor));
    buffers[tensor.buffer] = { bytes, edge: 'end', sparse: false, poison };
  }
  const params = { eps: 1e-5, weightOffset: 0, roundBeforeWeight: false };
  return { version: 1, op: 'rms_norm', params, buffers, tensors, threads: 1 };
}

const matrix = (buffer: string, rest: Partial<TensorSpec> = {}): TensorSpec => ({
  buffer,
  offset: 0,
  shape: [3, 4],
  strides: [4, 1],
  dtype: 'f32',
  ...rest,
});

/** Bytes of a buffer, by index into its memory, that some input names. */
function namedByInputs(c: Case, name: string, indexOf: (byte: number) => number): Set<number> {
  const named = new Set<number>();
  for (const role of inputsOf(c)) {
    const tensor = c.tensors[role];
    if (tensor.buffer !== name) continue;
    eachRun(tensor, (_, byte, count, stride) => {
      for (let i = 0; i < count; i++)
        for (let b = 0; b < sizeOf(tensor.dtype); b++) named.add(indexOf(byte + i * stride + b));
    });
  }
  return named;
}

test('every byte that no input names is poison, in drawn cases of every kind', () => {
  for (let k = 0; k < 80; k++) {
    const c = drawCase(rmsNorm, 11, k).case;
    const { buffers } = materialise(c);
    for (const [name, memory] of Object.entries(buffers)) {
      const named = namedByInputs(c, name, byte => memory.indexOf(byte));
      const user = Object.values(c.tensors).find(tensor => tensor.buffer === name);
      const dtype = (user?.dtype ?? 'f32') as FloatDtype;
      const free: number[] = [];
      for (let i = 0; i + 4 <= memory.bytes.length; i += 4) {
        if (![0, 1, 2, 3].some(b => named.has(i + b))) free.push(i);
      }
      const words = new DataView(memory.bytes.buffer, memory.bytes.byteOffset);
      const seen = new Set(free.map(i => words.getUint32(i, true)));
      expect(seen.size, `case ${k}, ${name}`).toBeLessThanOrEqual(1);
      for (const word of seen) {
        const bits = sizeOf(dtype) === 4 ? word : word & 0xffff;
        const value = decode(bits, dtype);
        const poison = c.buffers[name].poison;
        if (poison === 'nan') expect(isNaNBits(bits, dtype)).toBe(true);
        else if (poison === 'infinity') expect(value).toBe(Infinity);
        else expect(Number.isFinite(value) && value !== 0).toBe(true);
      }
    }
  }
});

test.each(floatDtypes)('a word of poison is what it is called in %s, in both its halves', dtype => {
  for (const poison of ['nan', 'infinity', 'finite'] as const) {
    const c = caseOf({ x: matrix('x', { dtype, data: data(1) }), y: matrix('y', { dtype }) }, poison);
    const values = [...materialise(c).prefill.y].map(bits => decode(bits, dtype));
    const wanted = { nan: Number.isNaN, infinity: (v: number) => v === Infinity, finite: Number.isFinite }[
      poison
    ];
    expect(values.every(value => wanted(value) && value !== 0)).toBe(true);
  }
});

test('the same case makes the same bytes, whatever the room held before', () => {
  fc.assert(
    fc.property(fc.nat(400), fc.nat(255), (k, dirt) => {
      const c = drawCase(rmsNorm, 3, k).case;
      const clean = materialise(c);
      const dirty = materialise(structuredClone(c), region =>
        new Uint8Array((region.pages?.length ?? region.span) * pageBytes).fill(dirt),
      );
      for (const name of Object.keys(c.buffers)) {
        expect(Buffer.compare(clean.buffers[name].bytes, dirty.buffers[name].bytes)).toBe(0);
      }
    }),
    { numRuns: 40 },
  );
});

test('what inputs report is what stands in memory', () => {
  for (let k = 0; k < 80; k++) {
    const c = drawCase(rmsNorm, 5, k).case;
    const { inputs, prefill, buffers } = materialise(c);
    for (const [role, bits] of [...Object.entries(inputs), ...Object.entries(prefill)]) {
      const tensor = c.tensors[role];
      if (tensor.buffer === null) continue;
      const standing = buffers[tensor.buffer].gather(tensor);
      expect(Buffer.compare(new Uint8Array(standing.buffer), new Uint8Array(bits.buffer))).toBe(0);
    }
    expect(Object.keys(inputs).sort()).toEqual(inputsOf(c).sort());
    for (const role of outputsOf(c)) expect(role in prefill).toBe(c.tensors[role].buffer !== null);
  }
});

describe('views that share elements', () => {
  test('a stride of 0 repeats: every element is the one that was stored last', () => {
    const x = matrix('x', { strides: [0, 1], data: data(9) });
    const { inputs } = materialise(caseOf({ x, y: matrix('y') }));
    const own = makeValues(data(9), [3, 4], 'f32');
    expect([...inputs.x]).toEqual([0, 1, 2].flatMap(() => [...own.slice(8)]));
    const weight: TensorSpec = {
      buffer: 'w',
      offset: 0,
      shape: [4],
      strides: [0],
      dtype: 'f32',
      data: data(8),
    };
    const once = materialise(caseOf({ x: matrix('x', { data: data(9) }), weight, y: matrix('y') })).inputs
      .weight;
    expect(new Set(once).size).toBe(1);
  });

  test('an input on another input holds what was stored last, and both say so', () => {
    const x = matrix('x', { data: data(1) });
    const residual = matrix('x', { data: data(2) });
    const { inputs } = materialise(caseOf({ x, residual, y: matrix('y') }));
    expect(inputs.x).toEqual(makeValues(data(2), [3, 4], 'f32'));
    expect(inputs.residual).toEqual(inputs.x);
  });

  test('an output in place is prefilled with its input; a slice beside it is not', () => {
    const x = matrix('x', { shape: [3, 4], strides: [8, 1], data: data(1) });
    const inPlace = materialise(caseOf({ x, y: { ...matrix('x'), strides: [8, 1] } }));
    expect(inPlace.prefill.y).toEqual(inPlace.inputs.x);
    const beside = materialise(caseOf({ x, y: { ...matrix('x'), strides: [8, 1], offset: 16 } }));
    expect([...beside.prefill.y].every(bits => isNaNBits(bits, 'f32'))).toBe(true);
    expect(beside.inputs.x).toEqual(inPlace.inputs.x);
  });

  test('inputs of separate memory are their recipes', () => {
    const c = caseOf({ x: matrix('x', { strides: [1, 3], data: data(1) }), y: matrix('y') });
    expect(materialise(c).inputs).toEqual(inputBits(c));
    expect(materialise(c).inputs.x).toEqual(makeValues(data(1), [3, 4], 'f32'));
  });
});

test('a tensor without memory is a NULL pointer: no buffer, no bytes', () => {
  const none = { buffer: null, offset: 0, shape: [0, 4], strides: [4, 1], dtype: 'f16' as const };
  const { buffers, inputs, prefill } = materialise(caseOf({ x: { ...none, data: data(1) }, y: none }));
  expect(buffers).toEqual({});
  expect(inputs.x.length).toBe(0);
  expect(prefill).toEqual({});
});

test('a patch stands in memory as its bits', () => {
  const patched = data(1, { patches: [{ start: 5, count: 1, step: 1, value: '-nan' }] });
  const c = caseOf({ x: matrix('x', { strides: [6, 1], data: patched }), y: matrix('y') });
  const { buffers } = materialise(c);
  const place = buffers.x.indexOf((6 + 1) * 4);
  expect(new DataView(buffers.x.bytes.buffer).getUint32(place, true)).toBe(0xffc00000);
  expect(encode(1, 'f32')).toBe(0x3f800000);
});
