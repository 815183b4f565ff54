//! An item, block by block.

use std::marker::PhantomData;
use std::ops::Range;

use super::direct::{Chunk, Join};
use super::gather::{Gather, Panel};
use super::item::Item;
use super::plan::{FEW, PANEL, Space};
use super::queries::{Finish, Load};
use super::scores::{Dots, Transpose};
use super::state::State;
use super::values::{Copy, Sums};
use super::weights::Weights;
use crate::access::Layout;
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
        // SAFETY: the caller's word.
        unsafe { self.blocks(s, self.item.blocks(), None) };
        for head in 0..self.item.heads {
            self.finish(s, head, self.space.head(head).state);
        }
    }

    /// States after some blocks: the space's own, or those of a wave.
    ///
    /// # Safety
    /// As [`whole`](Self::whole), and the states are this thread's.
    #[inline(always)]
    pub unsafe fn blocks<S: Simd>(&self, s: S, blocks: Range<usize>, states: Option<State>) {
        let heads = 0..self.item.heads;
        for head in heads.clone() {
            let at = self.head(head, states);
            // SAFETY: the caller's word.
            unsafe { at.state.clear(at.item.rows) };
            if !blocks.is_empty() {
                s.vectorize(Load::<E> {
                    item: &at.item,
                    space: at.space,
                    element: PhantomData,
                });
            }
        }
        let direct = self.item.rows <= FEW && self.item.is_even();
        for block in blocks.clone() {
            let seen = self.item.seen_in(0..self.item.rows, block);
            self.scores(s, block, &seen);
            for head in heads.clone() {
                let Head { item, space, state } = self.head(head, states);
                s.vectorize(Weights {
                    item: &item,
                    block,
                    seen: &seen,
                    space,
                    state,
                });
            }
            if direct {
                self.direct(s, block, &seen, states, blocks.end);
            } else {
                self.copied(s, block, &seen, states);
            }
        }
    }

    /// The answer of a head.
    #[inline(always)]
    pub fn finish<S: Simd>(&self, s: S, head: usize, state: State) {
        s.vectorize(Finish::<E> {
            item: &self.item.head(head),
            state,
            element: PhantomData,
        });
    }

    #[inline(always)]
    fn head(&self, head: usize, states: Option<State>) -> Head<'_> {
        let space = self.space.head(head);
        Head {
            item: self.item.head(head),
            space,
            state: states.map_or(space.state, |states| states.head(head)),
        }
    }

    /// Panel by panel, all heads of one after the other.
    #[inline(always)]
    fn scores<S: Simd>(&self, s: S, block: usize, seen: &Range<usize>) {
        let (k, v) = (&self.item.call.k, &self.item.call.v);
        let panel = |tensor, at| Panel {
            tensor,
            block,
            seen,
            at,
        };
        for at in (seen.start / PANEL * PANEL..seen.end).step_by(PANEL) {
            let next = match at + PANEL < seen.end {
                true => panel(k, at + PANEL),
                false => panel(v, seen.start),
            };
            let next = (self.item.rows <= FEW).then_some(next);
            for head in 0..self.item.heads {
                let Head { item, space, .. } = self.head(head, None);
                self.gather(s, &item, panel(k, at), next);
                s.vectorize(Transpose {
                    from: space.rows,
                    to: space.panel,
                    dims: item.call.head_dim(),
                });
                s.vectorize(Dots {
                    item: &item,
                    block,
                    at,
                    space,
                });
            }
        }
    }

    #[inline(always)]
    fn gather<S: Simd>(&self, s: S, item: &Item, panel: Panel, next: Option<Panel>) {
        s.vectorize(Gather::<K, L> {
            item,
            panel,
            next,
            to: self.space.rows,
            types: PhantomData,
        });
    }

    /// The rows are few and even. Panel by panel as well.
    #[inline(always)]
    fn direct<S: Simd>(
        &self,
        s: S,
        block: usize,
        seen: &Range<usize>,
        states: Option<State>,
        end: usize,
    ) {
        let panel = |at| Panel {
            tensor: &self.item.call.v,
            block,
            seen,
            at,
        };
        let behind = self.item.seen_in(0..self.item.rows, block + 1);
        let keys = (block + 1 < end).then_some(Panel {
            tensor: &self.item.call.k,
            block: block + 1,
            seen: &behind,
            at: 0,
        });
        for at in seen.clone().step_by(PANEL) {
            let next = match at + PANEL < seen.end {
                true => Some(panel(at + PANEL)),
                false => keys,
            };
            for head in 0..self.item.heads {
                let Head { item, space, .. } = self.head(head, None);
                self.gather(s, &item, panel(at), next);
                s.vectorize(Chunk {
                    item: &item,
                    keys: at..(at + PANEL).min(seen.end),
                    first: at == seen.start,
                    space,
                });
            }
        }
        for head in 0..self.item.heads {
            let Head { item, space, state } = self.head(head, states);
            s.vectorize(Join {
                rows: item.rows,
                space,
                state,
            });
        }
    }

    #[inline(always)]
    fn copied<S: Simd>(&self, s: S, block: usize, seen: &Range<usize>, states: Option<State>) {
        for head in 0..self.item.heads {
            let Head { item, space, state } = self.head(head, states);
            for d in (0..state.padded).step_by(PANEL) {
                let finite = s.vectorize(Copy::<K, L> {
                    item: &item,
                    block,
                    seen,
                    d,
                    to: space.values,
                    types: PhantomData,
                });
                s.vectorize(Sums {
                    item: &item,
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
}

/// One kv head of an item.
struct Head<'a> {
    item: Item<'a>,
    space: Space,
    state: State,
}
