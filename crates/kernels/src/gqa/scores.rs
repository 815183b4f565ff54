//! Scores of a panel of keys: the keys transposed, then tiles of dot products.

use std::marker::PhantomData;
use std::ops::Range;

use super::item::Item;
use super::keys;
use super::plan::{BLOCK, PANEL, Space};
use super::tile::{Accumulators, Tile, cover};
use crate::access::{Layout, Rows};
use crate::simd::{All, Element, First, LANES, Lanes, Simd, TileWork, Work};

/// Transposes keys `at..at + PANEL` of a block, widened, into `[dims][PANEL]`.
pub struct Transpose<'a, K, L> {
    pub item: &'a Item<'a>,
    pub block: usize,
    /// Keys of the block that a row sees; some are in the panel.
    pub seen: &'a Range<usize>,
    pub at: usize,
    pub to: *mut f32,
    /// What will be read next, if it is worth asking for.
    pub next: Option<&'a [Rows<K>; PANEL]>,
    pub layout: PhantomData<L>,
}

impl<K: Element, L: Layout> Work for Transpose<'_, K, L> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let dims = self.item.call.head_dim();
        // SAFETY: the call was checked, and the panel holds keys that are seen.
        let rows: [Rows<K>; PANEL] =
            unsafe { keys::panel(self.item, &self.item.call.k, self.block, self.seen, self.at) };
        for half in 0..PANEL / LANES {
            for d in (0..dims).step_by(LANES) {
                let to = self.to.wrapping_add(d * PANEL + half * LANES);
                // SAFETY: keys have so many elements, and the panel has so many rows.
                unsafe {
                    if dims - d >= LANES {
                        self.square(s, &rows, half, d, to, All);
                    } else {
                        self.square(s, &rows, half, d, to, First(dims - d));
                    }
                }
            }
        }
    }
}

impl<K: Element, L: Layout> Transpose<'_, K, L> {
    /// # Safety
    /// Keys have so many elements from `d` on, readable; as many rows are writable.
    #[inline(always)]
    unsafe fn square<S: Simd>(
        &self,
        s: S,
        rows: &[Rows<K>; PANEL],
        half: usize,
        d: usize,
        to: *mut f32,
        lanes: impl Lanes,
    ) {
        let mut square = [s.splat(0.0); LANES];
        for (row, &key) in square.iter_mut().zip(&rows[half * LANES..]) {
            // SAFETY: the caller's word.
            *row = unsafe { L::load(s, key, d, lanes) };
        }
        if let Some(next) = self.next {
            for row in &next[half * LANES..][..LANES] {
                s.prefetch(row.element(d));
            }
        }
        let square = s.transpose(square);
        for (i, column) in square.into_iter().enumerate() {
            if i < lanes.count().unwrap_or(LANES) {
                // SAFETY: the caller's word.
                unsafe { s.store_f32(to.wrapping_add(i * PANEL), column) };
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
