//! e^x for weights, by the same operations in every tier.

use crate::simd::Simd;

/// Adding it rounds to an integer, whose lowest bits are then those of the sum; the 127 in it is the exponent's bias.
const TO_EXPONENT: f32 = ((3u32 << 22) + 127) as f32;

/// ln 2 in two pieces: the first has 9 bits, so that its product with an exponent is exact.
const LN_2: [f32; 2] = [0.691_406_25, 0.001_740_930_6];

/// (e^r - 1 - r) / r^2, |r| at most half of ln 2: minimax by Remez' exchange in 200 bits, relative error of the
/// exponential 0.06 * 2^-24.
const SERIES: [f32; 5] = [
    0.499_999_94,
    0.166_665_21,
    0.041_668_39,
    0.008_368_727,
    0.001_381_457_8,
];

/// -126 ln 2: below it, the result would be below 2^-126.
const LEAST: f32 = -87.336_55;

/// e^x for x up to 0, within 1.5 * 2^-24 of itself; +0 where it is below 2^-126; NaN for NaN.
#[inline(always)]
pub fn exp<S: Simd>(s: S, x: S::F32) -> S::F32 {
    let shifted = s.mac(x, s.splat(std::f32::consts::LOG2_E), s.splat(TO_EXPONENT));
    let exponent = s.sub(shifted, s.splat(TO_EXPONENT));
    let r = s.mac(exponent, s.splat(-LN_2[0]), x);
    let r = s.mac(exponent, s.splat(-LN_2[1]), r);
    let [a, b, c, d, e] = SERIES;
    let mut series = s.mac(s.splat(e), r, s.splat(d));
    series = s.mac(series, r, s.splat(c));
    series = s.mac(series, r, s.splat(b));
    series = s.mac(series, r, s.splat(a));
    let rest = s.mac(s.mul(r, r), series, r);
    let value = s.mul(s.add(s.splat(1.0), rest), s.into_exponent(shifted));
    s.select(s.less(x, s.splat(LEAST)), s.splat(0.0), value)
}
