//! Bugs in what a row is multiplied with, and where it is rounded.

use super::super::{Call, RmsNorm};

/// RN12: multiplies by the weight twice.
///
/// Trigger: a weight other than 1.
pub struct WeightTwice;

impl RmsNorm for WeightTwice {
    fn weighted(call: &Call, normalised: f32, weight: f32) -> f32 {
        super::super::Sequential::weighted(call, normalised, weight) * weight
    }
}

/// RN13: rounds to storage before the weight, whatever the call says.
///
/// Trigger: 16 bits, rounding "once", a weight.
pub struct RoundsBeforeWeight;

impl RmsNorm for RoundsBeforeWeight {
    fn weighted(call: &Call, normalised: f32, weight: f32) -> f32 {
        call.y.dtype().round(normalised) * weight
    }
}

/// RN11: divides by the inverse root instead of multiplying.
///
/// Trigger: a root mean square other than 1.
pub struct DividesByInverse;

impl RmsNorm for DividesByInverse {
    fn inverse_root(value: f32) -> f32 {
        value.sqrt()
    }
}
