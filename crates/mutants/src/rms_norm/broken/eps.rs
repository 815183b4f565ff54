//! Bugs in what becomes of eps.

use super::super::{Call, RmsNorm};

/// Trigger: an eps that counts beside the mean square; a row of zeros above all.
pub struct IgnoresEps;

impl RmsNorm for IgnoresEps {
    fn eps(_: &Call) -> f32 {
        0.0
    }
}

/// RN09: takes 1e-6 for eps, whatever the model says.
///
/// Trigger: another eps, where it counts beside the mean square.
pub struct HardCodedEps;

impl RmsNorm for HardCodedEps {
    fn eps(_: &Call) -> f32 {
        1e-6
    }
}

/// RN10: adds eps to the root: h / (sqrt(ms) + eps).
///
/// Trigger: a mean square that is small beside 1, with an eps that counts.
pub struct EpsOutsideRoot;

impl RmsNorm for EpsOutsideRoot {
    fn normaliser(call: &Call, row: usize) -> impl Fn(f32) -> f32 {
        let mean = Self::sum_of_squares(call, row) / call.n as f32;
        let r = 1.0 / (mean.sqrt() + Self::eps(call));
        move |h| h * r
    }
}
