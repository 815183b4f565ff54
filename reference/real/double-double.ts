/**
 * Real numbers as unevaluated sums of two float64, about 106 bits, by `+ - * /` alone: the same on every machine.
 *
 * Algorithms: Dekker 1971 (splitting, exact product), Knuth (exact sum); errors as in Joldes, Muller & Popescu,
 * "Tight and rigorous error bounds for basic building blocks of double-word arithmetic", 2017. Operands are
 * finite, and of a size at which neither a product of two of them nor its error leaves the float64 range.
 */

/** hi + lo, where hi is the float64 nearest to that sum. */
export interface DoubleDouble {
  readonly hi: number;
  readonly lo: number;
}

/** A float64 as it is. */
export function exact(value: number): DoubleDouble {
  return { hi: value, lo: 0 };
}

/** a + b of two float64, exactly, where |a| >= |b| or a = 0. */
function joined(a: number, b: number): DoubleDouble {
  const hi = a + b;
  return { hi, lo: b - (hi - a) };
}

/** a + b of two float64, exactly. */
function exactSum(a: number, b: number): DoubleDouble {
  const hi = a + b;
  const fromB = hi - a;
  return { hi, lo: a - (hi - fromB) + (b - fromB) };
}

/** a * b of two float64, exactly. */
function exactProduct(a: number, b: number): DoubleDouble {
  const hi = a * b;
  // Halves of 26 bits, whose products are exact.
  const a1 = upperHalf(a);
  const b1 = upperHalf(b);
  const a2 = a - a1;
  const b2 = b - b1;
  return { hi, lo: a2 * b2 - (hi - a1 * b1 - a2 * b1 - a1 * b2) };
}

function upperHalf(value: number): number {
  const shifted = value * (2 ** 27 + 1);
  return shifted - (shifted - value);
}

/** a + b, within 3 * 2^-106 of the result. */
export function plus(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const upper = exactSum(a.hi, b.hi);
  const lower = exactSum(a.lo, b.lo);
  const middle = joined(upper.hi, upper.lo + lower.hi);
  return joined(middle.hi, middle.lo + lower.lo);
}

/** a - b, within 3 * 2^-106 of the result. */
export function minus(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  return plus(a, { hi: -b.hi, lo: -b.lo });
}

/** a * b, within 5 * 2^-106 of the result. */
export function times(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const product = exactProduct(a.hi, b.hi);
  return joined(product.hi, product.lo + (a.hi * b.lo + a.lo * b.hi));
}

/** a / b, within 10 * 2^-106 of the result. */
export function over(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const first = a.hi / b.hi;
  const rest = minus(a, times(b, exact(first)));
  const second = rest.hi / b.hi;
  const last = minus(rest, times(b, exact(second)));
  return plus(joined(first, second), exact(last.hi / b.hi));
}

/** a < b. */
export function isLess(a: DoubleDouble, b: DoubleDouble): boolean {
  return a.hi < b.hi || (a.hi === b.hi && a.lo < b.lo);
}
