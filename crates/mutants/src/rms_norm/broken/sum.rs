//! Bugs in the sum of squares.

use super::super::{Call, RmsNorm};
use crate::float::Float;

/// RN05: squares an f16 as f16, before widening: beyond 255 the square is infinite.
///
/// The rounding that comes with it is left out: it would show in every row, and hide the overflow.
///
/// Trigger: f16, an element whose square is beyond 65504.
pub struct SquareOverflowsF16;

impl RmsNorm for SquareOverflowsF16 {
    fn sum_of_squares(call: &Call, row: usize) -> f32 {
        sum_of(call, row, |square| {
            let overflows = call.x.dtype() == Float::F16 && Float::F16.round(square).is_infinite();
            if overflows { f32::INFINITY } else { square }
        })
    }
}

/// RN23: one mean square for the whole buffer, as if it were one row.
///
/// Trigger: several rows that differ in magnitude.
pub struct OneMeanForAllRows;

impl RmsNorm for OneMeanForAllRows {
    fn normaliser(call: &Call, _: usize) -> impl Fn(f32) -> f32 {
        let sum: f32 = (0..call.rows)
            .map(|row| Self::sum_of_squares(call, row))
            .sum();
        let r = Self::inverse_root(sum / (call.rows * call.n) as f32 + Self::eps(call));
        move |h| h * r
    }
}

/// The sum of squares, each taken through `step` before it is added.
fn sum_of(call: &Call, row: usize, step: impl Fn(f32) -> f32) -> f32 {
    (0..call.n).fold(0.0, |sum, j| {
        let h = call.h(row, j);
        sum + step(h * h)
    })
}

/// RN07: squares an f16 as f16: what is below half its smallest number becomes 0.
///
/// As in [`SquareOverflowsF16`], the rounding of other squares is left out.
///
/// Trigger: f16, elements below 1.7e-4 that count beside eps and each other.
pub struct SquareUnderflowsF16;

impl RmsNorm for SquareUnderflowsF16 {
    fn sum_of_squares(call: &Call, row: usize) -> f32 {
        sum_of(call, row, |square| {
            let vanishes = call.x.dtype() == Float::F16 && Float::F16.round(square) == 0.0;
            if vanishes { 0.0 } else { square }
        })
    }
}

/// RN17: of 32 partial sums as many are added as the last, partial group of elements has.
///
/// Trigger: more than 32 elements, and no multiple of it.
pub struct PartialSumsDropped;

impl RmsNorm for PartialSumsDropped {
    fn sum_of_squares(call: &Call, row: usize) -> f32 {
        let mut sums = [0.0_f32; 32];
        for j in 0..call.n {
            sums[j % 32] += call.h(row, j).powi(2);
        }
        let of_last_group = (call.n - 1) % 32 + 1;
        sums[..of_last_group].iter().sum()
    }
}
