//! Bugs in frequencies and angles.

use super::super::{Call, Rope};
use crate::float::Float;

/// RP18: takes 10000 for theta.
///
/// Trigger: computed angles, another theta.
pub struct HardCodedTheta;

impl Rope for HardCodedTheta {
    fn theta(_: &Call) -> f64 {
        1e4
    }
}

/// RP11: holds positions in the type of x: in bf16, 257 is 256.
///
/// Trigger: bf16, computed angles, a position above 256.
pub struct PositionInBf16;

impl Rope for PositionInBf16 {
    fn angle(call: &Call, position: i32, frequency: f64) -> f64 {
        let position = match call.x.dtype() {
            Float::Bf16 => f64::from(Float::Bf16.round(position as f32)),
            _ => f64::from(position),
        };
        position * frequency
    }
}
