//! Bugs in how much scratch is asked for.

use super::super::{Call, RmsNorm};

/// ME13: asks for the scratch of one split of the row, and uses that of another: whole groups of 16 elements
/// there, begun ones here. Each part has a cache line for its sum.
///
/// Trigger: threads, a row that is no multiple of 16 and has groups for some of them alone.
pub struct ScratchOfAnotherSplit;

impl RmsNorm for ScratchOfAnotherSplit {
    fn scratch(call: &Call) -> usize {
        64 * call.means.threads.min(call.n / 16).max(1)
    }

    fn sum_of_squares(call: &Call, row: usize) -> f32 {
        let parts = call.means.threads.min(call.n.div_ceil(16));
        for part in 0..parts {
            let elements = call.n * part / parts..call.n * (part + 1) / parts;
            let sum = elements.fold(0.0, |sum, j| sum + call.h(row, j).powi(2));
            call.means.set(16 * part, sum);
        }
        (0..parts).map(|part| call.means.get(16 * part)).sum()
    }
}
