//! Bugs in frequencies and angles.

use super::super::{Call, Rope};

/// RP18: takes 10000 for theta.
///
/// Trigger: computed angles, another theta.
pub struct HardCodedTheta;

impl Rope for HardCodedTheta {
    fn theta(_: &Call) -> f64 {
        1e4
    }
}
