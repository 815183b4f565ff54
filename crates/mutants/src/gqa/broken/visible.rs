//! Bugs in which keys a query sees.

use super::super::{Call, Gqa, Place, State, TwoPass};

/// GQ14: the first query stands at the first key, not the last at the last.
///
/// Trigger: causal, a batch with more keys than queries, or fewer.
pub struct TopLeftAligned;

impl Gqa for TopLeftAligned {
    fn position(_: &Call, at: Place) -> i64 {
        at.query as i64
    }
}

/// GQ50: a batch without keys leaves its rows as they were.
///
/// Trigger: a length of 0.
pub struct SkipsEmpty;

impl Gqa for SkipsEmpty {
    fn write(call: &Call, at: Place, state: &State) {
        if Self::length(call, at.batch) > 0 {
            TwoPass::write(call, at, state);
        }
    }
}
