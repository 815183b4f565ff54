//! The hyperbolic tangent for capped scores, by the same operations in every tier.

use super::exp::exp;
use crate::simd::Simd;

/// Up to here a series, from here on e^(-2 t).
const SMALL: f32 = 0.625;

/// (tanh t - t) / t^3 as a polynomial in t^2, |t| up to [`SMALL`]: minimax by Remez' exchange in 200 bits, relative
/// error of the tangent 0.08 * 2^-24.
const SERIES: [f32; 5] = [
    -0.333_332_8,
    0.133_314_42,
    -0.053_739_715,
    0.020_639_088,
    -0.005_704_987,
];

/// tanh t, within 4 * 2^-24 of itself.
#[inline(always)]
pub fn tanh<S: Simd>(s: S, t: S::F32) -> S::F32 {
    let zero = s.splat(0.0);
    let one = s.splat(1.0);
    let size = s.max(t, s.sub(zero, t));
    let square = s.mul(t, t);
    let [a, b, c, d, e] = SERIES;
    let mut series = s.mac(s.splat(e), square, s.splat(d));
    series = s.mac(series, square, s.splat(c));
    series = s.mac(series, square, s.splat(b));
    series = s.mac(series, square, s.splat(a));
    let small = s.mac(s.mul(square, t), series, t);
    let part = exp(s, s.mul(size, s.splat(-2.0)));
    let large = s.div(s.sub(one, part), s.add(one, part));
    let large = s.select(s.less(t, zero), s.sub(zero, large), large);
    s.select(s.less(size, s.splat(SMALL)), small, large)
}
