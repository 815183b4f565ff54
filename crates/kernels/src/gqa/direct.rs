//! Weighted values of a block for few rows, which see the same keys: each value is read once, where it lies.

use std::ops::Range;

use super::item::Item;
use super::keys;
use super::plan::{BLOCK, PANEL, Space};
use super::state::State;
use super::tile::{Accumulators, Tile, cover};
use crate::access::Rows;
use crate::simd::{Element, LANES, Simd, TileWork, Work};

/// Adds the weighted values of a block to the sums of all rows, in the order of [`Sums`](super::values::Sums).
/// Elements of values are adjacent, and fill whole vectors.
pub struct Direct<'a, K> {
    pub item: &'a Item<'a>,
    pub block: usize,
    /// Keys of the block that every row sees.
    pub seen: &'a Range<usize>,
    pub space: Space,
    pub state: State,
    /// What will be read next, if it is known.
    pub next: Option<&'a [Rows<K>; PANEL]>,
}

impl<K: Element> Work for Direct<'_, K> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (rows, padded) = (self.item.rows, self.state.padded);
        let Self {
            item, block, seen, ..
        } = self;
        let starts = seen.clone().step_by(PANEL);
        // SAFETY: the call was checked, and every row sees the keys.
        let panel = |at| unsafe { keys::panel::<K>(item, &item.call.v, block, seen, at) };
        let mut values = panel(seen.start);
        for start in starts {
            let end = (start + PANEL).min(seen.end);
            let next = match (end < seen.end, self.next) {
                (true, _) => Some(panel(end)),
                (false, next) => next.copied(),
            };
            s.tiled(Chunk {
                direct: &self,
                keys: start..end,
                values: &values,
                next: next.as_ref(),
            });
            values = next.unwrap_or(values);
        }
        // SAFETY: the space and the state have so many rows.
        unsafe {
            for row in 0..rows {
                let Space { old, new, .. } = self.space;
                let (old, new) = (old.wrapping_add(row), new.wrapping_add(row));
                for i in (row * padded..(row + 1) * padded).step_by(LANES) {
                    let sum = Accumulators::<S, 1, 1>::load(s, self.space.sums.wrapping_add(i), 0);
                    sum.join(s, self.state.sums.wrapping_add(i), 0, old, new);
                }
            }
        }
    }
}

/// Some keys of a block.
struct Chunk<'a, K> {
    direct: &'a Direct<'a, K>,
    keys: Range<usize>,
    values: &'a [Rows<K>; PANEL],
    next: Option<&'a [Rows<K>; PANEL]>,
}

impl<K: Element> TileWork for Chunk<'_, K> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const ROWS: usize, const VECTORS: usize>(self, s: S) {
        let Direct { item, state, .. } = self.direct;
        // SAFETY: the space has so many rows and vectors.
        unsafe { cover::<S, ROWS, VECTORS>(s, 0..item.rows, state.padded / LANES, &self) };
    }
}

impl<K: Element> Tile for Chunk<'_, K> {
    #[inline(always)]
    unsafe fn tile<S: Simd, const R: usize, const C: usize>(
        &self,
        s: S,
        row: usize,
        vector: usize,
    ) {
        let Direct {
            space, state, seen, ..
        } = self.direct;
        let weights = space.scores.wrapping_add(row * BLOCK);
        let to = space.sums.wrapping_add(row * state.padded + vector * LANES);
        let mut sums = Accumulators::<S, R, C>::zero(s);
        // SAFETY: the caller's word; every row sees the keys, whose values have whole vectors.
        unsafe {
            if self.keys.start > seen.start {
                sums = Accumulators::load(s, to, state.padded);
            }
            for (k, key) in self.keys.clone().enumerate() {
                if let (0, Some(next)) = (row, self.next) {
                    for c in 0..C {
                        s.prefetch(next[k].element((vector + c) * LANES));
                    }
                }
                let value = self.values[k].element(vector * LANES);
                sums.add(s, weights.wrapping_add(key), BLOCK, value.cast_const());
            }
            sums.store(s, to, state.padded);
        }
    }
}
