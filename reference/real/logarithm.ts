/** Natural logarithm and exponential of double-doubles: the same on every machine, unlike Math.log and Math.exp. */

import { exponentOf, powerOfTwo } from '../../src/case/dtype.ts';
import { type DoubleDouble, exact, minus, over, plus, times } from './double-double.ts';

/** ln 2 to 107 bits. */
const ln2: DoubleDouble = { hi: Math.LN2, lo: 2.3190468138462996e-17 };
const one = exact(1);
const none = exact(0);

/** ln x within 2^-98 of its size or of 2^-4, whichever is more; x > 0 and normal. */
export function ln(x: DoubleDouble): DoubleDouble {
  let exponent = exponentOf(x.hi);
  // x = m 2^exponent with m in [0.7, 1.5], where ln m = 2 atanh z for z = (m - 1) / (m + 1), |z| <= 1/5.
  if (x.hi * powerOfTwo(-exponent) > 1.4) exponent++;
  const scale = powerOfTwo(-exponent);
  const m = { hi: x.hi * scale, lo: x.lo * scale };
  const z = over(minus(m, one), plus(m, one));
  const square = times(z, z);
  let series = none;
  for (let k = 24; k >= 0; k--) series = plus(over(one, exact(2 * k + 1)), times(square, series));
  return plus(times(exact(exponent), ln2), times(times(exact(2), z), series));
}

/** Halvings before the series of the exponential, squarings after it. */
const halvings = 4;

/** e^y within 2^-95 of it, for -1000 ln 2 <= y <= 1000 ln 2. */
export function exp(y: DoubleDouble): DoubleDouble {
  const exponent = Math.round(y.hi / ln2.hi);
  const rest = minus(y, times(exact(exponent), ln2));
  const small = times(rest, exact(powerOfTwo(-halvings)));
  let power = one;
  // |small| < 0.022: what follows the 16th term is below 2^-125.
  for (let k = 16; k >= 1; k--) power = plus(one, over(times(small, power), exact(k)));
  for (let k = 0; k < halvings; k++) power = times(power, power);
  const scale = powerOfTwo(exponent);
  return { hi: power.hi * scale, lo: power.lo * scale };
}
