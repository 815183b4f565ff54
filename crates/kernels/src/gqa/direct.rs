//! Few rows: keys and values are read where they lie, each once for all rows.

use std::marker::PhantomData;
use std::ops::Range;

use super::item::Item;
use super::panel::Share;
use super::plan::{BLOCK, Space};
use super::state::State;
use super::tile::{Accumulators, Tile, cover};
use crate::access::Layout;
use crate::simd::{All, Element, First, LANES, Lanes, Simd, TileWork, Work};

/// Rows of which dot products are made at a time: so few that they stay in registers, beside 16 vectors of keys.
pub const ROWS: usize = 4;

/// Dot products of all rows with the keys of a panel, in the order of [`Dots`](super::scores::Dots). Keys are
/// transposed in registers, 16 elements at a time; what was added so far stays among the scores meanwhile. A dot
/// product waits for its last addition, so those of the panel's halves take turns.
pub struct Dots<'a, K, L> {
    pub item: &'a Item<'a>,
    pub keys: Share<'a, K>,
    /// What will be read a while later, if anything.
    pub later: Option<Share<'a, K>>,
    /// Keys of the panel that are asked for, counted in the block.
    pub at: Range<usize>,
    pub space: Space,
    pub layout: PhantomData<L>,
}

impl<K: Element, L: Layout> Work for Dots<'_, K, L> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        s.tiled(self);
    }
}

impl<K: Element, L: Layout> TileWork for Dots<'_, K, L> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const ROWS: usize, const VECTORS: usize>(self, s: S) {
        let dims = self.item.call.head_dim();
        // Keys to ask for with every square.
        let some = (LANES * LANES).div_ceil(dims);
        let mut asked = 0;
        for d in (0..dims).step_by(LANES) {
            for first in self.at.clone().step_by(LANES) {
                if let Some(later) = self.later {
                    for k in asked..asked + some {
                        later.prefetch(s, k, 0..dims);
                    }
                }
                asked += some;
                // SAFETY: some row sees each key, which has so many elements; the space has scores and queries.
                unsafe {
                    if d + LANES <= dims {
                        self.square::<S, ROWS>(s, first, d, All);
                    } else {
                        self.square::<S, ROWS>(s, first, d, First(dims - d));
                    }
                }
            }
        }
    }
}

impl<K: Element, L: Layout> Dots<'_, K, L> {
    /// # Safety
    /// The keys have so many elements; the space has scores of all rows and elements of all queries.
    #[inline(always)]
    unsafe fn square<S: Simd, const ROWS: usize>(
        &self,
        s: S,
        first: usize,
        d: usize,
        lanes: impl Lanes,
    ) {
        let half = (first - self.at.start) / LANES;
        // SAFETY: the caller's word.
        unsafe {
            let square = Square {
                columns: self.keys.columns::<S, L>(s, half, d, lanes),
                count: lanes.count().unwrap_or(LANES),
                d,
                dims: self.item.call.head_dim(),
                queries: self.space.queries,
                scores: self.space.scores.wrapping_add(first),
            };
            cover::<S, ROWS, 1, _>(s, 0..self.item.rows, 0..1, &square);
        }
    }
}

/// 16 elements of 16 keys.
struct Square<S: Simd> {
    columns: [S::F32; LANES],
    count: usize,
    d: usize,
    dims: usize,
    queries: *const f32,
    scores: *mut f32,
}

impl<S: Simd> Tile<S> for Square<S> {
    const MOST: [usize; 2] = [ROWS, 1];

    #[inline(always)]
    unsafe fn tile<const R: usize, const C: usize>(&self, s: S, row: usize, _: usize) {
        let mut queries = self.queries.wrapping_add(row * self.dims + self.d * R);
        let scores = self.scores.wrapping_add(row * BLOCK);
        let mut dots = Accumulators::<S, R, 1>::zero(s);
        // SAFETY: whoever made it answers for scores and queries.
        unsafe {
            if self.d > 0 {
                dots = Accumulators::load(s, scores, BLOCK);
            }
            for &column in self.columns.iter().take(self.count) {
                dots.add(s, queries, 1, [column]);
                queries = queries.wrapping_add(R);
            }
            dots.store(s, scores, BLOCK);
        }
    }
}

