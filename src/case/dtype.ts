/**
 * Storage types: how a float64 becomes the bits of an element and back.
 *
 * Everything here is one rounding, to nearest even, from float64; nothing passes through another type on
 * the way. Decoding is exact.
 */

/** An element type that a tensor may have. */
export type Dtype = 'f32' | 'f16' | 'bf16' | 'i32';
/** An element type that holds real numbers. */
export type FloatDtype = Exclude<Dtype, 'i32'>;

export const floatDtypes = ['f32', 'f16', 'bf16'] as const satisfies readonly FloatDtype[];
export const dtypes = [...floatDtypes, 'i32'] as const satisfies readonly Dtype[];

/** The shape of a binary floating-point format: precision in bits (with the hidden one) and exponent range. */
export interface Format {
  readonly precision: number;
  /** Exponent of the smallest normal number. */
  readonly minExponent: number;
  readonly maxFinite: number;
  /** The smallest subnormal, in value. */
  readonly tiny: number;
  /** Bits of the quiet NaN that stands for every NaN. */
  readonly nan: number;
  readonly infinity: number;
  readonly signBit: number;
}

/** IEEE 754 binary32 and binary16; bfloat16 is binary32's upper half. */
export const formats: Readonly<Record<FloatDtype, Format>> = {
  f32: {
    precision: 24,
    minExponent: -126,
    maxFinite: (2 - 2 ** -23) * 2 ** 127,
    tiny: 2 ** -149,
    nan: 0x7fc00000,
    infinity: 0x7f800000,
    signBit: 0x80000000,
  },
  f16: {
    precision: 11,
    minExponent: -14,
    maxFinite: 65504,
    tiny: 2 ** -24,
    nan: 0x7e00,
    infinity: 0x7c00,
    signBit: 0x8000,
  },
  bf16: {
    precision: 8,
    minExponent: -126,
    maxFinite: (2 - 2 ** -7) * 2 ** 127,
    tiny: 2 ** -133,
    nan: 0x7fc0,
    infinity: 0x7f80,
    signBit: 0x8000,
  },
};

/** Bytes of one element. */
export function sizeOf(dtype: Dtype): 2 | 4 {
  return dtype === 'f32' || dtype === 'i32' ? 4 : 2;
}

const scratch = new DataView(new ArrayBuffer(8));

const powers = Float64Array.from({ length: 2046 }, (_, i) => {
  scratch.setBigUint64(0, BigInt(i + 1) << 52n);
  return scratch.getFloat64(0);
});

/** 2^exponent, exactly, for a normal float64: -1022 <= exponent <= 1023. (`**` is implementation-defined.) */
export function powerOfTwo(exponent: number): number {
  return powers[exponent + 1022];
}

/** The exponent e with 2^e <= |value| < 2^(e+1), for a normal, finite, non-zero float64. */
export function exponentOf(value: number): number {
  scratch.setFloat64(0, value);
  return ((scratch.getUint16(0) >>> 4) & 0x7ff) - 1023;
}

/** The distance between neighbours of `format` around `value`, in the binade of `value`. */
export function ulpOf(value: number, format: Format): number {
  const exponent = value === 0 ? format.minExponent : Math.max(exponentOf(value), format.minExponent);
  return powerOfTwo(exponent - format.precision + 1);
}

/** `value` rounded once to nearest even in `dtype`, as a float64. Overflow gives an infinity, NaN stays NaN. */
export function round(value: number, dtype: FloatDtype): number {
  if (dtype === 'f32') return Math.fround(value);
  if (value === 0 || !Number.isFinite(value)) return value;
  const format = formats[dtype];
  // So far out that the sum below could overflow.
  if (Math.abs(value) > 2 * format.maxFinite) return value < 0 ? -Infinity : Infinity;
  // Adding 1.5 * 2^52 ulps pushes what lies below one ulp out of the float64, rounding to nearest even.
  const magic = 1.5 * powerOfTwo(52) * ulpOf(value, format);
  const rounded = value + magic - magic;
  if (rounded === 0) return value < 0 ? -0 : 0;
  if (Math.abs(rounded) > format.maxFinite) return value < 0 ? -Infinity : Infinity;
  return rounded;
}

