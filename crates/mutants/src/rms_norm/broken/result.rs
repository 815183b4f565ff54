//! Bugs that leave an answer which a careless comparison takes for right.

use super::super::{Call, RmsNorm};

/// Trigger: any element.
pub struct ReturnsNan;

impl RmsNorm for ReturnsNan {
    fn weighted(_: &Call, _: f32, _: f32) -> f32 {
        f32::NAN
    }
}

/// Trigger: any element.
pub struct WritesNothing;

impl RmsNorm for WritesNothing {
    fn run(_: &Call) {}
}