/// Adds the weighted values of a panel to the sums of its block, in the order of [`Sums`](super::values::Sums).
pub struct Chunk<'a, K, L> {
    pub item: &'a Item<'a>,
    pub values: Share<'a, K>,
    /// What will be read a while later, if anything.
    pub later: Option<Share<'a, K>>,
    /// Keys of the block whose values these are: every row sees them.
    pub keys: Range<usize>,
    /// Whether they are the first of the block.
    pub first: bool,
    pub space: Space,
    pub layout: PhantomData<L>,
}

impl<K: Element, L: Layout> Work for Chunk<'_, K, L> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        s.tiled(self);
    }
}

impl<K: Element, L: Layout> TileWork for Chunk<'_, K, L> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const ROWS: usize, const VECTORS: usize>(self, s: S) {
        let dims = self.item.call.head_dim();
        let (rows, whole) = (0..self.item.rows, dims / LANES);
        // SAFETY: the space has so many rows and vectors, and every value so many elements.
        unsafe {
            cover::<S, ROWS, VECTORS, _>(s, rows.clone(), 0..whole, &self);
            let rest = Rest(&self, dims - whole * LANES);
            cover::<S, ROWS, VECTORS, _>(s, rows, whole..dims.div_ceil(LANES), &rest);
        }
    }
}

/// The elements that don't fill a vector, so many.
struct Rest<'a, T>(&'a T, usize);

impl<S: Simd, K: Element, L: Layout> Tile<S> for Chunk<'_, K, L> {
    const MOST: [usize; 2] = [12, 8];

    #[inline(always)]
    unsafe fn tile<const R: usize, const C: usize>(&self, s: S, row: usize, vector: usize) {
        // SAFETY: the caller's word.
        unsafe { self.add::<S, R, C>(s, row, vector, All) };
    }
}

impl<S: Simd, K: Element, L: Layout> Tile<S> for Rest<'_, Chunk<'_, K, L>> {
    const MOST: [usize; 2] = [12, 1];

    #[inline(always)]
    unsafe fn tile<const R: usize, const C: usize>(&self, s: S, row: usize, vector: usize) {
        // SAFETY: the caller's word; the vector is a value's last.
        unsafe { self.0.add::<S, R, C>(s, row, vector, First(self.1)) };
    }
}

impl<K: Element, L: Layout> Chunk<'_, K, L> {
    /// # Safety
    /// As [`Tile::tile`], and values have so many elements in each of the vectors.
    #[inline(always)]
    unsafe fn add<S: Simd, const R: usize, const C: usize>(
        &self,
        s: S,
        row: usize,
        vector: usize,
        lanes: impl Lanes,
    ) {
        let Self { space, keys, .. } = self;
        let padded = space.state.padded;
        let weights = space.scores.wrapping_add(row * BLOCK);
        let to = space.sums.wrapping_add(row * padded + vector * LANES);
        let mut sums = Accumulators::<S, R, C>::zero(s);
        // SAFETY: the caller's word; the space has the sums.
        unsafe {
            if !self.first {
                sums = Accumulators::load(s, to, padded);
            }
            for (k, key) in keys.clone().enumerate() {
                if let Some(later) = self.later.filter(|_| row == 0) {
                    later.prefetch(s, k, vector * LANES..(vector + C) * LANES);
                }
                let value = self.values.row(k);
                let mut vectors = [s.splat(0.0); C];
                for (c, element) in vectors.iter_mut().enumerate() {
                    let d = (vector + c) * LANES;
                    *element = L::load(s, value, d, lanes);
                }
                sums.add(s, weights.wrapping_add(key), BLOCK, vectors);
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
