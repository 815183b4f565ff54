//! Sine and cosine of f64, in plain f64 arithmetic without fused operations: libm's differ by CPU.

use std::f64::consts::{FRAC_2_PI, TAU};

use crate::simd::LANES;

/// Angles up to here are reduced as if pi had 116 bits; others by a multiple of the f64 nearest 2 pi first, an
/// error of at most 2^-54 of the angle, which is half of what rounding the angle was worth.
const LARGE: f64 = (1u64 << 31) as f64;

/// Adding it rounds to an integer, whose lowest bits are then the lowest of the sum.
const TO_INTEGER: f64 = (3u64 << 51) as f64;

/// pi/2 in three pieces of at most 21 bits, whose products with 32 bits are exact, and a rest.
const HALF_PI: [f64; 4] = [
    1.570796012878418,
    3.1391664379043505e-7,
    -1.651400370616951e-13,
    8.333742918520879e-20,
];

/// (sin r - r) / r^3 as a polynomial in r^2, |r| at most pi/4: minimax by Remez' exchange in 200 bits, relative
/// error of the sine 5e-15.
const SIN: [f64; 5] = [
    -0.16666666666631624,
    0.008333333325277118,
    -0.0001984126382582611,
    2.7555358352699335e-6,
    -2.4761695226347624e-8,
];

/// (cos r - 1 + r^2/2) / r^4 in the same way, absolute error of the cosine 8e-17.
const COS: [f64; 5] = [
    0.04166666666660226,
    -0.0013888888878274268,
    2.480158097164082e-5,
    -2.7555567125087854e-7,
    2.0647737473592355e-9,
];

/// Sines and cosines of finite angles from 0 on, in [-1, 1] but for a rounding. Absolute error below 2^-47 up
/// to 2^31, and below 2^-47 + 2^-54 angle beyond.
#[inline(always)]
pub fn sin_cos(angles: &[f64; LANES]) -> ([f64; LANES], [f64; LANES]) {
    let mut angles = *angles;
    let large = |any, &angle: &f64| any | (angle > LARGE);
    if angles.iter().fold(false, large) {
        reduce_large(&mut angles);
    }
    let (mut sin, mut cos) = ([0.0; LANES], [0.0; LANES]);
    for i in 0..LANES {
        let shifted = angles[i] * FRAC_2_PI + TO_INTEGER;
        let quarters = shifted - TO_INTEGER;
        let r = HALF_PI
            .iter()
            .fold(angles[i], |r, piece| r - quarters * piece);
        let z = r * r;
        let s = r + r * z * polynomial(&SIN, z);
        let c = 1.0 + z * (z * polynomial(&COS, z) - 0.5);
        // Odd quarters swap sine and cosine; the second bit is the sign of the one, its carry of the other.
        let quadrant = shifted.to_bits();
        let swap = (quadrant & 1).wrapping_neg();
        let (s, c) = (s.to_bits(), c.to_bits());
        let differing = (s ^ c) & swap;
        sin[i] = f64::from_bits(s ^ differing ^ (quadrant & 2) << 62);
        cos[i] = f64::from_bits(c ^ differing ^ ((quadrant + 1) & 2) << 62);
    }
    (sin, cos)
}

/// The remainder of a division is exact, so every libm has the same.
#[cold]
#[inline(never)]
fn reduce_large(angles: &mut [f64; LANES]) {
    for angle in angles.iter_mut().filter(|angle| **angle > LARGE) {
        *angle %= TAU;
    }
}

#[inline(always)]
fn polynomial(coefficients: &[f64; 5], z: f64) -> f64 {
    let [a, b, c, d, e] = coefficients;
    a + z * (b + z * (c + z * (d + z * e)))
}
