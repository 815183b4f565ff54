//! GQA: a plain kernel, cut where a variant may differ from it.

mod broken;
mod call;
mod classes;
mod correct;
#[cfg(test)]
mod tests;

use std::ffi::c_void;
use std::ops::Range;

use tierwise_abi::c::{TW_NUMERICS_F32, TW_OK, TwStatus};

pub use broken::*;
pub use call::{Call, Place};
pub use classes::*;
pub use correct::*;

use crate::tensor::Refusal;

/// A live key and its score.
#[derive(Clone, Copy, Debug)]
pub struct Scored {
    /// Counted from the first of its batch.
    pub key: usize,
    /// Scaled, capped, masked.
    pub score: f32,
}

/// What a row knows after some of its keys.
#[derive(Clone, Debug)]
pub struct State {
    /// The largest score so far.
    pub max: f32,
    /// The sum of the weights exp(score - max).
    pub sum: f32,
    /// The sums of weighted values, one an element of a head.
    pub mix: Vec<f32>,
}

/// The plain kernel. A variant overrides the step that it does in another way, and keeps the rest.
///
/// The steps of one row, from the outside in: [`run`](Self::run), [`row`](Self::row); which keys:
/// [`blocks`](Self::blocks), [`live`](Self::live), [`keys`](Self::keys), [`is_visible`](Self::is_visible),
/// [`length`](Self::length), [`position`](Self::position); their scores: [`score`](Self::score), [`dot`](Self::dot),
/// [`scale`](Self::scale), [`capped`](Self::capped), [`mask`](Self::mask); where they lie:
/// [`kv_head`](Self::kv_head), [`slot`](Self::slot), [`key`](Self::key), [`value`](Self::value); the running
/// softmax: [`start`](Self::start), [`absorb`](Self::absorb), [`larger`](Self::larger),
/// [`rescale`](Self::rescale), [`exp`](Self::exp), [`add_weight`](Self::add_weight),
/// [`add_value`](Self::add_value), and for parts that were made apart, [`merge`](Self::merge);
/// [`finish`](Self::finish).
pub trait Gqa {
    /// Promises of bits.md.
    const PROMISES: u32 = 0;

    /// Numerics class.
    const NUMERICS: u32 = TW_NUMERICS_F32;

    /// Bytes of scratch that a call needs.
    fn scratch(_: &Call) -> usize {
        0
    }

    /// Whether the values of lengths and block table are what the contract asks for.
    fn accepts(call: &Call) -> bool {
        call.lengths_fit() && call.blocks_exist()
    }

    /// The whole call.
    fn run(call: &Call) {
        for batch in 0..call.batches {
            for query in 0..call.queries {
                for head in 0..call.heads {
                    Self::row(call, Place { batch, query, head });
                }
            }
        }
    }

    /// One row.
    fn row(call: &Call, at: Place) {
        let mut state = Self::start(call);
        for block in Self::blocks(Self::length(call, at.batch)) {
            let live = Self::live(call, at, block);
            Self::absorb(call, at, &mut state, &live);
        }
        Self::write(call, at, &state);
    }

    /// Writes a row's result.
    fn write(call: &Call, at: Place, state: &State) {
        for d in 0..call.width {
            let value = Self::finish(state, d);
            call.out.set([at.batch, at.query, at.head, d], value);
        }
    }

    /// How so many keys are cut into blocks, in the order in which they are taken.
    fn blocks(length: usize) -> impl Iterator<Item = Range<usize>> {
        std::iter::once(0..length)
    }

    /// The live keys of a block with their scores, in the order in which they are taken.
    fn live(call: &Call, at: Place, block: Range<usize>) -> Vec<Scored> {
        Self::keys(call, at, block)
            .into_iter()
            .map(|(key, mask)| Scored {
                key,
                score: Self::score(call, at, key, mask),
            })
            .collect()
    }

    /// The live keys of a block, and what the mask adds to each one's score.
    fn keys(call: &Call, at: Place, block: Range<usize>) -> Vec<(usize, f32)> {
        block
            .filter(|&key| Self::is_visible(call, at, key))
            .map(|key| (key, Self::mask(call, at, key)))
            .filter(|&(_, mask)| mask != f32::NEG_INFINITY)
            .collect()
    }

    /// Whether a query sees a key, but for the mask.
    fn is_visible(call: &Call, at: Place, key: usize) -> bool {
        let position = Self::position(call, at);
        let key = key as i64;
        key < Self::length(call, at.batch) as i64
            && (!call.causal || key <= position)
            && (call.window == 0 || key > position - call.window as i64)
    }

    /// Keys of a batch.
    fn length(call: &Call, batch: usize) -> usize {
        call.length(batch)
    }

    /// Which key is the query's own: the last query's is the last key.
    fn position(call: &Call, at: Place) -> i64 {
        Self::length(call, at.batch) as i64 - call.queries as i64 + at.query as i64
    }

    /// The score of a key.
    fn score(call: &Call, at: Place, key: usize, mask: f32) -> f32 {
        Self::capped(call, Self::dot(call, at, key) * Self::scale(call)) + mask
    }

    /// The inner product of the query and a key.
    fn dot(call: &Call, at: Place, key: usize) -> f32 {
        let (slot, kv_head) = (
            Self::slot(call, at.batch, key),
            Self::kv_head(call, at.head),
        );
        (0..call.width).fold(0.0, |sum, d| {
            sum + Self::query(call, at, d) * Self::key(call, slot, kv_head, d)
        })
    }

