//! Bugs of kernels that take keys block by block.

use std::ops::Range;

use super::super::correct::blocks_of;
use super::super::{Call, Gqa, Place, Scored, State, TwoPass};

/// Keys that are taken at a time.
const BLOCK: usize = 64;

/// GQ03: a first block without a live key leaves 0 as the largest score, and no negative one lowers it.
///
/// Trigger: a first block without a live key, and scores so far below 0 that exp underflows.
pub struct FirstMaxOfNothing;

impl Gqa for FirstMaxOfNothing {
    fn blocks(length: usize) -> impl Iterator<Item = Range<usize>> {
        blocks_of(BLOCK, length)
    }

    fn absorb(call: &Call, at: Place, state: &mut State, live: &[Scored]) {
        if live.is_empty() && state.max == f32::NEG_INFINITY {
            state.max = 0.0;
        }
        TwoPass::absorb(call, at, state, live);
    }
}

/// GQ05: a block without a live key before any other is rescaled like all, by exp(-inf - -inf).
///
/// Trigger: a first block without a live key.
pub struct RescalesNothing;

impl Gqa for RescalesNothing {
    fn blocks(length: usize) -> impl Iterator<Item = Range<usize>> {
        blocks_of(BLOCK, length)
    }

    fn absorb(call: &Call, at: Place, state: &mut State, live: &[Scored]) {
        if live.is_empty() {
            let max = live
                .iter()
                .fold(state.max, |max, scored| Self::larger(max, scored.score));
            let factor = Self::exp(state.max - max);
            state.sum *= factor;
            state.mix.iter_mut().for_each(|sum| *sum *= factor);
        }
        TwoPass::absorb(call, at, state, live);
    }
}

/// GQ08: the last block is filled up with scores of -inf, which the softcap then makes -softcap: keys that
/// there are none of have a weight.
///
/// Trigger: a softcap, no mask, keys that are no multiple of the block.
pub struct CapsPadding;

impl Gqa for CapsPadding {
    fn blocks(length: usize) -> impl Iterator<Item = Range<usize>> {
        blocks_of(BLOCK, length)
    }

    fn row(call: &Call, at: Place) {
        let mut state = Self::start(call);
        let length = Self::length(call, at.batch);
        for block in Self::blocks(length) {
            let padding = BLOCK - block.len();
            let live = Self::live(call, at, block);
            Self::absorb(call, at, &mut state, &live);
            if call.softcap > 0.0 && call.mask.is_none() && !live.is_empty() {
                let score = Self::capped(call, f32::NEG_INFINITY);
                state.sum += padding as f32 * Self::exp(score - state.max);
            }
        }
        Self::write(call, at, &state);
    }
}

/// GQ09: loads all values of a block and gives those that do not count the weight 0: 0 * NaN is NaN.
///
/// Trigger: a NaN or an infinity in a value that is not live.
pub struct WeighsDeadValues;

impl Gqa for WeighsDeadValues {
    fn row(call: &Call, at: Place) {
        let mut state = Self::start(call);
        let length = Self::length(call, at.batch);
        let room = if call.block_table.is_none() {
            call.capacity
        } else {
            length
        };
        let kv_head = Self::kv_head(call, at.head);
        for block in blocks_of(BLOCK, room.min(length.next_multiple_of(BLOCK))) {
            let live = Self::live(call, at, block.clone());
            Self::absorb(call, at, &mut state, &live);
            let dead = block.filter(|&key| !live.iter().any(|scored| scored.key == key));
            for key in dead.filter(|_| !live.is_empty()) {
                let slot = Self::slot(call, at.batch, key);
                for d in 0..call.width {
                    let value = Self::value(call, slot, kv_head, d);
                    state.mix[d] = Self::add_value(state.mix[d], 0.0, value);
                }
            }
        }
        Self::write(call, at, &state);
    }
}

/// GQ59: a new largest score rescales the sum of weights, and not the sums of values.
///
/// Trigger: more keys than a block, a largest score that grows after the first.
pub struct RescalesHalf;

impl Gqa for RescalesHalf {
    fn blocks(length: usize) -> impl Iterator<Item = Range<usize>> {
        blocks_of(BLOCK, length)
    }

    fn rescale(state: &mut State, max: f32) {
        if max > state.max {
            state.sum *= Self::exp(state.max - max);
            state.max = max;
        }
    }
}

/// GQ02: the old largest score is the new one already when the factor between them is computed: always 1.
///
/// Trigger: more keys than a block, a largest score that grows after the first.
pub struct FactorOfOne;

impl Gqa for FactorOfOne {
    fn blocks(length: usize) -> impl Iterator<Item = Range<usize>> {
        blocks_of(BLOCK, length)
    }

    fn rescale(state: &mut State, max: f32) {
        if max > state.max {
            state.max = max;
        }
    }
}
