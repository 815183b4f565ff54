/** What arithmetic of a numerics class may lose, operation by operation. */

import { type FloatDtype, formats, powerOfTwo } from '../../src/case/dtype.ts';
import type { Numerics } from '../../src/case/numerics.ts';
import { flushedBelow } from '../flushing.ts';

/** A type in which something is held, and what a rounding to it loses. */
export interface Grain {
  readonly dtype: FloatDtype;
  /** Relative, at most. */
  readonly unit: number;
  /** What a term loses near zero, at most: in its product, its addition, its rescaling. */
  readonly floor: number;
  /** The least subnormal. */
  readonly tiny: number;
  /** What is smaller than this may be a zero; 0: nothing may. */
  readonly least: number;
  /** A sum beyond this is unspecified: one of its parts may leave the type's range. An eighth of the range. */
  readonly limit: number;
}

/** A numerics class: accumulators, and operands of the two matrix products where they are narrower than f32. */
export interface Arithmetic {
  readonly accumulator: Grain;
  readonly operand: Grain | undefined;
  /** What is smaller than this, as it is stored, may be a zero: of q and out, of k and v. 0: nothing may. */
  readonly stored: (dtype: FloatDtype) => number;
}

export function arithmeticOf(numerics: Numerics): Arithmetic {
  const { accumulator, operand } = types[numerics];
  return {
    accumulator: grainOf(accumulator, numerics),
    operand: operand && grainOf(operand, numerics),
    stored: dtype => flushedBelow(dtype, numerics),
  };
}

interface Types {
  readonly accumulator: FloatDtype;
  readonly operand?: FloatDtype;
}

const types: Readonly<Record<Numerics, Types>> = {
  f32: { accumulator: 'f32' },
  'bf16 dot': { accumulator: 'f32', operand: 'bf16' },
  'f16 dot': { accumulator: 'f32', operand: 'f16' },
  'f16 accumulate': { accumulator: 'f16', operand: 'f16' },
};

/** How many operands of a product with k or v are rounded: the other one always (q scaled or not, p), k and v unless stored so. */
export function roundedOperands({ operand }: Arithmetic, stored: FloatDtype): number {
  if (!operand) return 0;
  return stored === operand.dtype ? 1 : 2;
}

/** What is smaller than this may be a zero when it is made an operand of what is stored: 0 where nothing may. */
export function leastOperand({ operand, stored }: Arithmetic, dtype: FloatDtype): number {
  return Math.max(operand?.least ?? 0, stored(dtype));
}

function grainOf(dtype: FloatDtype, numerics: Numerics): Grain {
  const { precision, minExponent, tiny } = formats[dtype];
  const least = flushedBelow(dtype, numerics);
  return {
    dtype,
    unit: powerOfTwo(-precision),
    floor: least > 0 ? 3 * least : tiny,
    tiny,
    least,
    limit: powerOfTwo(-minExponent - 1),
  };
}
