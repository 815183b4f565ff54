/** Subnormals as zeros, for kernels of classes other than F32. */

import { type FloatDtype, formats, powerOfTwo } from '../../src/case/dtype.ts';

/** Takes a subnormal of `dtype` to a zero of its sign, and leaves all else. */
export function flushing(dtype: FloatDtype): (value: number) => number {
  const least = powerOfTwo(formats[dtype].minExponent);
  return value => (Math.abs(value) < least ? 0 * value : value);
}
