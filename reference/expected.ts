/**
 * What a right kernel may write: the float64 value of every output element, how far from it is close enough,
 * and the exceptions that contracts.md allows.
 */

import type { Case } from '../src/case/case.ts';
import type { Bits, FloatDtype } from '../src/case/dtype.ts';

/** What an element may be beside a value within its bound. Bits of `Expected.rules`. */
export const rule = {
  /** Must be a NaN, of any payload. */
  nan: 1,
  /** Unspecified: anything passes. */
  any: 2,
  /** May be a zero of either sign. */
  zero: 4,
  /** May be anything between zero and the value. */
  shrunk: 8,
  /** May be the infinity of the value's sign. */
  infinite: 16,
} as const;

/** The expectation of one output tensor, for chosen rows (all leading dimensions flattened). */
export interface Expected {
  /** `y`, `residualOut`, `out`. */
  readonly role: string;
  readonly dtype: FloatDtype;
  /** Elements of a row. */
  readonly rowLength: number;
  /** Which rows are expected, ascending; element i of row rows[k] stands at k * rowLength + i below. */
  readonly rows: readonly number[];
  /** Set where the contract fixes the bits: then nothing below is looked at, but every NaN is one value. */
  readonly exact?: Bits;
  /** The float64 value. */
  readonly ref: Float64Array;
  /** A second value that is as right (an intermediate rounding that may go either way). */
  readonly alternative?: Float64Array;
  /** Bound of the excess, worst case: bounds.md's `hard`. */
  readonly hard: Float64Array;
  /** Size of ordinary f32 error: bounds.md's `T`. */
  readonly typical: Float64Array;
  /** Bits of `rule`. */
  readonly rules: Uint8Array;
}

/** The float64 reference of an op: a case and its stored inputs to what each output may be. */
export type Reference = (
  c: Case,
  inputs: Readonly<Record<string, Bits>>,
  /** Rows to compute, ascending; absent: all. */
  rows?: readonly number[],
) => Expected[];
