//! Weighted values for few rows, which see the same keys: each value is read once, a panel at a time.

use std::ops::Range;

use super::item::Item;
use super::plan::{BLOCK, Space};
use super::state::State;
use super::tile::{Accumulators, Tile, cover};
use crate::simd::{LANES, Simd, TileWork, Work};

/// Adds the weighted values of a panel to the sums of its block, in the order of [`Sums`](super::values::Sums).
pub struct Chunk<'a> {
    pub item: &'a Item<'a>,
    /// Keys of the block that every row sees, of which values were gathered.
    pub keys: Range<usize>,
    /// Whether they are the first of the block.
    pub first: bool,
    pub space: Space,
}

impl Work for Chunk<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        s.tiled(self);
    }
}

impl TileWork for Chunk<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const ROWS: usize, const VECTORS: usize>(self, s: S) {
        let vectors = self.space.state.padded / LANES;
        // SAFETY: the space has so many rows and vectors.
        unsafe { cover::<S, ROWS, VECTORS>(s, 0..self.item.rows, vectors, &self) };
    }
}

impl Tile for Chunk<'_> {
    #[inline(always)]
    unsafe fn tile<S: Simd, const R: usize, const C: usize>(
        &self,
        s: S,
        row: usize,
        vector: usize,
    ) {
        let Self { space, keys, .. } = self;
        let padded = space.state.padded;
        let weights = space.scores.wrapping_add(row * BLOCK);
        let to = space.sums.wrapping_add(row * padded + vector * LANES);
        let mut values = space.rows.cast_const().wrapping_add(vector * LANES);
        let mut sums = Accumulators::<S, R, C>::zero(s);
        // SAFETY: the caller's word; the space has the sums and values.
        unsafe {
            if !self.first {
                sums = Accumulators::load(s, to, padded);
            }
            for key in keys.clone() {
                sums.add(s, weights.wrapping_add(key), BLOCK, values);
                values = values.wrapping_add(padded);
            }
            sums.store(s, to, padded);
        }
    }
}

/// Joins the sums of a block into the state.
pub struct Join {
    pub rows: usize,
    pub space: Space,
    pub state: State,
}

impl Work for Join {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { space, state, .. } = self;
        for row in 0..self.rows {
            let [old, new] = [space.old, space.new].map(|factors| factors.wrapping_add(row));
            for i in (row * state.padded..(row + 1) * state.padded).step_by(LANES) {
                // SAFETY: the space and the state have so many rows.
                unsafe {
                    let sum = Accumulators::<S, 1, 1>::load(s, space.sums.wrapping_add(i), 0);
                    sum.join(s, state.sums.wrapping_add(i), 0, old, new);
                }
            }
        }
    }
}
