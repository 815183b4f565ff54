/**
 * Subnormals: class F32 keeps them. To arithmetic of any other class (FTZ, DAZ) one may be a zero wherever it comes
 * up, stored or computed: contracts.md, Common.
 */

import { type FloatDtype, formats, powerOfTwo } from '../src/case/dtype.ts';
import type { Numerics } from '../src/case/numerics.ts';
import { rule } from './expected.ts';

/** What stands, or is computed, in `dtype` and is smaller than this may be a zero: the least normal number. 0: nothing may. */
export function flushedBelow(dtype: FloatDtype, numerics: Numerics): number {
  return numerics === 'f32' ? 0 : powerOfTwo(formats[dtype].minExponent);
}

/** What underflow takes from an f32 operation, twice. */
export function underflowOf(numerics: Numerics): number {
  return 2 * Math.max(formats.f32.tiny / 2, flushedBelow('f32', numerics));
}

/** The exception of an element of an output that may be as small as `smallest`, where less than `least` may be a zero. */
export function flushed(smallest: number, least: number): number {
  return least > 0 && smallest < least ? rule.zero : 0;
}
