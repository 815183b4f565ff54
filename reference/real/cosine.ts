/** Cosine and sine of a float64, by `+ - * /` alone: the same on every machine, unlike Math.cos and Math.sin. */

/** pi/2 in three parts: the first two have 21 bits, so that their products with 32 bits are exact. */
const quarter = [0x1921fb * 2 ** -20, 0x0a8885 * 2 ** -41, 2.896073971621982e-13] as const;
/** Quarter turns that this reduction may take away. */
const mostQuarters = 2 ** 32;

/**
 * Both within 2^-52 of the true values, which is absolute, not relative to them.
 *
 * @param angle - finite, in radians.
 */
export function cosineAndSine(angle: number): { cosine: number; sine: number } {
  const turns = Math.round(angle * (2 / Math.PI));
  if (Math.abs(turns) > mostQuarters) return ofFarAngle(angle);
  // Two exact steps, then one rounding and, below 2^-62, the third product's.
  const rest = angle - turns * quarter[0] - turns * quarter[1] - turns * quarter[2];
  return turned(turns & 3, cosineNear0(rest), sineNear0(rest));
}

/** Cosine and sine of an angle that is `quarters` quarter turns on. */
function turned(quarters: number, cosine: number, sine: number): { cosine: number; sine: number } {
  switch (quarters) {
    case 0:
      return { cosine, sine };
    case 1:
      return { cosine: -sine, sine: cosine };
    case 2:
      return { cosine: -cosine, sine: -sine };
    default:
      return { cosine: sine, sine: -cosine };
  }
}

/** 1 / n!, n! being exact. */
const inverseFactorials = Float64Array.from({ length: 19 }, (_, n) => {
  let factorial = 1;
  for (let k = 2; k <= n; k++) factorial *= k;
  return 1 / factorial;
});

/** Taylor's series for |x| <= pi/4: what follows is below 2^-58. */
function cosineNear0(x: number): number {
  const square = x * x;
  let sum = inverseFactorials[16];
  for (let n = 14; n >= 0; n -= 2) sum = inverseFactorials[n] - square * sum;
  return sum;
}

function sineNear0(x: number): number {
  const square = x * x;
  let sum = inverseFactorials[17];
  for (let n = 15; n >= 1; n -= 2) sum = inverseFactorials[n] - square * sum;
  return x * sum;
}

/** Bits behind the point: from 2^1024 quarter turns on pi/2, wrong in the last one, they leave over 100 good ones. */
const farBits = 1152n;
let farQuarter: bigint | undefined;

/** The rest after an exact division: slow, and met by none but angles beyond 2^32 quarter turns. */
function ofFarAngle(angle: number): { cosine: number; sine: number } {
  if (angle < 0) {
    const { cosine, sine } = ofFarAngle(-angle);
    return { cosine, sine: -sine };
  }
  farQuarter ??= quarterTurn(farBits);
  // Beyond 2^32 a float64 has at most 20 bits behind the point.
  const whole = Math.floor(angle);
  const fixed = (BigInt(whole) << farBits) + (BigInt((angle - whole) * 2 ** 20) << (farBits - 20n));
  const turns = (2n * fixed + farQuarter) / (2n * farQuarter);
  const rest = Number((fixed - turns * farQuarter) >> (farBits - 80n)) * 2 ** -80;
  return turned(Number(turns & 3n), cosineNear0(rest), sineNear0(rest));
}

/** pi/2 in units of 2^-bits, by Machin's formula: pi/4 = 4 atan(1/5) - atan(1/239). */
function quarterTurn(bits: bigint): bigint {
  const guard = 16n;
  const unit = 1n << (bits + guard);
  const arctan = (inverse: bigint): bigint => {
    let power = unit / inverse;
    let sum = power;
    for (let n = 3n; power !== 0n; n += 2n) {
      power /= -inverse * inverse;
      sum += power / n;
    }
    return sum;
  };
  return (2n * (4n * arctan(5n) - arctan(239n))) >> guard;
}
