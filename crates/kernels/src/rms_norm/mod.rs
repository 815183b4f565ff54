//! Op `rms_norm`, kernel `lanes32`: one answer, to the last bit, in every tier.
//!
//! 1. `h = x`, or `x + residual` in f32.
//! 2. The sum of `h * h`: element i goes to lane i mod 32 of an accumulator that begins at +0, multiply, then
//!    add, ascending; then lane i plus lane i + 16, + 8, + 4, + 2, + 1. All in f32.
//! 3. `r = 1 / sqrt(sum / n + eps)`: every operation in f64, then one rounding to f32. Nothing overflows or
//!    underflows in between, and every n and eps is taken exactly. A sum that overflowed makes r = 0.
//! 4. `y = round((h * r) * (weight + weightOffset))`: each operation rounded to f32, in this order; with
//!    rounding before the weight, `h * r` is rounded to the type of y first. `h * r` is at most sqrt(n).
//!
//! Step 4 computes h again from x and residual, so nothing is allocated, and in place is safe: an element is
//! written once its own inputs were read for the last time.

mod call;
mod row;

use std::ffi::{CStr, c_void};

use tierwise_abi::c::{
    TW_INVALID, TW_PROMISE_ALL_TIERS, TW_PROMISE_BATCH, TW_PROMISE_FMA_TIERS, TW_PROMISE_PLACEMENT,
    TW_PROMISE_THREADS, TwStatus,
};
use tierwise_abi::rms_norm::RmsNormCall;

use crate::cpu;
use crate::simd::Simd;
use crate::table::Op;

/// The operator's kernel.
pub struct RmsNorm;

impl Op for RmsNorm {
    const OP: &'static CStr = c"rms_norm";
    const KERNEL: &'static CStr = c"lanes32";
    const PROMISES: u32 = TW_PROMISE_THREADS
        | TW_PROMISE_BATCH
        | TW_PROMISE_PLACEMENT
        | TW_PROMISE_ALL_TIERS
        | TW_PROMISE_FMA_TIERS;
    const SCRATCH: Option<unsafe extern "C" fn(*const c_void) -> u64> = None;

    unsafe fn run<S: Simd>(s: S, args: *const c_void) -> TwStatus {
        // SAFETY: the caller's word.
        let call = unsafe { RmsNormCall::read(args) };
        match &call {
            // SAFETY: a call that was read names memory that it may use.
            Ok(call) => unsafe { call::run(s, call, cpu::streaming_threshold()) },
            Err(_) => TW_INVALID,
        }
    }
}

#[cfg(test)]
mod tests;
