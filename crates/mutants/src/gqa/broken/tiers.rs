//! Bugs of one tier: right code in another says nothing of them.

use std::arch::x86_64::*;

use super::super::{Call, Gqa, Place};

/// GQ44: the multiply-add of the last, partial vector zeroes the lanes that it leaves out, instead of keeping
/// their sums.
///
/// Trigger: a width above 16 that is no multiple of it.
pub struct TailLosesSums;

impl Gqa for TailLosesSums {
    fn dot(call: &Call, at: Place, key: usize) -> f32 {
        #[target_feature(enable = "avx512f")]
        fn dot(call: &Call, query: impl Fn(usize) -> f32, key: impl Fn(usize) -> f32) -> f32 {
            let lanes = |of: &dyn Fn(usize) -> f32, from: usize| -> [f32; 16] {
                std::array::from_fn(|lane| {
                    if from + lane < call.width {
                        of(from + lane)
                    } else {
                        0.0
                    }
                })
            };
            let mut sum = _mm512_setzero_ps();
            for from in (0..call.width).step_by(16) {
                let (q, k) = (lanes(&query, from), lanes(&key, from));
                // SAFETY: sixteen floats each.
                let (q, k) = unsafe { (_mm512_loadu_ps(q.as_ptr()), _mm512_loadu_ps(k.as_ptr())) };
                let rest = call.width - from;
                sum = if rest < 16 {
                    _mm512_maskz_fmadd_ps((1 << rest) - 1, q, k, sum)
                } else {
                    _mm512_fmadd_ps(q, k, sum)
                };
            }
            _mm512_reduce_add_ps(sum)
        }
        let (slot, kv_head) = (
            Self::slot(call, at.batch, key),
            Self::kv_head(call, at.head),
        );
        // SAFETY: the table offers it where the CPU has AVX-512.
        unsafe {
            dot(
                call,
                |d| Self::query(call, at, d),
                |d| Self::key(call, slot, kv_head, d),
            )
        }
    }
}
