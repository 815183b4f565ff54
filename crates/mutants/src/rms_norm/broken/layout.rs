//! Bugs in where rows lie.

use super::super::{Call, RmsNorm, Sequential};

/// RN25: takes rows of x to follow each other without a gap.
///
/// Trigger: several rows, further apart than they are long.
pub struct RowsAssumedDense;

impl RmsNorm for RowsAssumedDense {
    fn run(call: &Call) {
        let [_, inner] = call.x.strides();
        let x = call.x.with_strides([call.n, inner]);
        Sequential::run(&Call { x, ..*call });
    }
}
