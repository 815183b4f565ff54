//! Bugs in which keys a query sees.

use super::super::{Call, Gqa, Place, Scored, State, TwoPass};

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

/// GQ07: what is not live has the score -1e30: where no key is live, all have the same, and the mean of the
/// values comes out.
///
/// Trigger: a row without a live key, in a batch that has keys.
pub struct MeanOfMasked;

impl Gqa for MeanOfMasked {
    fn row(call: &Call, at: Place) {
        let keys = 0..Self::length(call, at.batch);
        let mut live = Self::live(call, at, keys.clone());
        if live.is_empty() {
            live = keys.map(|key| Scored { key, score: -1e30 }).collect();
        }
        let mut state = Self::start(call);
        Self::absorb(call, at, &mut state, &live);
        Self::write(call, at, &state);
    }
}

/// GQ12: a window of one key more.
///
/// Trigger: a window, more keys than it has.
pub struct WindowOneMore;

impl Gqa for WindowOneMore {
    fn is_visible(call: &Call, at: Place, key: usize) -> bool {
        let window = if call.window == 0 { 0 } else { call.window + 1 };
        TwoPass::is_visible(&Call { window, ..*call }, at, key)
    }
}
