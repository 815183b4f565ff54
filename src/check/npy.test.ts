import { expect, test } from 'vitest';
import { encodeAll } from '../case/dtype.ts';
import { npy, npyOf } from './npy.ts';

/** What NumPy reads of a file (numpy.lib.format, version 1.0). */
function read(file: Uint8Array): { header: string; data: Buffer } {
  const bytes = Buffer.from(file);
  expect(bytes.subarray(0, 8)).toEqual(Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]));
  const length = bytes.readUInt16LE(8);
  const header = bytes.subarray(10, 10 + length).toString('latin1');
  // The data begins at a multiple of 64, behind a newline.
  expect((10 + length) % 64).toBe(0);
  expect(header.endsWith('\n')).toBe(true);
  return { header: header.trimEnd(), data: bytes.subarray(10 + length) };
}

test('the bytes of a small file', () => {
  const file = npy(Uint16Array.of(0x3c00, 0xc000), 'f16', [1, 2]);
  const text = "{'descr': '<f2', 'fortran_order': False, 'shape': (1, 2), }";
  expect(Buffer.from(file).toString('latin1')).toBe(
    `\x93NUMPY\x01\x00v\x00${text}${' '.repeat(117 - text.length)}\n\x00\x3c\x00\xc0`,
  );
});

test.each([
  [[], '()', 1],
  [[3], '(3,)', 3],
  [[2, 3], '(2, 3)', 6],
  [[0, 4], '(0, 4)', 0],
  [[1, 1, 1, 5], '(1, 1, 1, 5)', 5],
])('a shape of %j is a Python tuple', (shape, tuple, count) => {
  const { header, data } = read(npy(new Uint32Array(count), 'f32', shape));
  expect(header).toBe(`{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`);
  expect(data.length).toBe(count * 4);
});

test('elements are what they are, in every type', () => {
  const values = Float64Array.of(1, -2.5, 0.3, Infinity);
  const bits = (dtype: 'f32' | 'f16' | 'bf16') => encodeAll(values, dtype);
  expect(read(npy(bits('f32'), 'f32', [4])).data).toEqual(Buffer.from(Float32Array.from(values).buffer));
  expect(read(npy(bits('f16'), 'f16', [4])).data).toEqual(Buffer.from(bits('f16').buffer));
  const bf16 = read(npy(bits('bf16'), 'bf16', [4]));
  expect(bf16.header).toContain("'<f4'");
  expect([0, 4, 8, 12].map(at => bf16.data.readFloatLE(at))).toEqual([1, -2.5, 0.30078125, Infinity]);
  expect(read(npy(Uint32Array.of(0xffffffff), 'i32', [1])).data.readInt32LE(0)).toBe(-1);
  const doubles = read(npyOf(values, [2, 2]));
  expect(doubles.header).toContain("'<f8'");
  expect(doubles.data).toEqual(Buffer.from(values.buffer));
});

test('a part of an array is that part', () => {
  const part = Float64Array.of(1, 2, 3, 4).subarray(1, 3);
  expect(read(npyOf(part, [2])).data.readDoubleLE(0)).toBe(2);
  expect(read(npyOf(part, [2])).data.length).toBe(16);
  const words = Uint16Array.of(1, 2, 3).subarray(2);
  expect(read(npy(words, 'f16', [1])).data).toEqual(Buffer.from([3, 0]));
});
