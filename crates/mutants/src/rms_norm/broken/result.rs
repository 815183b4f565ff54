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

/// ME20: takes rows two at a time, and has no code for the last of an odd number.
///
/// Trigger: an odd number of rows above 1.
pub struct LastRowSkipped;

impl RmsNorm for LastRowSkipped {
    fn run(call: &Call) {
        let rows = if call.rows > 1 {
            call.rows & !1
        } else {
            call.rows
        };
        (0..rows).for_each(|row| Self::row(call, row));
    }
}
