/**
 * What a right kernel may write: the float64 value of every output element, how far from it is close enough,
 * and the exceptions that contracts.md allows.
 */

import type { CaseOf, Op } from '../src/case/case.ts';
import type { Bits, FloatDtype } from '../src/case/dtype.ts';
import type { Numerics } from '../src/case/numerics.ts';

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
  /** Must hold the bits of `exact`, every NaN being one value. */
  bits: 32,
  /** May be a NaN. */
  maybeNaN: 64,
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
  /** The stored bits where `rules` say `bits`; elsewhere never looked at. Absent: nowhere. */
  readonly exact?: Bits;
  /** The float64 value; NaN where `rules` say `nan` or `any`, the value of `exact` where they say `bits`. */
  readonly ref: Float64Array;
  /**
   * Where an intermediate rounding may go more than one way, or a subnormal may be a zero, each as right as the
   * others: of the values that follow, the one that `seen` is closest to. Absent: always `ref[index]`, which is one
   * of them.
   */
  readonly nearest?: (index: number, seen: number) => number;
  /**
   * 1 where an intermediate rounding lies so near a tie that ordinary f32 error decides it, or a subnormal may be a
   * zero. Absent: nowhere.
   */
  readonly ties?: Uint8Array;
  /** Bound of the excess, worst case: bounds.md's `hard`. 0 where the value is exactly 0 in any arithmetic. */
  readonly hard: Float64Array;
  /** Size of ordinary f32 error: bounds.md's `T`. */
  readonly typical: Float64Array;
  /** Bits of `rule`. */
  readonly rules: Uint8Array;
}

/**
 * The float64 reference of an op: a case that its contract accepts, and its stored inputs in logical order,
 * to what each output may be. `rows`: which to compute, ascending; absent: all. `numerics`: of which class the
 * kernels are that are held to it; absent: F32.
 */
export type Reference<O extends Op> = (
  c: CaseOf<O>,
  inputs: Readonly<Record<string, Bits>>,
  rows?: readonly number[],
  numerics?: Numerics,
) => Expected[];

/** What is known of an op's truth. */
export interface Truth<O extends Op> {
  readonly reference: Reference<O>;
  /**
   * The inputs that rounding errors come from, and the dimensions over which sums of them go: whether data is generic
   * is asked of them (generic.ts).
   */
  readonly decisive: Readonly<Record<string, readonly number[]>>;
  /** Whether the terms of a sum are alike by something other than a stride of 0. Absent: they never are. */
  readonly repeats?: (c: CaseOf<O>) => boolean;
  /** Where the reference disagrees with a handful of golden vectors, one sentence each. */
  readonly golden: () => string[];
}
