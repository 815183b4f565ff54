//! From a checked call to the one function that its type, pairing and layout ask for.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use tierwise_abi::c::{TW_INVALID, TW_OK, TW_UNSUPPORTED, TwStatus};
use tierwise_abi::rope::{self, RopeCall};
use tierwise_abi::tensor::{Dtype, Tensor};

use super::Rope;
use super::plan::{Limits, Plan};
use super::rotate::{Half, Head, Interleaved, Pairing};
use super::row::{Source, Space};
use crate::access::{Dense, Layout, Rows, Streamed, Strided};
use crate::simd::{Bf16, Element, F16, Simd, Work};
use crate::{executed, parallel};

/// Does the call, or refuses its scratch.
///
/// # Safety
/// The memory that the call's tensors name may be read, and its output and its scratch written.
pub unsafe fn run<S: Simd>(s: S, call: &RopeCall, limits: Limits) -> TwStatus {
    let plan = Plan::of(call, limits);
    if call.head.require_scratch(plan.scratch()).is_err() {
        return TW_INVALID;
    }
    let asked = Asked {
        s,
        call,
        plan,
        placement: Placement::of(call, &plan, S::STREAMS.then_some(limits.cache)),
    };
    match call.x.dtype {
        Dtype::F32 => asked.of_type::<f32>(),
        Dtype::F16 => asked.of_type::<F16>(),
        Dtype::Bf16 => asked.of_type::<Bf16>(),
        Dtype::I32 => TW_UNSUPPORTED,
    }
}

/// What decides between the layouts.
#[derive(Clone, Copy)]
enum Placement {
    Dense,
    Streamed,
    Strided,
}

impl Placement {
    /// A plain store reads each line of y from memory before it overwrites it, so what outgrows the cache is
    /// streamed; not so in place, where x brings the line anyway, nor where heads begin all over a line.
    fn of(call: &RopeCall, plan: &Plan, cache: Option<u64>) -> Self {
        let RopeCall { x, y, .. } = call;
        let dense = |tensor: &Tensor<4>| tensor.strides[3] == 1;
        if !(dense(x) && dense(y)) && x.shape[3] > 1 {
            return Self::Strided;
        }
        match cache {
            Some(cache) if plan.bytes > cache && y.base != x.base && lines_agree(call) => {
                Self::Streamed
            }
            _ => Self::Dense,
        }
    }
}

/// Whether what a part of a head stores begins in the same place of a cache line in every head, and no line
/// begins within a pair.
fn lines_agree(call: &RopeCall) -> bool {
    let RopeCall { y, .. } = call;
    let size = y.dtype.size();
    let [batches, tokens, heads, _] = y.strides.map(|stride| stride * size % 64 == 0);
    let pairs = match call.pairing {
        rope::Pairing::Half => (call.rotary_dim / 2 * size).is_multiple_of(64),
        rope::Pairing::Interleaved => y.base.addr().is_multiple_of(2 * size),
    };
    batches && tokens && heads && pairs
}

/// A call on its way to the function for its types: each step decides one of them.
#[derive(Clone, Copy)]
struct Asked<'a, S> {
    s: S,
    call: &'a RopeCall,
    plan: Plan,
    placement: Placement,
}

impl<S: Simd> Asked<'_, S> {
    fn of_type<E: Element>(self) -> TwStatus {
        match self.call.pairing {
            rope::Pairing::Half => self.with_pairing::<E, Half>(),
            rope::Pairing::Interleaved => self.with_pairing::<E, Interleaved>(),
        }
    }

    fn with_pairing<E: Element, P: Pairing>(self) -> TwStatus {
        match self.placement {
            Placement::Dense => self.with_layout::<E, P, Dense>(),
            Placement::Streamed => self.with_layout::<E, P, Streamed>(),
            Placement::Strided => self.with_layout::<E, P, Strided>(),
        }
    }

    fn with_layout<E: Element, P: Pairing, L: Layout>(self) -> TwStatus {
        let Self { s, call, plan, .. } = self;
        // SAFETY: the scratch was checked.
        let frequencies = unsafe { plan.frequencies(s, call) };
        let source = Source::of(call, frequencies);
        let threads = AtomicUsize::new(0);
        parallel::divide(plan.tokens, plan.threads, |tokens| {
            // At most as many parts run as the plan has threads, and each takes the next space.
            let space = plan.space(call, threads.fetch_add(1, Ordering::Relaxed));
            s.vectorize(Part::<E, P, L> {
                call,
                source,
                space,
                tokens,
                types: PhantomData,
            });
        });
        TW_OK
    }
}

/// Some tokens of a call, its types and layout known when compiled.
struct Part<'a, E, P, L> {
    call: &'a RopeCall,
    source: Source<'a>,
    space: Space,
    tokens: Range<usize>,
    types: PhantomData<(E, P, L)>,
}

impl<E: Element, P: Pairing, L: Layout> Work for Part<'_, E, P, L> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        executed::record::<Rope, S>();
        let Self { call, source, .. } = self;
        let [_, tokens, heads, n] = call.x.shape;
        let pairs = call.rotary_dim / 2;
        for token in self.tokens {
            let at = [token / tokens, token % tokens];
            // SAFETY: the call was checked: its positions are readable and have rows, its heads have n elements in
            // memory that the call may use, and those of y share none; the space is this thread's, and the
            // layout was chosen by looking at x and y.
            unsafe {
                let position = call.position(at[0], at[1]);
                let row = source.row::<S, P>(s, position, pairs, self.space);
                let (x, y) = (Rows::of_block(&call.x, at), Rows::of_block(&call.y, at));
                for head in 0..heads {
                    let (x, y) = (x.at(head), y.at(head));
                    Head::<E> { x, y, pairs, n }.rotate::<S, P, L>(s, row);
                }
            }
        }
        if L::STREAMS {
            s.fence();
        }
    }
}
