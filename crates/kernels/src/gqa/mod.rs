//! Op `gqa`, kernel `blocks_of_256`: one answer, to the last bit, however it is asked. Of each query and head:
//!
//! 1. Scores: the dot product, elements in ascending order from +0; times the scale; capped, by an own tanh; plus the
//!    mask. Each step is rounded.
//! 2. Keys in blocks of 256, counted from key 0. Of a block with a live key, on its own: m, the greatest live score
//!    that is not NaN, or 0; weights, exp(score - m), or +0 where not live; their sum in 16 lanes, key j to lane
//!    j mod 16, ascending, then lanes i and i + 8, + 4, + 2, + 1; weighted values, added in ascending order from +0.
//! 3. Blocks joined in ascending order: M' = max(M, m), and sums times exp(M - M') plus those of the block, rounded
//!    after they were multiplied by exp(m - M').
//! 4. Sums times 1 / total, plus +0, rounded to the type of out.
//!
//! Where something is multiplied and added, the two are fused in the tiers that have FMA. Lanes are keys in 1 and 2,
//! and elements of the value in its sums and in 3, so no width enters. A block depends on nothing beside it: threads,
//! chunks of queries, pages and the keys behind a length change no operation.

mod attend;
mod call;
mod direct;
mod exp;
mod item;
mod panel;
mod plan;
mod queries;
mod scores;
mod state;
mod tanh;
mod tile;
mod values;
mod weights;

use std::ffi::{CStr, c_void};

use tierwise_abi::c::{
    TW_INVALID, TW_PROMISE_BATCH, TW_PROMISE_FMA_TIERS, TW_PROMISE_PLACEMENT, TW_PROMISE_THREADS,
    TwStatus,
};
use tierwise_abi::gqa::GqaCall;

use crate::simd::Simd;
use crate::table::Op;
use plan::{Limits, Plan};

/// The operator's kernel.
pub struct Gqa;

impl Op for Gqa {
    const OP: &'static CStr = c"gqa";
    const KERNEL: &'static CStr = c"blocks_of_256";
    const PROMISES: u32 =
        TW_PROMISE_THREADS | TW_PROMISE_BATCH | TW_PROMISE_PLACEMENT | TW_PROMISE_FMA_TIERS;
    const SCRATCH: Option<unsafe extern "C" fn(*const c_void) -> u64> = Some(scratch_size);

    unsafe fn run<S: Simd>(s: S, args: *const c_void) -> TwStatus {
        // SAFETY: the caller's word.
        let call = unsafe { GqaCall::read(args) };
        match &call {
            // SAFETY: a call that was read names memory that it may use.
            Ok(call) => unsafe { call::run(s, call, Limits::usual()) },
            Err(_) => TW_INVALID,
        }
    }
}

unsafe extern "C" fn scratch_size(args: *const c_void) -> u64 {
    // SAFETY: the caller's word.
    let call = unsafe { GqaCall::read_without_values(args) };
    call.map_or(0, |call| Plan::of(&call, Limits::usual()).scratch())
}

#[cfg(test)]
mod tests;
