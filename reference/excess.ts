/**
 * The excess: how far the float64 value is from being a reason for what a kernel wrote.
 *
 * Every stored y stands for an interval of reals, those that round to it. Measuring from the interval, not
 * from y, takes the output's own rounding out of the error, so that an f16 or bf16 output is judged as
 * sharply as an f32 one.
 */

import {
  decode,
  encode,
  exponentOf,
  type FloatDtype,
  formats,
  powerOfTwo,
  round,
  ulpOf,
} from '../src/case/dtype.ts';

/**
 * Distance from `ref` to the nearest real that rounds to `y` in `dtype`; 0 when y = round(ref).
 *
 * Both zeros stand for the reals within half the smallest subnormal, an infinity for all from half an ulp
 * beyond the largest finite number on. NaN stands for none: the distance is then NaN, and no bound holds.
 *
 * @param ref - any float64 below 2^970 or infinite.
 * @param y - a value that `dtype` holds.
 */
export function excess(ref: number, y: number, dtype: FloatDtype): number {
  if (round(ref, dtype) === y) return 0;
  if (Number.isNaN(y) || Number.isNaN(ref)) return Number.NaN;
  // Mirrored so that y >= 0. The interval's ends have one bit more than y: exact here, and so is a difference
  // of neighbours; a larger difference is rounded once.
  const value = y < 0 ? -ref : ref;
  const size = Math.abs(y);
  const format = formats[dtype];
  if (size === Infinity) return Math.max(0, overflowEdge[dtype] - value);
  const exponent = size === 0 ? format.minExponent : Math.max(exponentOf(size), format.minExponent);
  const ulp = powerOfTwo(exponent - format.precision + 1);
  if (value > size) return value - (size + ulp / 2);
  const lopsided = exponent > format.minExponent && size === powerOfTwo(exponent);
  return size - (lopsided ? ulp / 4 : ulp / 2) - value;
}

/** The least real that rounds to infinity. */
const overflowEdge: Readonly<Record<FloatDtype, number>> = {
  f32: edgeOf('f32'),
  f16: edgeOf('f16'),
  bf16: edgeOf('bf16'),
};

function edgeOf(dtype: FloatDtype): number {
  const format = formats[dtype];
  return format.maxFinite + ulpOf(format.maxFinite, format) / 2;
}

/** The next value of `dtype` above a finite one. */
export function nextUp(value: number, dtype: FloatDtype): number {
  if (value === 0) return formats[dtype].tiny;
  // Neighbours have neighbouring bits, counted away from zero.
  return decode((encode(value, dtype) + (value > 0 ? 1 : -1)) >>> 0, dtype);
}

/** The next value of `dtype` below a finite one. */
export function nextDown(value: number, dtype: FloatDtype): number {
  return -nextUp(-value, dtype);
}
