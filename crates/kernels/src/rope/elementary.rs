//! Logarithm and exponential in plain f64 arithmetic: libm's differ by CPU.

use std::f64::consts::{LN_2, SQRT_2};

/// The natural logarithm of a normal number above 0, within a few units in the last place.
pub fn ln(x: f64) -> f64 {
    // x = 2^exponent m, with m between sqrt(1/2) and sqrt(2).
    let above = x.to_bits() as i64 - (SQRT_2 / 2.0).to_bits() as i64;
    let exponent = above >> 52;
    let m = f64::from_bits((x.to_bits() as i64 - (exponent << 52)) as u64);
    // ln m = 2 artanh s = 2 (s + s^3/3 + s^5/5 + ..), and s^2 is below 0.03.
    let s = (m - 1.0) / (m + 1.0);
    let odd = (0..12).rev().map(|k| 1.0 / f64::from(2 * k + 1));
    let series = odd.fold(0.0, |sum, term| sum * (s * s) + term);
    exponent as f64 * LN_2 + 2.0 * s * series
}

/// e^x for x from -700 to 0; its relative error is below 2^-50 (1 + |x|).
pub fn exp(x: f64) -> f64 {
    let exponent = (x / LN_2 - 0.5) as i64;
    let rest = x - exponent as f64 * LN_2;
    // 1 + rest (1 + rest/2 (1 + rest/3 (..))), and |rest| is at most half of ln 2.
    let series = (1..=14)
        .rev()
        .fold(1.0, |sum, k| 1.0 + rest / f64::from(k) * sum);
    f64::from_bits(((1023 + exponent) << 52) as u64) * series
}
