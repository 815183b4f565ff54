//! An item, block by block.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Range;

use super::direct::{self, Chunk, Join};
use super::item::Item;
use super::panel::{Keys, Lines, Panel, Share};
use super::plan::{FEW, PANEL, Space};
use super::queries::{Finish, Load};
use super::scores::{Dots, Transpose};
use super::state::State;
use super::values::{Copy, Sums};
use super::weights::Weights;
use crate::access::Layout;
use crate::simd::{Element, LANES, Simd};

/// Bytes, or a panel, from what is read to what is asked for: so many are on their way from memory by then, and the
/// second cache has room for far more.
const EARLY: usize = 32 << 10;

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

    /// Scores of a block.
    #[inline(always)]
    fn scores<S: Simd>(&self, s: S, block: usize, seen: &Range<usize>) {
        let call = self.item.call;
        let (keys, values) = ((&call.k, block, seen), (&call.v, block, seen));
        let start = seen.start / PANEL * PANEL;
        if self.item.rows <= FEW {
            self.panels(s, keys, start, Some(values), |at, head, keys, later| {
                let Head { item, space, .. } = self.head(head, None);
                s.vectorize(direct::Dots::<K, L> {
                    item: &item,
                    keys,
                    later,
                    at: at..(at + PANEL).min(seen.end),
                    space,
                    layout: PhantomData,
                });
            });
            return;
        }
        let mut panel = Panel::<K>::new(self.item, &call.k);
        for at in (start..seen.end).step_by(PANEL) {
            // SAFETY: whoever made the item answers for its call; its rows see the keys.
            unsafe { panel.go(self.item, keys, at) };
            for half in 0..PANEL / LANES {
                s.vectorize(Transpose::<K, L> {
                    keys: panel.head(0),
                    half,
                    to: self.space.panel,
                    dims: call.head_dim(),
                    layout: PhantomData,
                });
            }
            s.vectorize(Dots {
                item: self.item,
                block,
                at,
                space: self.space,
            });
        }
    }

    /// Weighted values of a block, where rows are few and even.
    #[inline(always)]
    fn direct<S: Simd>(
        &self,
        s: S,
        block: usize,
        seen: &Range<usize>,
        states: Option<State>,
        end: usize,
    ) {
        let call = self.item.call;
        let behind = self.item.seen_in(0..self.item.rows, block + 1);
        let keys = (block + 1 < end).then_some((&call.k, block + 1, &behind));
        let values = (&call.v, block, seen);
        self.panels(s, values, seen.start, keys, |at, head, values, later| {
            let Head { item, space, .. } = self.head(head, None);
            s.vectorize(Chunk::<K, L> {
                item: &item,
                values,
                later: Cell::new(later),
                keys: at..(at + PANEL).min(seen.end),
                first: at == seen.start,
                space,
                layout: PhantomData,
            });
        });
        for head in 0..self.item.heads {
            let Head { item, space, state } = self.head(head, states);
            s.vectorize(Join {
                rows: item.rows,
                space,
                state,
            });
        }
    }

    /// Hands out panels of some keys from `start` on: where each begins, each head of it, and what is read a while later.
    #[inline(always)]
    fn panels<S: Simd>(
        &self,
        s: S,
        keys: Keys,
        start: usize,
        then: Option<Keys>,
        work: impl Fn(usize, usize, Share<K>, Lines<K>),
    ) {
        let [mut here, mut later] = [Panel::<K>::new(self.item, keys.0); 2];
        // SAFETY: whoever made the item answers for its call; its rows see the keys.
        let go = |panel: &mut Panel<K>, keys, at| unsafe { panel.go(self.item, keys, at) };
        let bytes = PANEL * self.item.heads * self.item.call.head_dim() * size_of::<K>();
        let ahead = (EARLY / bytes).max(1) * PANEL;
        let end = start + (keys.2.end - start).next_multiple_of(PANEL);
        for at in (start..end).step_by(PANEL) {
            go(&mut here, keys, at);
            let behind = (at + ahead).checked_sub(end);
            let asked = match (behind, then) {
                (None, _) => Some((keys, at + ahead)),
                (Some(behind), Some(then)) => Some((then, then.2.start + behind)),
                (Some(_), None) => None,
            };
            let asked = asked.filter(|&((_, _, seen), at)| at < seen.end);
            if let Some((keys, at)) = asked {
                go(&mut later, keys, at);
                later.look_up(s, self.item.heads, self.item.call.head_dim());
            }
            for head in 0..self.item.heads {
                let lines = match asked {
                    Some(_) => later.lines(head, self.item.heads, self.item.call.head_dim()),
                    None => Lines::NONE,
                };
                work(at, head, here.head(head), lines);
            }
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
