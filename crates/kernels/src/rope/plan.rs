//! How a call is divided over threads, and what scratch that takes.

use std::slice;

use tierwise_abi::rope::{Angles, Pairing, RopeCall};

use super::frequencies::Frequencies;
use super::row::{Source, Space};
use crate::cpu;
use crate::simd::{LANES, Simd};

/// What the size of a call is held against, in bytes of x and y together.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Where x and y outgrow this, y goes past the caches.
    pub cache: u64,
    /// What a thread must have to do at least.
    pub thread: u64,
}

impl Limits {
    /// This machine's. A thread that stands ready answers within the time of turning some ten KiB.
    pub fn here() -> Self {
        Self {
            cache: cpu::streaming_threshold(),
            thread: 64 << 10,
        }
    }
}

/// A call, divided. Its scratch holds the frequencies, where angles are computed, then as much to compute them
/// in, then for every thread a row of cosines and one of sines, where those do not lie in tables as they are read.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Tokens of all batches; 0 where x is empty.
    pub tokens: usize,
    /// Threads that the call is worth.
    pub threads: usize,
    /// Bytes of x and y together.
    pub bytes: u64,
    frequencies: usize,
    row: usize,
}

impl Plan {
    /// The plan of a call.
    pub fn of(call: &RopeCall, limits: Limits) -> Self {
        let [batch, tokens, heads, n] = call.x.shape;
        let tokens = if call.x.is_empty() { 0 } else { batch * tokens };
        let bytes = 2 * (tokens * heads * n * call.x.dtype.size()) as u64;
        let worth = (bytes / limits.thread).clamp(1, tokens.max(1) as u64);
        let pairs = (call.rotary_dim / 2).next_multiple_of(LANES);
        let repeats = match call.pairing {
            Pairing::Half => 1,
            Pairing::Interleaved => 2,
        };
        let source = Source::of(call, &[]);
        Self {
            tokens,
            threads: worth.min(call.head.threads.into()) as usize,
            bytes,
            frequencies: match source {
                Source::Computed { .. } => pairs,
                Source::Tables { .. } => 0,
            },
            row: if source.is_direct(repeats) {
                0
            } else {
                pairs * repeats
            },
        }
    }

    /// Bytes of scratch.
    pub fn scratch(&self) -> u64 {
        let frequencies = 2 * self.frequencies * size_of::<f64>();
        let row = 2 * self.row * size_of::<f32>();
        (self.threads as u64)
            .saturating_mul(row as u64)
            .saturating_add(frequencies as u64)
    }

    /// Computes the frequencies of a call that has any. Those beyond the pairs are 0.
    ///
    /// # Safety
    /// The call has the scratch of this plan.
    pub unsafe fn frequencies<'a, S: Simd>(&self, s: S, call: &RopeCall) -> &'a [f64] {
        let Angles::Computed { theta, scaling } = call.angles else {
            return &[];
        };
        let start = call.head.scratch.cast::<f64>();
        // SAFETY: the caller's word; nothing else uses the scratch yet, and these parts of it nothing writes later.
        let (to, rest) = unsafe {
            (
                slice::from_raw_parts_mut(start, self.frequencies),
                slice::from_raw_parts_mut(start.wrapping_add(self.frequencies), self.frequencies),
            )
        };
        let (pairs, padding) = to.split_at_mut(call.rotary_dim / 2);
        padding.fill(0.0);
        s.vectorize(Frequencies {
            theta,
            scaling,
            rest: &mut rest[..pairs.len()],
            to: pairs,
        });
        to
    }

    /// The space for the row of thread number `thread`.
    pub fn space(&self, call: &RopeCall, thread: usize) -> Space {
        let rows = call
            .head
            .scratch
            .cast::<f64>()
            .wrapping_add(2 * self.frequencies);
        Space {
            start: rows.cast::<f32>().wrapping_add(2 * self.row * thread),
            floats: self.row,
        }
    }
}
