//! Op `rope`, kernel `row_per_token`: one answer, to the last bit, in every tier.
//!
//! 1. Frequencies, once a call: the f64 nearest `theta^(-2i / rotary_dim)` after scaling, from a computation of twice
//!    that precision.
//! 2. A row of cosines and sines, once a token: `position * frequency` in f64, its cosine and sine, times the
//!    attention factor, rounded to f32. Or the row of a table.
//! 3. `a cos - b sin` and `b cos + a sin`: two products rounded to f32, their sum rounded to f32, then one rounding
//!    to the type of y. Elements behind the pairs are copied.
//!
//! All of it is plain arithmetic, never fused. A row serves all heads of its token. In place is safe: both elements
//! of a pair are read before either is written.

mod call;
mod double;
mod elementary;
mod frequencies;
mod plan;
mod rotate;
mod row;
mod sin_cos;

use std::ffi::{CStr, c_void};

use tierwise_abi::c::{
    TW_INVALID, TW_PROMISE_ALL_TIERS, TW_PROMISE_BATCH, TW_PROMISE_FMA_TIERS, TW_PROMISE_PLACEMENT,
    TW_PROMISE_THREADS, TwStatus,
};
use tierwise_abi::rope::RopeCall;

use crate::simd::Simd;
use crate::table::Op;
use plan::{Limits, Plan};

/// The operator's kernel.
pub struct Rope;

impl Op for Rope {
    const OP: &'static CStr = c"rope";
    const KERNEL: &'static CStr = c"row_per_token";
    const PROMISES: u32 = TW_PROMISE_THREADS
        | TW_PROMISE_BATCH
        | TW_PROMISE_PLACEMENT
        | TW_PROMISE_ALL_TIERS
        | TW_PROMISE_FMA_TIERS;
    const SCRATCH: Option<unsafe extern "C" fn(*const c_void) -> u64> = Some(scratch_size);

    unsafe fn run<S: Simd>(s: S, args: *const c_void) -> TwStatus {
        // SAFETY: the caller's word.
        let call = unsafe { RopeCall::read(args) };
        match &call {
            // SAFETY: a call that was read names memory that it may use.
            Ok(call) => unsafe { call::run(s, call, Limits::here()) },
            Err(_) => TW_INVALID,
        }
    }
}

unsafe extern "C" fn scratch_size(args: *const c_void) -> u64 {
    // SAFETY: the caller's word.
    let call = unsafe { RopeCall::read_without_values(args) };
    call.map_or(0, |call| Plan::of(&call, Limits::here()).scratch())
}

#[cfg(test)]
mod tests;
