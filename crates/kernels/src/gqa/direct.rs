//! Few rows: keys and values are read where they lie, each once for all rows.

use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;

use super::item::Item;
use super::panel::{LINE, Lines, Share};
use super::plan::{BLOCK, Space};
use super::state::State;
use super::tile::{Accumulators, Tile, cover};
use crate::access::Layout;
use crate::simd::{All, Element, First, LANES, Lanes, Simd, Squares, TileWork, Work};

/// Rows of which dot products are made at a time: so few that they stay in registers, beside 16 vectors of keys.
pub const ROWS: usize = 4;

/// Dot products of all rows with the keys of a panel, in the order of [`Dots`](super::scores::Dots). Keys are
/// transposed 16 elements at a time; what was added so far stays among the scores meanwhile. A dot product waits for
/// its last addition, so those of the panel's halves take turns.
pub struct Dots<'a, K, L> {
    pub item: &'a Item<'a>,
    pub keys: Share<'a, K>,
    /// What will be read a while later.
    pub later: Lines<'a, K>,
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
        let mut later = self.later;
        for d in (0..dims).step_by(LANES) {
            for first in self.at.clone().step_by(LANES) {
                for _ in 0..LANES * LANES * size_of::<K>() / LINE {
                    later.ask(s);
                }
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
            let at = Square {
                d,
                dims: self.item.call.head_dim(),
                count: lanes.count().unwrap_or(LANES),
                queries: self.space.queries,
                scores: self.space.scores.wrapping_add(first),
            };
            let rows = 0..self.item.rows;
            let mut room = MaybeUninit::<Room>::uninit();
            let room = room.as_mut_ptr();
            match S::SQUARES {
                Squares::Held => {
                    let columns = self.keys.columns::<S, L>(s, half, d, lanes);
                    cover::<S, ROWS, 1, _>(s, rows, 0..1, &Held { columns, at });
                }
                Squares::Stored => {
                    let columns = room.cast::<K>();
                    self.keys
                        .columns_as_stored::<S, L>(s, half, d, lanes, columns);
                    cover::<S, ROWS, 1, _>(s, rows, 0..1, &Stored { columns, at });
                }
                Squares::Widened => {
                    let columns = room.cast::<f32>();
                    self.keys
                        .columns_to::<S, L>(s, half, d, lanes, columns, LANES);
                    cover::<S, ROWS, 1, _>(s, rows, 0..1, &Stored { columns, at });
                }
            }
        }
    }
}

/// 16 elements of 16 keys, with those of the queries, and where the scores are.
struct Square {
    d: usize,
    dims: usize,
    count: usize,
    queries: *const f32,
    scores: *mut f32,
}

impl Square {
    /// Adds `column(i)` of the keys, times that of each query, for every i in turn.
    ///
    /// # Safety
    /// There are scores and queries of so many rows.
    #[inline(always)]
    unsafe fn add<S: Simd, const R: usize>(
        &self,
        s: S,
        row: usize,
        column: impl Fn(usize) -> S::F32,
    ) {
        let mut queries = self.queries.wrapping_add(row * self.dims + self.d * R);
        let scores = self.scores.wrapping_add(row * BLOCK);
        let mut dots = Accumulators::<S, R, 1>::zero(s);
        // SAFETY: the caller's word.
        unsafe {
            if self.d > 0 {
                dots = Accumulators::load(s, scores, BLOCK);
            }
            for i in 0..self.count {
                dots.add(s, queries, 1, [column(i)]);
                queries = queries.wrapping_add(R);
            }
            dots.store(s, scores, BLOCK);
        }
    }
}

/// A square whose keys, transposed, are in registers.
struct Held<S: Simd> {
    columns: [S::F32; LANES],
    at: Square,
}

impl<S: Simd> Tile<S> for Held<S> {
    const MOST: [usize; 2] = [ROWS, 1];

    #[inline(always)]
    unsafe fn tile<const R: usize, const C: usize>(&self, s: S, row: usize, _: usize) {
        // SAFETY: the caller's word.
        unsafe { self.at.add::<S, R>(s, row, |i| self.columns[i]) };
    }
}

/// A square whose keys, transposed, are in memory.
struct Stored<K> {
    columns: *const K,
    at: Square,
}

/// Room for a square.
#[repr(align(64))]
struct Room(#[expect(dead_code, reason = "never named")] [f32; LANES * LANES]);

impl<S: Simd, K: Element> Tile<S> for Stored<K> {
    const MOST: [usize; 2] = [ROWS, 1];

    #[inline(always)]
    unsafe fn tile<const R: usize, const C: usize>(&self, s: S, row: usize, _: usize) {
        // SAFETY: the caller's word; so many columns were stored.
        let column = |i| unsafe { K::load(s, self.columns.wrapping_add(i * LANES), All) };
        // SAFETY: the caller's word.
        unsafe { self.at.add::<S, R>(s, row, column) };
    }
}

/// Adds the weighted values of a panel to the sums of its block, in the order of [`Sums`](super::values::Sums).
pub struct Chunk<'a, K, L> {
    pub item: &'a Item<'a>,
    pub values: Share<'a, K>,
    /// What will be read a while later.
    pub later: Cell<Lines<'a, K>>,
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
        let mut later = self.later.get();
        // SAFETY: the caller's word; the space has the sums.
        unsafe {
            if !self.first {
                sums = Accumulators::load(s, to, padded);
            }
            for (k, key) in keys.clone().enumerate() {
                for _ in 0..(C * LANES * size_of::<K>()).div_ceil(LINE) {
                    later.ask(s);
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
        self.later.set(later);
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
