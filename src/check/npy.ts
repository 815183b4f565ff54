/** NumPy's .npy files, version 1.0: a header of Python, then the elements (numpy.lib.format). */

import { type Bits, type Dtype, decodeAll } from '../case/dtype.ts';

const descriptions: Readonly<Record<Dtype, string>> = { f32: '<f4', f16: '<f2', bf16: '<f4', i32: '<i4' };

/** A tensor as .npy, C order. NumPy has no bf16: it is widened to f32, exactly. */
export function npy(bits: Bits, dtype: Dtype, shape: readonly number[]): Uint8Array {
  const content = dtype === 'bf16' ? Float32Array.from(decodeAll(bits, dtype)) : bits;
  return join(
    descriptions[dtype],
    shape,
    new Uint8Array(content.buffer, content.byteOffset, content.byteLength),
  );
}

/** float64 values as .npy. */
export function npyOf(values: Float64Array, shape: readonly number[]): Uint8Array {
  return join('<f8', shape, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

function join(description: string, shape: readonly number[], content: Uint8Array): Uint8Array {
  const sizes = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${description}', 'fortran_order': False, 'shape': ${sizes}, }`;
  const before = 10;
  const length = Math.ceil((before + text.length + 1) / 64) * 64 - before;
  const head = Buffer.alloc(before + length, ' ');
  head.write('\x93NUMPY', 'latin1');
  head.writeUInt8(1, 6);
  head.writeUInt8(0, 7);
  head.writeUInt16LE(length, 8);
  head.write(text, before, 'latin1');
  head.write('\n', before + length - 1, 'latin1');
  return Buffer.concat([head, content]);
}
