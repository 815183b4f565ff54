//! Bugs of kernels that go over a row more than once.

use super::super::{Call, RmsNorm};

/// ME08: a first pass writes residual_out, a second adds x and residual again. In place the residual is then
/// the sum already.
///
/// Trigger: residual_out = residual.
pub struct ReadsWhatItOverwrote;

impl RmsNorm for ReadsWhatItOverwrote {
    fn row(call: &Call, row: usize) {
        if let Some(residual_out) = call.residual_out {
            for j in 0..call.n {
                residual_out.set([row, j], call.h(row, j));
            }
        }
        let normalise = Self::normaliser(call, row);
        for j in 0..call.n {
            let y = Self::weighted(call, normalise(call.h(row, j)), call.weight(j));
            call.y.set([row, j], y);
        }
    }
}