    /// The factor of all inner products.
    fn scale(call: &Call) -> f32 {
        call.scale
    }

    /// A scaled score under the softcap.
    fn capped(call: &Call, score: f32) -> f32 {
        if call.softcap > 0.0 {
            call.softcap * (score / call.softcap).tanh()
        } else {
            score
        }
    }

    /// What is added to a score; 0 without a mask.
    fn mask(call: &Call, at: Place, key: usize) -> f32 {
        call.mask.map_or(0.0, |mask| {
            let [batches, heads, _, _] = mask.shape();
            let batch = if batches == 1 { 0 } else { at.batch };
            let head = if heads == 1 { 0 } else { at.head };
            mask.get([batch, head, at.query, key])
        })
    }

    /// The kv head of a query head.
    fn kv_head(call: &Call, head: usize) -> usize {
        head / (call.heads / call.kv_heads)
    }

    /// Where a key of a batch lies in k and v: its first two indices there.
    fn slot(call: &Call, batch: usize, key: usize) -> [usize; 2] {
        call.slot(batch, key)
    }

    /// An element of the query.
    fn query(call: &Call, at: Place, d: usize) -> f32 {
        call.q.get([at.batch, at.query, at.head, d])
    }

    /// An element of a key.
    fn key(call: &Call, [outer, inner]: [usize; 2], kv_head: usize, d: usize) -> f32 {
        call.k.get([outer, inner, kv_head, d])
    }

    /// An element of a value.
    fn value(call: &Call, [outer, inner]: [usize; 2], kv_head: usize, d: usize) -> f32 {
        call.v.get([outer, inner, kv_head, d])
    }

    /// What is known before the first key.
    fn start(call: &Call) -> State {
        State {
            max: f32::NEG_INFINITY,
            sum: 0.0,
            mix: vec![0.0; call.width],
        }
    }

    /// Takes in some keys.
    fn absorb(call: &Call, at: Place, state: &mut State, live: &[Scored]) {
        if live.is_empty() {
            return;
        }
        let max = live
            .iter()
            .fold(state.max, |max, scored| Self::larger(max, scored.score));
        Self::rescale(state, max);
        let kv_head = Self::kv_head(call, at.head);
        for &Scored { key, score } in live {
            let weight = Self::exp(score - max);
            let slot = Self::slot(call, at.batch, key);
            state.sum = Self::add_weight(state.sum, weight);
            for d in 0..call.width {
                let value = Self::value(call, slot, kv_head, d);
                state.mix[d] = Self::add_value(state.mix[d], weight, value);
            }
        }
    }

    /// The larger of the largest score so far and another. A NaN is none.
    fn larger(max: f32, score: f32) -> f32 {
        if score > max { score } else { max }
    }

    /// Makes sums of weights under one largest score those under another.
    fn rescale(state: &mut State, max: f32) {
        if max > state.max {
            let factor = Self::exp(state.max - max);
            state.sum *= factor;
            for sum in &mut state.mix {
                *sum *= factor;
            }
            state.max = max;
        }
    }

    /// e^x, for x <= 0 or NaN.
    fn exp(x: f32) -> f32 {
        x.exp()
    }

    /// The sum of weights with one more.
    fn add_weight(sum: f32, weight: f32) -> f32 {
        sum + weight
    }

    /// A sum of weighted values with one more.
    fn add_value(sum: f32, weight: f32, value: f32) -> f32 {
        sum + weight * value
    }

    /// Adds to a state one that was made apart from it.
    fn merge(state: &mut State, mut other: State) {
        let max = Self::larger(state.max, other.max);
        Self::rescale(state, max);
        Self::rescale(&mut other, max);
        state.sum += other.sum;
        for (sum, more) in state.mix.iter_mut().zip(other.mix) {
            *sum += more;
        }
    }

    /// An element of the output, before the last rounding. No live key: the sums are still what they began as.
    fn finish(state: &State, d: usize) -> f32 {
        if state.sum == 0.0 {
            0.0
        } else {
            state.mix[d] / state.sum
        }
    }
}

/// Validates the arguments and runs a variant on them.
///
/// # Safety
/// `args` points to a `tw_gqa_args` whose tensors hold what they say until the call returns.
pub unsafe fn run<Variant: Gqa>(args: *const c_void) -> TwStatus {
    // SAFETY: the caller's condition.
    let read = unsafe { Call::read(args) };
    let checked = read.and_then(|call| {
        Refusal::Invalid.unless(Variant::accepts(&call))?;
        call.means.suffice(Variant::scratch(&call))?;
        Ok(call)
    });
    match checked {
        Ok(call) => {
            Variant::run(&call);
            TW_OK
        }
        Err(refusal) => refusal.status(),
    }
}

/// Bytes of scratch that a variant needs for a call; 0 where it refuses.
///
/// # Safety
/// As [`run`].
pub unsafe fn scratch_size<Variant: Gqa>(args: *const c_void) -> usize {
    // SAFETY: the caller's condition.
    unsafe { Call::read(args) }.map_or(0, |call| Variant::scratch(&call))
}

/// A variant's promises.
pub const fn promises<Variant: Gqa>() -> u32 {
    Variant::PROMISES
}

/// A variant's numerics class.
pub const fn numerics<Variant: Gqa>() -> u32 {
    Variant::NUMERICS
}
