//! Bugs in where pairs and outputs lie.

use super::super::{Call, Rope};

/// RP04: takes neighbours for a pair where halves are meant, and the other way around.
///
/// Trigger: more than one pair, a position other than 0.
pub struct OtherPairing;

impl Rope for OtherPairing {
    fn pair(call: &Call, pair: usize) -> [usize; 2] {
        if call.interleaved {
            [pair, pair + call.pairs]
        } else {
            [2 * pair, 2 * pair + 1]
        }
    }
}

/// RP06: finds the outputs by the strides of x. Right in place.
///
/// Trigger: strides of y unlike those of x.
pub struct InputStridesForOutput;

impl Rope for InputStridesForOutput {
    fn run(call: &Call) {
        let y = call.y.with_strides(call.x.strides());
        super::super::Plain::run(&Call { y, ..*call });
    }
}
