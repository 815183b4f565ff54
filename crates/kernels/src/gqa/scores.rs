//! Scores of a panel of keys: the keys transposed, then tiles of dot products.

use std::marker::PhantomData;

use super::item::Item;
use super::panel::Share;
use super::plan::{BLOCK, PANEL, Space};
use super::tile::{Accumulators, Tile, cover};
use crate::access::Layout;
use crate::simd::{All, Element, First, LANES, Simd, TileWork, Work};

/// Transposes 16 keys of a panel, widened, to `[dims][PANEL]`.
pub struct Transpose<'a, K, L> {
    pub keys: Share<'a, K>,
    /// Which half of it.
    pub half: usize,
    /// The panel.
    pub to: *mut f32,
    pub dims: usize,
    pub layout: PhantomData<L>,
}

impl<K: Element, L: Layout> Work for Transpose<'_, K, L> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for d in (0..self.dims).step_by(LANES) {
            let to = self.to.wrapping_add(d * PANEL + self.half * LANES);
            let (keys, half) = (self.keys, self.half);
            // SAFETY: some row sees each key, and it has so many elements; so has the panel.
            unsafe {
                if d + LANES <= self.dims {
                    keys.columns_to::<S, L>(s, half, d, All, to, PANEL);
                } else {
                    keys.columns_to::<S, L>(s, half, d, First(self.dims - d), to, PANEL);
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
        unsafe { cover::<S, ROWS, VECTORS, _>(s, 0..self.item.rows, 0..PANEL / LANES, &self) };
    }
}

impl<S: Simd> Tile<S> for Dots<'_> {
    const MOST: [usize; 2] = [12, PANEL / LANES];

    #[inline(always)]
    unsafe fn tile<const R: usize, const C: usize>(&self, s: S, row: usize, vector: usize) {
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
                dots.add_at(s, queries, 1, keys);
                queries = queries.wrapping_add(R);
                keys = keys.wrapping_add(PANEL);
            }
            let to = self.space.scores.wrapping_add(row * BLOCK + start);
            dots.store(s, to, BLOCK);
        }
    }
}
