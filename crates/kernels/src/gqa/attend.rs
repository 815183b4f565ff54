//! An item, block by block.

use std::marker::PhantomData;
use std::ops::Range;

use super::direct::Direct;
use super::item::Item;
use super::keys;
use super::plan::{FEW, PANEL, Space};
use super::queries::{Finish, Load};
use super::scores::{Dots, Transpose};
use super::state::State;
use super::values::{Copy, Sums};
use super::weights::Weights;
use crate::access::{Layout, Rows};
use crate::simd::{Element, LANES, Simd};

/// An item of a call whose q has elements `E`, and whose keys have elements `K` that lie as `L` says.
pub struct Attend<'a, E, K, L> {
    pub item: &'a Item<'a>,
    pub space: Space,
    pub types: PhantomData<(E, K, L)>,
}

impl<E: Element, K: Element, L: Layout> Attend<'_, E, K, L> {
    /// From no block to the answer.
    ///
    /// # Safety
    /// The call was checked, and the space is this thread's.
    #[inline(always)]
    pub unsafe fn whole<S: Simd>(&self, s: S) {
        let state = self.space.state;
        // SAFETY: the caller's word.
        unsafe { self.blocks(s, self.item.blocks(), state) };
        self.finish(s, state);
    }

    /// A state after some blocks.
    ///
    /// # Safety
    /// As [`whole`](Self::whole), and the state is this thread's.
    #[inline(always)]
    pub unsafe fn blocks<S: Simd>(&self, s: S, blocks: Range<usize>, state: State) {
        let Self { item, space, .. } = *self;
        // SAFETY: the caller's word.
        unsafe { state.clear(item.rows) };
        if blocks.is_empty() {
            return;
        }
        s.vectorize(Load::<E> {
            item,
            space,
            element: PhantomData,
        });
        let whole_vectors = item.call.head_dim().is_multiple_of(LANES);
        let dense = Rows::<K>::of_block(&item.call.v, [0, 0]).is_dense();
        let direct = item.rows <= FEW && item.is_even() && whole_vectors && dense;
        for block in blocks.clone() {
            let seen = item.seen_in(0..item.rows, block);
            // SAFETY: the caller's word.
            unsafe {
                self.scores(s, block, &seen);
                s.vectorize(Weights {
                    item,
                    block,
                    seen: &seen,
                    space,
                    state,
                });
                if direct {
                    self.direct(s, block, &seen, state, blocks.end);
                } else {
                    self.copied(s, block, &seen, state);
                }
            }
        }
    }

    /// The answer.
    #[inline(always)]
    pub fn finish<S: Simd>(&self, s: S, state: State) {
        s.vectorize(Finish::<E> {
            item: self.item,
            state,
            element: PhantomData,
        });
    }

    /// # Safety
    /// As [`blocks`](Self::blocks).
    #[inline(always)]
    unsafe fn scores<S: Simd>(&self, s: S, block: usize, seen: &Range<usize>) {
        let Self { item, space, .. } = *self;
        let few = item.rows <= FEW;
        for at in (seen.start / PANEL * PANEL..seen.end).step_by(PANEL) {
            let (tensor, ahead) = match at + PANEL < seen.end {
                true => (&item.call.k, at + PANEL),
                false => (&item.call.v, seen.start),
            };
            // SAFETY: the caller's word.
            let next = few.then(|| unsafe { keys::panel::<K>(item, tensor, block, seen, ahead) });
            s.vectorize(Transpose::<K, L> {
                item,
                block,
                seen,
                at,
                to: space.panel,
                next: next.as_ref(),
                layout: PhantomData,
            });
            s.vectorize(Dots {
                item,
                block,
                at,
                space,
            });
        }
    }

    /// # Safety
    /// As [`blocks`](Self::blocks); the rows are few and even, and values lie as [`Direct`] asks.
    #[inline(always)]
    unsafe fn direct<S: Simd>(
        &self,
        s: S,
        block: usize,
        seen: &Range<usize>,
        state: State,
        end: usize,
    ) {
        let Self { item, space, .. } = *self;
        let next = (block + 1 < end).then(|| {
            let seen = item.seen_in(0..item.rows, block + 1);
            // SAFETY: the caller's word.
            unsafe { keys::panel::<K>(item, &item.call.k, block + 1, &seen, seen.start) }
        });
        s.vectorize(Direct {
            item,
            block,
            seen,
            space,
            state,
            next: next.as_ref(),
        });
    }

    /// # Safety
    /// As [`blocks`](Self::blocks).
    #[inline(always)]
    unsafe fn copied<S: Simd>(&self, s: S, block: usize, seen: &Range<usize>, state: State) {
        let Self { item, space, .. } = *self;
        for d in (0..state.padded).step_by(PANEL) {
            let finite = s.vectorize(Copy::<K, L> {
                item,
                block,
                seen,
                d,
                to: space.values,
                types: PhantomData,
            });
            s.vectorize(Sums {
                item,
                block,
                d,
                vectors: (state.padded - d).min(PANEL) / LANES,
                finite,
                space,
                state,
            });
        }
    }
}
