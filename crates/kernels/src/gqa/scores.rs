//! Scores of a panel of keys: the keys transposed, then tiles of dot products.

use super::item::Item;
use super::plan::{BLOCK, PANEL, Space};
use super::tile::{Accumulators, Tile, cover};
use crate::simd::{LANES, Simd, TileWork, Work};

/// Transposes a panel of keys, `[PANEL][padded dims]`, to `[dims][PANEL]`.
pub struct Transpose {
    pub from: *const f32,
    pub to: *mut f32,
    pub dims: usize,
}

impl Work for Transpose {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let padded = self.dims.next_multiple_of(LANES);
        for first in (0..PANEL).step_by(LANES) {
            for d in (0..padded).step_by(LANES) {
                let mut square = [s.splat(0.0); LANES];
                for (k, row) in square.iter_mut().enumerate() {
                    let from = self.from.wrapping_add((first + k) * padded + d);
                    // SAFETY: rows have whole vectors.
                    *row = unsafe { s.load_f32(from) };
                }
                let to = self.to.wrapping_add(d * PANEL + first);
                for (i, column) in s.transpose(square).into_iter().enumerate() {
                    if d + i < self.dims {
                        // SAFETY: the panel has so many rows.
                        unsafe { s.store_f32(to.wrapping_add(i * PANEL), column) };
                    }
                }
            }
        }
    }
}

/// Dot products of all rows with the keys of a panel: 16 keys a vector, each product added in ascending order.
pub struct Dots<'a> {
    pub item: &'a Item<'a>,
    pub block: usize,
    pub at: usize,
    pub space: Space,
}

impl Work for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        s.tiled(self);
    }
}

impl TileWork for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const ROWS: usize, const VECTORS: usize>(self, s: S) {
        // SAFETY: the space has queries and scores of all rows.
        unsafe { cover::<S, ROWS, VECTORS>(s, 0..self.item.rows, PANEL / LANES, &self) };
    }
}

impl Tile for Dots<'_> {
    #[inline(always)]
    unsafe fn tile<S: Simd, const R: usize, const C: usize>(
        &self,
        s: S,
        row: usize,
        vector: usize,
    ) {
        let start = self.at + vector * LANES;
        let seen = self.item.seen_in(row..row + R, self.block);
        if seen.end <= start || start + C * LANES <= seen.start {
            return;
        }
        let dims = self.item.call.head_dim();
        let mut queries = self.space.queries.cast_const().wrapping_add(row * dims);
        let mut keys = self.space.panel.cast_const().wrapping_add(vector * LANES);
        let mut dots = Accumulators::<S, R, C>::zero(s);
        // SAFETY: the caller's word.
        unsafe {
            for _ in 0..dims {
                dots.add(s, queries, 1, keys);
                queries = queries.wrapping_add(R);
                keys = keys.wrapping_add(PANEL);
            }
            let to = self.space.scores.wrapping_add(row * BLOCK + start);
            dots.store(s, to, BLOCK);
        }
    }
}
