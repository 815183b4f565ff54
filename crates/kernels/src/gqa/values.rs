//! Weighted values of a block for many rows: values copied together, two vectors of each at a time, then tiles of sums.

use std::marker::PhantomData;
use std::ops::Range;

use super::item::Item;
use super::plan::{BLOCK, PANEL, Space};
use super::state::State;
use super::tile::{Accumulators, Tile, cover};
use super::weights::load_mask;
use crate::access::{Layout, Rows};
use crate::simd::{Element, First, LANES, Simd, TileWork, Work};

/// Copies elements `d..d + PANEL` of the values that are seen, widened, to `[BLOCK][PANEL]`, and says whether all of
/// them are finite.
pub struct Copy<'a, K, L> {
    pub item: &'a Item<'a>,
    pub block: usize,
    /// Keys of the block that any row sees.
    pub seen: &'a Range<usize>,
    pub d: usize,
    pub to: *mut f32,
    pub types: PhantomData<(K, L)>,
}

impl<K: Element, L: Layout> Work for Copy<'_, K, L> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> bool {
        let Self { item, d, .. } = self;
        let zero = s.splat(0.0);
        let left = (item.call.head_dim() - d).min(PANEL);
        // An infinity or a NaN, times 0, is NaN.
        let mut finite = zero;
        for key in self.seen.clone() {
            let to = self.to.wrapping_add(key * PANEL);
            // SAFETY: the call was checked, and some row sees the key; the block has room for it.
            unsafe {
                let place = item.call.place(item.batch, self.block * BLOCK + key);
                let from = Rows::<K>::of_block(&item.call.v, place).at(item.kv_head);
                for i in (0..left).step_by(LANES) {
                    let value = L::load(s, from, d + i, First((left - i).min(LANES)));
                    s.store_f32(to.wrapping_add(i), value);
                    finite = s.add(s.mul(value, zero), finite);
                }
            }
        }
        s.tree_sum(finite) == 0.0
    }
}

/// Adds weighted values, copied, to the sums of all rows: each product added in ascending order of keys, from 0, and
/// the block then joined.
pub struct Sums<'a> {
    pub item: &'a Item<'a>,
    pub block: usize,
    pub d: usize,
    /// Vectors of each value that were copied.
    pub vectors: usize,
    /// Whether all values are finite. Then what is not live may be added, times its weight of 0.
    pub finite: bool,
    pub space: Space,
    pub state: State,
}

impl Work for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        if self.finite {
            s.tiled(self);
        } else {
            for row in 0..self.item.rows {
                // SAFETY: the space and the state have so many rows; the call was checked.
                unsafe { self.row(s, row) };
            }
        }
    }
}

impl TileWork for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const ROWS: usize, const VECTORS: usize>(self, s: S) {
        // SAFETY: the space and the state have so many rows and vectors.
        unsafe { cover::<S, ROWS, VECTORS, _>(s, 0..self.item.rows, 0..self.vectors, &self) };
    }
}

impl<S: Simd> Tile<S> for Sums<'_> {
    const MOST: [usize; 2] = [12, PANEL / LANES];

    #[inline(always)]
    unsafe fn tile<const R: usize, const C: usize>(&self, s: S, row: usize, vector: usize) {
        let seen = self.item.seen_in(row..row + R, self.block);
        let weights = self.space.scores.wrapping_add(row * BLOCK);
        let values = self.space.values.wrapping_add(vector * LANES);
        let mut sums = Accumulators::<S, R, C>::zero(s);
        // SAFETY: the caller's word; keys are within what was copied.
        unsafe {
            for key in seen {
                let value = values.wrapping_add(key * PANEL).cast_const();
                sums.add_at(s, weights.wrapping_add(key), BLOCK, value);
            }
            self.join(s, row, vector, sums);
        }
    }
}

impl Sums<'_> {
    /// One row, live keys alone.
    ///
    /// # Safety
    /// The space and the state have the row; the call was checked.
    #[inline(always)]
    unsafe fn row<S: Simd>(&self, s: S, row: usize) {
        let keys = self.item.seen_in(row..row + 1, self.block);
        let masked = self.item.call.mask.is_some();
        if keys.is_empty() {
            return;
        }
        // SAFETY: the caller's word; the row sees the keys.
        if !unsafe { load_mask(s, self.item, self.block, row, &keys, self.space.mask) } {
            return;
        }
        // SAFETY: the caller's word; the mask was loaded.
        unsafe {
            for vector in 0..self.vectors {
                let mut sum = Accumulators::<S, 1, 1>::zero(s);
                for key in keys.clone() {
                    if !masked || *self.space.mask.wrapping_add(key) > f32::NEG_INFINITY {
                        let weight = self.space.scores.wrapping_add(row * BLOCK + key);
                        let value = key * PANEL + vector * LANES;
                        let value = self.space.values.wrapping_add(value).cast_const();
                        sum.add_at(s, weight, BLOCK, value);
                    }
                }
                self.join(s, row, vector, sum);
            }
        }
    }

    /// # Safety
    /// The space and the state have the rows, and the state the vectors.
    #[inline(always)]
    unsafe fn join<S: Simd, const R: usize, const C: usize>(
        &self,
        s: S,
        row: usize,
        vector: usize,
        sums: Accumulators<S, R, C>,
    ) {
        let Self { space, state, .. } = self;
        let at = row * state.padded + self.d + vector * LANES;
        let [old, new] = [space.old, space.new].map(|factors| factors.wrapping_add(row));
        // SAFETY: the caller's word.
        unsafe { sums.join(s, state.sums.wrapping_add(at), state.padded, old, new) };
    }
}
