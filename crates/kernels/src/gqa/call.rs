//! From a checked call to the functions that its types and layout ask for.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};

use tierwise_abi::c::{TW_INVALID, TW_OK, TW_UNSUPPORTED, TwStatus};
use tierwise_abi::gqa::GqaCall;
use tierwise_abi::tensor::{Dtype, Tensor};

use super::Gqa;
use super::attend::Attend;
use super::plan::{Limits, Plan};
use super::state::Merge;
use crate::access::{Dense, Layout, Strided};
use crate::simd::{Bf16, Element, F16, Simd, Work};
use crate::{executed, parallel};

/// Does the call, or refuses its scratch.
///
/// # Safety
/// The memory that the call's tensors name may be read, and its output and its scratch written.
pub unsafe fn run<S: Simd>(s: S, call: &GqaCall, limits: Limits) -> TwStatus {
    let plan = Plan::of(call, limits);
    if call.head.require_scratch(plan.scratch()).is_err() {
        return TW_INVALID;
    }
    let asked = Asked { s, call, plan };
    match (call.q.dtype, call.k.dtype) {
        (Dtype::F32, Dtype::F32) => asked.of_types::<f32, f32>(),
        (Dtype::F32, Dtype::F16) => asked.of_types::<f32, F16>(),
        (Dtype::F32, Dtype::Bf16) => asked.of_types::<f32, Bf16>(),
        (Dtype::F16, Dtype::F16) => asked.of_types::<F16, F16>(),
        (Dtype::Bf16, Dtype::Bf16) => asked.of_types::<Bf16, Bf16>(),
        _ => TW_UNSUPPORTED,
    }
}

/// A call on its way to the functions for its types.
#[derive(Clone, Copy)]
struct Asked<'a, S> {
    s: S,
    call: &'a GqaCall,
    plan: Plan,
}

impl<S: Simd> Asked<'_, S> {
    fn of_types<E: Element, K: Element>(self) -> TwStatus {
        let dense = |tensor: &Tensor<4>| tensor.strides[3] == 1 || tensor.shape[3] == 1;
        if dense(&self.call.k) && dense(&self.call.v) {
            self.with_layout::<E, K, Dense>()
        } else {
            self.with_layout::<E, K, Strided>()
        }
    }

    fn with_layout<E: Element, K: Element, L: Layout>(self) -> TwStatus {
        match self.plan.wave {
            0 => self.items::<E, K, L>(),
            _ => self.waves::<E, K, L>(),
        }
        TW_OK
    }

    /// Every item from its first block to its last, by whichever thread is free.
    fn items<E: Element, K: Element, L: Layout>(self) {
        let Self { call, plan, .. } = self;
        self.share(plan.items, |s, item, thread| {
            // SAFETY: the call was checked, lengths and blocks among it, and the space is this thread's.
            unsafe {
                let item = &plan.item(call, item);
                attend::<E, K, L>(item, plan.space(call, thread)).whole(s);
            }
        });
    }

    /// Some blocks of every item, each from nothing, by whichever thread is free; then, in ascending order, what came
    /// out of them. A block is on its own until it is merged, so this is the same sequence of operations.
    fn waves<E: Element, K: Element, L: Layout>(self) {
        let Self { call, plan, .. } = self;
        // SAFETY: the call was checked, lengths among it.
        let item = |item| unsafe { plan.item(call, item) };
        let blocks = (0..plan.items).map(|at| item(at).blocks().len());
        let waves = blocks.max().unwrap_or(0).div_ceil(plan.wave).max(1);
        for wave in 0..waves {
            let first = wave * plan.wave;
            self.share(plan.items * plan.wave, |s, unit, thread| {
                let (at, k) = (unit / plan.wave, unit % plan.wave);
                let item = &item(at);
                let blocks = item.blocks();
                let start = (blocks.start + first + k).min(blocks.end);
                let end = (start + 1).min(blocks.end);
                // SAFETY: as above; nobody else has this unit, or its state.
                unsafe {
                    let state = plan.state(call, at, Some(k));
                    let attend = attend::<E, K, L>(item, plan.space(call, thread));
                    attend.blocks(s, start..end, Some(state));
                }
            });
            self.share(plan.items, |s, at, thread| {
                let item = &item(at);
                let to = plan.state(call, at, None);
                for head in 0..item.heads {
                    let to = to.head(head);
                    if wave == 0 {
                        // SAFETY: nobody else has this item, or its state.
                        unsafe { to.clear(item.rows) };
                    }
                    for k in 0..plan.wave.min(item.blocks().len().saturating_sub(first)) {
                        s.vectorize(Merge {
                            from: plan.state(call, at, Some(k)).head(head),
                            to,
                            rows: item.rows,
                        });
                    }
                    if wave + 1 == waves {
                        attend::<E, K, L>(item, plan.space(call, thread)).finish(s, head, to);
                    }
                }
            });
        }
    }

    /// Hands out `0..items` to the plan's threads, each item once, with the number of the thread.
    fn share(self, items: usize, work: impl Fn(S, usize, usize) + Sync) {
        let next = AtomicUsize::new(0);
        let threads = self.plan.threads;
        parallel::divide(threads, threads, |parts| {
            for thread in parts {
                self.s.vectorize(Recorded);
                loop {
                    let item = next.fetch_add(1, Ordering::Relaxed);
                    if item >= items {
                        break;
                    }
                    work(self.s, item, thread);
                }
            }
        });
    }
}

/// Says which tier runs: the one that its work is vectorised for.
struct Recorded;

impl Work for Recorded {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        executed::record::<Gqa, S>();
    }
}

fn attend<'a, E, K, L>(
    item: &'a super::item::Item<'a>,
    space: super::plan::Space,
) -> Attend<'a, E, K, L> {
    Attend {
        item,
        space,
        types: PhantomData,
    }
}
