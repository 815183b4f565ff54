/**
 * The exponential function from `+ - * /` alone. That of `Math` differs between engines; the reference must not.
 *
 * x = n ln 2 + r with |r| <= ln 2 / 2, and e^x = 2^n (1 + expm1(r)). The Taylor polynomial of degree 14 is off by
 * less than r^14 / 15! = 3e-19, relative to expm1(r).
 */

import { powerOfTwo } from '../../src/case/dtype.ts';

/** The first 32 bits of ln 2, so that n ln2High is exact, and the rest. */
const ln2High = 2977044471 / 4294967296;
const ln2Low = 1.9082149292705877e-10;

/** The numbers 1 / k!. */
const inverseFactorials = Float64Array.from({ length: 15 }, (_, k) => {
  let factorial = 1;
  for (let i = 2; i <= k; i++) factorial *= i;
  return 1 / factorial;
});
const [, , c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14] = inverseFactorials;

/** expm1 for |r| <= 0.35, to 2^-52 relative. */
function nearZero(r: number): number {
  const upper = c8 + r * (c9 + r * (c10 + r * (c11 + r * (c12 + r * (c13 + r * c14)))));
  return r + r * r * (c2 + r * (c3 + r * (c4 + r * (c5 + r * (c6 + r * (c7 + r * upper))))));
}

/** n of the reduction. */
function exponentFor(x: number): number {
  return Math.floor(x * Math.LOG2E + 0.5);
}

/** r of the reduction. The first difference is exact. */
function remainder(x: number, n: number): number {
  return x - n * ln2High - n * ln2Low;
}

/** e^x, to 2^-52 relative; 0 below -708, infinite above 709. */
export function exp(x: number): number {
  if (!(x >= -708)) return Number.isNaN(x) ? x : 0;
  if (x > 709) return Infinity;
  const n = exponentFor(x);
  return powerOfTwo(n) * (1 + nearZero(remainder(x, n)));
}

/** e^x - 1, to 2^-51 relative, small x too; -1 below -708, infinite above 709. */
export function expm1(x: number): number {
  if (!(x >= -708)) return Number.isNaN(x) ? x : -1;
  if (x > 709) return Infinity;
  const n = exponentFor(x);
  const scale = powerOfTwo(n);
  return scale * nearZero(remainder(x, n)) + (scale - 1);
}
