//! Bugs in scores, their largest and their exponentials.

use tierwise_abi::c::TW_PROMISE_BATCH;

use super::super::{Call, Gqa, Place, Reversed, Scored, State, TwoPass};
use crate::float::Float;

/// GQ37: an exponential that adds its exponent to the bits without asking whether there is room.
///
/// Trigger: a score more than 88 below the largest.
pub struct ExpWraps;

impl Gqa for ExpWraps {
    fn exp(x: f32) -> f32 {
        exp_by_bits(x)
    }

    fn rescale(state: &mut State, max: f32) {
        // Nothing to rescale: not what this is about.
        if state.max == f32::NEG_INFINITY {
            state.max = max;
        }
        TwoPass::rescale(state, max);
    }
}

/// e^x for -87 < x <= 0, within an ulp or so: x = n ln 2 + r, a polynomial of r, n added to its exponent.
fn exp_by_bits(x: f32) -> f32 {
    // ln 2 in two parts: the first has so few bits that n times it is exact (fdlibm's expf).
    const LN2: [f32; 2] = [f32::from_bits(0x3f31_7200), f32::from_bits(0x35bf_be8e)];
    let n = (x * std::f32::consts::LOG2_E).round_ties_even();
    let r = n.mul_add(-LN2[1], n.mul_add(-LN2[0], x));
    // Taylor: what is left out is below 6e-9 for |r| <= ln 2 / 2.
    let power = (1..=7).rev().fold(1.0, |sum, k| 1.0 + sum * r / k as f32);
    let bits = power.to_bits() as i32;
    f32::from_bits(bits.wrapping_add((n as i32).wrapping_shl(23)) as u32)
}

/// GQ41: the largest score of sixteen and more is taken by an instruction that keeps a NaN; the exponentials
/// then drop it by their clamp, and all weights are 0.
///
/// Trigger: a NaN among 16 live scores or more.
pub struct MaxKeepsNan;

impl Gqa for MaxKeepsNan {
    fn absorb(call: &Call, at: Place, state: &mut State, live: &[Scored]) {
        let vectors = live.len() >= 16;
        if vectors && live.iter().any(|scored| scored.score.is_nan()) {
            // exp(clamp(score - NaN)) is 0 for every key.
            state.max = f32::NAN;
            return;
        }
        TwoPass::absorb(call, at, state, live);
    }
}

/// GQ57: the scale is that of the head's width rounded up to a power of two.
///
/// Trigger: a width that is no power of two.
pub struct ScaleOfPaddedWidth;

impl Gqa for ScaleOfPaddedWidth {
    fn scale(call: &Call) -> f32 {
        call.scale * (call.width as f32 / call.width.next_power_of_two() as f32).sqrt()
    }
}

/// DS13: built with -ffinite-math-only, tests for infinity are gone: a mask of -inf is a score like any other,
/// and the exponential's clamp gives it the smallest weight instead of none.
///
/// Trigger: a mask of -inf, over a whole row above all.
pub struct FiniteMathOnly;

impl Gqa for FiniteMathOnly {
    fn live(call: &Call, at: Place, block: std::ops::Range<usize>) -> Vec<Scored> {
        let visible = block.filter(|&key| Self::is_visible(call, at, key));
        let score = |key| Self::score(call, at, key, Self::mask(call, at, key));
        visible
            .map(|key| Scored {
                key,
                score: score(key),
            })
            .collect()
    }

    fn exp(x: f32) -> f32 {
        // As maxps has it: the bound, where x is NaN.
        let clamped = if x > -87.3 { x } else { -87.3 };
        clamped.exp()
    }
}

/// GQ35: adds up weighted values in f16.
///
/// Trigger: any two keys.
pub struct AddsInF16;

impl Gqa for AddsInF16 {
    fn add_value(sum: f32, weight: f32, value: f32) -> f32 {
        Float::F16.round(sum + weight * value)
    }
}

/// GQ42: the largest score begins at 0.
///
/// Trigger: scores so far below 0 that exp underflows.
pub struct MaxFromZero;

impl Gqa for MaxFromZero {
    fn start(call: &Call) -> State {
        State {
            max: 0.0,
            ..TwoPass::start(call)
        }
    }
}

/// GQ53: 16 queries and more take another kernel, with another order of summation, though the bits are
/// promised not to depend on what else is in the call.
///
/// Trigger: a query that is asked among 16, and among fewer.
pub struct OrderByBatch;

impl Gqa for OrderByBatch {
    const PROMISES: u32 = TW_PROMISE_BATCH;

    fn dot(call: &Call, at: Place, key: usize) -> f32 {
        if call.batches * call.queries < 16 {
            TwoPass::dot(call, at, key)
        } else {
            Reversed::dot(call, at, key)
        }
    }
}
