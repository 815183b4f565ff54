//! Correct kernels, each in a form of its own. A harness that fails one of them is wrong.

use std::ops::Range;

use super::{Call, RmsNorm};

/// The plain kernel as it stands: one f32 accumulator, first element to last.
pub struct Sequential;

impl RmsNorm for Sequential {}

/// Adds the squares by halves: an error that grows with log n.
pub struct Pairwise;

impl RmsNorm for Pairwise {
    fn sum_of_squares(call: &Call, row: usize) -> f32 {
        fn sum(square: &impl Fn(usize) -> f32, range: Range<usize>) -> f32 {
            if range.len() == 1 {
                return square(range.start);
            }
            let middle = range.start + range.len() / 2;
            sum(square, range.start..middle) + sum(square, middle..range.end)
        }
        sum(&|j| call.h(row, j).powi(2), 0..call.n)
    }
}

/// All of a row in double. A mean square that f32 cannot hold, or the inverse root of it, is no trouble.
pub struct F64;

impl RmsNorm for F64 {
    fn normaliser(call: &Call, row: usize) -> impl Fn(f32) -> f32 {
        let sum: f64 = (0..call.n).map(|j| f64::from(call.h(row, j)).powi(2)).sum();
        let r = 1.0 / (sum / call.n as f64 + call.eps).sqrt();
        move |h| (f64::from(h) * r) as f32
    }
}

/// Divides the row by its largest magnitude before squaring, so no square overflows.
pub struct MaxScaled;

impl RmsNorm for MaxScaled {
    fn normaliser(call: &Call, row: usize) -> impl Fn(f32) -> f32 {
        // Keeps a NaN, which f32::max would drop.
        let larger = |a: f32, b: f32| if b > a || b.is_nan() { b } else { a };
        let max = (0..call.n).map(|j| call.h(row, j).abs()).fold(0.0, larger);
        let rms = if max == 0.0 || max.is_infinite() {
            max
        } else {
            let scaled = |j| (call.h(row, j) / max).powi(2);
            max * ((0..call.n).map(scaled).sum::<f32>() / call.n as f32).sqrt()
        };
        // hypot(rms, sqrt(eps)) is sqrt(mean + eps) without the square. It is divided by, not multiplied
        // with its inverse, which is subnormal beyond 2^126.
        let root = rms.hypot(Self::eps(call).sqrt());
        move |h| h / root
    }
}
