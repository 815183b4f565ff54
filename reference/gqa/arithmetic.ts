/** What arithmetic of a numerics class may lose, operation by operation. */

import { type FloatDtype, formats, powerOfTwo } from '../../src/case/dtype.ts';
import type { Numerics } from '../../src/case/numerics.ts';

/** A type in which something is held, and what a rounding to it loses. */
export interface Grain {
  readonly dtype: FloatDtype;
  /** Relative, at most. */
  readonly unit: number;
  /** Absolute, near zero, at most: classes other than F32 may flush subnormals. */
  readonly floor: number;
  /** The least subnormal. */
  readonly tiny: number;
  /** The least normal number. */
  readonly least: number;
  /** A sum beyond this is unspecified: one of its parts may leave the type's range. An eighth of the range. */
  readonly limit: number;
}

/** A numerics class: accumulators, and operands of the two matrix products where they are narrower than f32. */
export interface Arithmetic {
  readonly accumulator: Grain;
  readonly operand: Grain | undefined;
}

const f32: Grain = { ...grainOf('f32'), floor: formats.f32.tiny };
const f16 = grainOf('f16');

export const arithmetics: Readonly<Record<Numerics, Arithmetic>> = {
  f32: { accumulator: f32, operand: undefined },
  'bf16 dot': { accumulator: f32, operand: grainOf('bf16') },
  'f16 dot': { accumulator: f32, operand: f16 },
  'f16 accumulate': { accumulator: f16, operand: f16 },
};

/** How many operands of a product with k or v are rounded: the other one always (q scaled or not, p), k and v unless stored so. */
export function roundedOperands({ operand }: Arithmetic, stored: FloatDtype): number {
  if (!operand) return 0;
  return stored === operand.dtype ? 1 : 2;
}

function grainOf(dtype: FloatDtype): Grain {
  const { precision, minExponent, tiny } = formats[dtype];
  const least = powerOfTwo(minExponent);
  return {
    dtype,
    unit: powerOfTwo(-precision),
    floor: least,
    tiny,
    least,
    limit: powerOfTwo(-minExponent - 1),
  };
}
