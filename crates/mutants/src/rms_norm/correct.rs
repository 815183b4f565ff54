//! Correct kernels, each in a form of its own. A harness that fails one of them is wrong.

use std::ops::Range;

use super::{Call, RmsNorm, Rounding};
use crate::means::side_by_side;

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

/// Last element to first.
pub struct Reversed;

impl RmsNorm for Reversed {
    fn sum_of_squares(call: &Call, row: usize) -> f32 {
        let squares = (0..call.n).rev().map(|j| call.h(row, j).powi(2));
        squares.fold(0.0, |sum, square| sum + square)
    }
}

/// Sixteen sums of every sixteenth element, each a strided loop of its own.
pub struct StridedLanes;

impl RmsNorm for StridedLanes {
    fn sum_of_squares(call: &Call, row: usize) -> f32 {
        let lane = |lane: usize| {
            (lane..call.n)
                .step_by(16)
                .map(|j| call.h(row, j).powi(2))
                .sum::<f32>()
        };
        (0..16).map(lane).sum()
    }
}

/// Sums of 64 elements, and the sum of those.
pub struct Tiles;

impl RmsNorm for Tiles {
    fn sum_of_squares(call: &Call, row: usize) -> f32 {
        let end = |first: usize| call.n.min(first + 64);
        let tile = |first| {
            (first..end(first))
                .map(|j| call.h(row, j).powi(2))
                .sum::<f32>()
        };
        (0..call.n).step_by(64).map(tile).sum()
    }
}

/// Carries what every addition loses on to the next (Kahan).
pub struct Compensated;

impl RmsNorm for Compensated {
    fn sum_of_squares(call: &Call, row: usize) -> f32 {
        let (mut sum, mut lost) = (0.0_f32, 0.0_f32);
        for j in 0..call.n {
            let h = call.h(row, j);
            let square = h * h;
            let term = square - lost;
            let next = sum + term;
            lost = (next - sum) - term;
            // Beyond f32's range the loss is infinite or NaN, and nothing to carry.
            lost = if lost.is_finite() { lost } else { 0.0 };
            sum = next;
        }
        sum
    }
}

/// Divides every element by the root, and has no inverse of it.
pub struct Divides;

impl RmsNorm for Divides {
    fn normaliser(call: &Call, row: usize) -> impl Fn(f32) -> f32 {
        let mean = Self::sum_of_squares(call, row) / call.n as f32;
        let root = (mean + Self::eps(call)).sqrt();
        move |h| h / root
    }
}

/// Multiplies and adds in one rounding. Without the instruction libm's software does it.
pub struct Fused;

impl RmsNorm for Fused {
    fn sum_of_squares(call: &Call, row: usize) -> f32 {
        (0..call.n).fold(0.0, |sum, j| {
            let h = call.h(row, j);
            h.mul_add(h, sum)
        })
    }
}

/// Scales the weights by r first, and the row by those.
pub struct ScalesWeights;

impl RmsNorm for ScalesWeights {
    fn row(call: &Call, row: usize) {
        if call.rounding == Rounding::BeforeWeight {
            return Sequential::row(call, row);
        }
        let h: Vec<f32> = (0..call.n).map(|j| call.h(row, j)).collect();
        let mean = h.iter().map(|h| h * h).sum::<f32>() / call.n as f32;
        let r = f64::from(Self::inverse_root(mean + Self::eps(call)));
        for (j, h) in h.into_iter().enumerate() {
            if let Some(residual_out) = call.residual_out {
                residual_out.set([row, j], h);
            }
            // In double: r * w may leave the range of f32 where the element does not.
            let scaled = r * f64::from(call.weight(j));
            call.y.set([row, j], (f64::from(h) * scaled) as f32);
        }
    }
}

/// Rows over threads, and each row's sum in a part for each thread, merged in order.
pub struct OnThreads;

impl RmsNorm for OnThreads {
    fn run(call: &Call) {
        let parts = call.means.threads.min(call.rows);
        side_by_side(parts, |part| {
            (part..call.rows)
                .step_by(parts)
                .for_each(|row| Self::row(call, row));
        });
    }

    fn sum_of_squares(call: &Call, row: usize) -> f32 {
        let size = call.n.div_ceil(call.means.threads);
        let end = |first: usize| call.n.min(first + size);
        let part = |first| {
            (first..end(first))
                .map(|j| call.h(row, j).powi(2))
                .sum::<f32>()
        };
        (0..call.n).step_by(size).map(part).sum()
    }
}

/// Of a weaker class, which may take and leave subnormals as zeros: FTZ and DAZ are on while it works.
#[cfg(target_arch = "x86_64")]
pub struct Flushing;

#[cfg(target_arch = "x86_64")]
impl RmsNorm for Flushing {
    const NUMERICS: u32 = tierwise_abi::c::TW_NUMERICS_BF16_DOT;

    fn run(call: &Call) {
        crate::flushing::flushing(|| (0..call.rows).for_each(|row| Self::row(call, row)));
    }
}

/// Takes its row into the scratch that it asked for, and works on that alone.
pub struct ThroughScratch;

impl RmsNorm for ThroughScratch {
    fn scratch(call: &Call) -> usize {
        call.n * size_of::<f32>()
    }

    fn normaliser(call: &Call, row: usize) -> impl Fn(f32) -> f32 {
        let means = call.means;
        (0..call.n).for_each(|j| means.set(j, call.h(row, j)));
        let sum = (0..call.n).fold(0.0, |sum, j| sum + means.get(j) * means.get(j));
        let r = Self::inverse_root(sum / call.n as f32 + Self::eps(call));
        move |h| h * r
    }
}
