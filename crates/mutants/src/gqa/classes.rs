//! Correct kernels of weaker numerics classes. A harness that fails one of them is wrong; so is one that passes it
//! as F32.

use std::marker::PhantomData;

#[cfg(target_arch = "x86_64")]
use tierwise_abi::c::TW_NUMERICS_BF16_DOT;
use tierwise_abi::c::{TW_NUMERICS_F16_ACCUMULATE, TW_NUMERICS_F16_DOT};

use super::{Call, Gqa, Place, Scored, State, TwoPass};
use crate::float::Float;

/// What a class does to numbers on their way through both matrix products.
pub trait Class {
    /// `TW_NUMERICS_*`.
    const NUMERICS: u32;

    /// An operand of a product.
    fn operand(value: f32) -> f32;

    /// A sum of products, after every addition.
    fn held(sum: f32) -> f32 {
        sum
    }

    /// Does the work in an environment of its own.
    fn surround(work: impl FnOnce()) {
        work();
    }
}

/// The plain kernel in the arithmetic of a class.
pub struct Rounded<C>(PhantomData<C>);

impl<C: Class> Gqa for Rounded<C> {
    const NUMERICS: u32 = C::NUMERICS;

    fn run(call: &Call) {
        C::surround(|| {
            for at in places(call) {
                Self::row(call, at);
            }
        });
    }

    fn dot(call: &Call, at: Place, key: usize) -> f32 {
        let slot = Self::slot(call, at.batch, key);
        let kv_head = Self::kv_head(call, at.head);
        (0..call.width).fold(0.0, |sum, d| {
            C::held(sum + Self::query(call, at, d) * Self::key(call, slot, kv_head, d))
        })
    }

    fn query(call: &Call, at: Place, d: usize) -> f32 {
        C::operand(TwoPass::query(call, at, d))
    }

    fn key(call: &Call, slot: [usize; 2], kv_head: usize, d: usize) -> f32 {
        C::operand(TwoPass::key(call, slot, kv_head, d))
    }

    fn value(call: &Call, slot: [usize; 2], kv_head: usize, d: usize) -> f32 {
        C::operand(TwoPass::value(call, slot, kv_head, d))
    }

    fn add_value(sum: f32, weight: f32, value: f32) -> f32 {
        C::held(sum + C::operand(weight) * value)
    }
}

fn places(call: &Call) -> impl Iterator<Item = Place> {
    let [batches, queries, heads] = [call.batches, call.queries, call.heads];
    (0..batches * queries * heads).map(move |row| Place {
        batch: row / heads / queries,
        query: row / heads % queries,
        head: row % heads,
    })
}

/// An f16 whose subnormals are zeros, as a CPU with FZ16 has it.
fn flushed_f16(value: f32) -> f32 {
    let rounded = Float::F16.round(value);
    if rounded.abs() < LEAST_F16 {
        0.0 * rounded
    } else {
        rounded
    }
}

/// The least normal f16: 2^-14.
const LEAST_F16: f32 = 1.0 / (1 << 14) as f32;

/// Operands in bf16, with FTZ and DAZ on.
#[cfg(target_arch = "x86_64")]
pub struct FlushingBf16;

#[cfg(target_arch = "x86_64")]
impl Class for FlushingBf16 {
    const NUMERICS: u32 = TW_NUMERICS_BF16_DOT;

    fn operand(value: f32) -> f32 {
        Float::Bf16.round(value)
    }

    fn surround(work: impl FnOnce()) {
        crate::flushing::flushing(work);
    }
}

/// Operands in f16.
pub struct F16;

impl Class for F16 {
    const NUMERICS: u32 = TW_NUMERICS_F16_DOT;

    fn operand(value: f32) -> f32 {
        Float::F16.round(value)
    }
}

/// Operands and sums in f16, without subnormals.
pub struct FlushingF16;

impl Class for FlushingF16 {
    const NUMERICS: u32 = TW_NUMERICS_F16_ACCUMULATE;

    fn operand(value: f32) -> f32 {
        flushed_f16(value)
    }

    fn held(sum: f32) -> f32 {
        flushed_f16(sum)
    }
}

/// As the class's name says.
#[cfg(target_arch = "x86_64")]
pub type Bf16Dot = Rounded<FlushingBf16>;
/// As the class's name says.
pub type F16Dot = Rounded<F16>;
/// As the class's name says.
pub type F16Accumulate = Rounded<FlushingF16>;

/// Weights that add up to 1 before they are made operands in f16, without subnormals: many of them are zeros then.
pub struct F16DotOfShares;

impl Gqa for F16DotOfShares {
    const NUMERICS: u32 = TW_NUMERICS_F16_DOT;

    fn dot(call: &Call, at: Place, key: usize) -> f32 {
        F16Dot::dot(call, at, key)
    }

    fn row(call: &Call, at: Place) {
        let live = Self::live(call, at, 0..Self::length(call, at.batch));
        let max = live.iter().fold(f32::NEG_INFINITY, |max, scored| {
            Self::larger(max, scored.score)
        });
        let weight = |scored: &Scored| Self::exp(scored.score - max);
        let sum: f32 = live.iter().map(weight).sum();
        let kv_head = Self::kv_head(call, at.head);
        let mut state = State {
            sum: 1.0,
            ..Self::start(call)
        };
        for scored in &live {
            let share = flushed_f16(weight(scored) / sum);
            let slot = Self::slot(call, at.batch, scored.key);
            for d in 0..call.width {
                let value = flushed_f16(Self::value(call, slot, kv_head, d));
                state.mix[d] = Self::add_value(state.mix[d], share, value);
            }
        }
        Self::write(call, at, &state);
    }
}