const asF32 = new Float32Array(1);
const asU32 = new Uint32Array(asF32.buffer);

/** The storage bits of `value`, which is rounded once to `dtype`. */
export function encode(value: number, dtype: Dtype): number {
  if (dtype === 'i32') return value >>> 0;
  asF32[0] = value;
  const bits = asU32[0];
  if (dtype === 'f32') return bits;
  const size = bits & 0x7fffffff;
  // Rounding to f32 first is harmless but where it lands on a tie of the narrower type: then, and for what is
  // not a normal number there, the long way.
  if (dtype === 'bf16') {
    if ((bits & 0xffff) !== 0x8000 && size < 0x7f7f0000) return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
    return encodeBf16(round(value, 'bf16'));
  }
  if ((bits & 0x1fff) !== 0x1000 && size >= 0x38800000 && size < 0x477fe000) {
    const sign = (bits >>> 16) & 0x8000;
    return sign | ((size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
  }
  return encodeF16(round(value, 'f16'));
}

function encodeBf16(value: number): number {
  asF32[0] = value;
  return asU32[0] >>> 16;
}

function encodeF16(value: number): number {
  if (Number.isNaN(value)) return formats.f16.nan;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size === Infinity) return sign | formats.f16.infinity;
  if (size < 2 ** -14) return sign | (size * 2 ** 24);
  const exponent = exponentOf(size);
  return sign | ((exponent + 15) << 10) | (size * powerOfTwo(10 - exponent) - 1024);
}

/** Every value of a 16-bit type, by its bits. */
function table16(decodeOne: (bits: number) => number): Float64Array {
  return Float64Array.from({ length: 65536 }, (_, bits) => decodeOne(bits));
}

const decoded16 = {
  f16: table16(bits => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >>> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * powerOfTwo(exponent - 25));
  }),
  bf16: table16(bits => {
    scratch.setUint32(0, bits << 16);
    return scratch.getFloat32(0);
  }),
};

/** The value of an element's bits, exactly. */
export function decode(bits: number, dtype: Dtype): number {
  if (dtype === 'i32') return bits | 0;
  if (dtype !== 'f32') return decoded16[dtype][bits];
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

/** Elements' bits in logical order: what a tensor holds, or what a kernel wrote. */
export type Bits = Uint16Array | Uint32Array;

/** Room for `count` elements of `dtype`. */
export function bitsOf(dtype: Dtype, count: number): Bits {
  return sizeOf(dtype) === 4 ? new Uint32Array(count) : new Uint16Array(count);
}

/** The values of many elements, exactly. */
export function decodeAll(bits: Bits, dtype: Dtype): Float64Array {
  if (dtype === 'f32') return new Float64Array(new Float32Array(bits.buffer, bits.byteOffset, bits.length));
  const values = new Float64Array(bits.length);
  if (dtype === 'i32') {
    for (let i = 0; i < bits.length; i++) values[i] = bits[i] | 0;
  } else {
    const table = decoded16[dtype];
    for (let i = 0; i < bits.length; i++) values[i] = table[bits[i]];
  }
  return values;
}

/** The storage bits of many values, each rounded once. */
export function encodeAll(values: Float64Array, dtype: Dtype): Bits {
  if (dtype === 'f32') return new Uint32Array(Float32Array.from(values).buffer);
  const bits = bitsOf(dtype, values.length);
  for (let i = 0; i < values.length; i++) bits[i] = encode(values[i], dtype);
  return bits;
}

/** Whether `bits` is a NaN of any payload. */
export function isNaNBits(bits: number, dtype: FloatDtype): boolean {
  const { signBit, infinity } = formats[dtype];
  return (bits & (signBit - 1)) >>> 0 > infinity;
}

/** Index of the first element whose bits differ, every NaN being one value; -1 when none does. */
export function firstDifference(a: Bits, b: Bits, dtype: FloatDtype): number {
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i] && !(isNaNBits(a[i], dtype) && isNaNBits(b[i], dtype))) return i;
  }
  return -1;
}
