/** The hyperbolic tangent from `+ - * /` alone. */

import { expm1 } from './exp.ts';

/** tanh(x), to 2^-50 relative, small x too. */
export function tanh(x: number): number {
  const size = Math.abs(x);
  // 1 - tanh(20) is 2^-57.
  if (size > 20) return x < 0 ? -1 : 1;
  const e = expm1(2 * size);
  const t = e / (e + 2);
  return x < 0 ? -t : t;
}
