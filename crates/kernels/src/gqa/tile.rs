//! Rows and vectors, covered by tiles of accumulators that stay in registers.

use std::ops::Range;

use crate::simd::{LANES, Simd};

/// Work that can be done on any tile.
pub trait Tile<S: Simd> {
    /// Rows and vectors of a tile, at most; 12 and 8 where nothing is gained by fewer.
    const MOST: [usize; 2];

    /// Does rows `row..row + R` and vectors `vector..vector + C`.
    ///
    /// # Safety
    /// They are within the work's own, whose memory may be used.
    unsafe fn tile<const R: usize, const C: usize>(&self, s: S, row: usize, vector: usize);
}

/// Rows of the next tile, of those that are `left`, in a tier whose tiles have at most `most`.
#[inline(always)]
pub fn rows_of(left: usize, most: usize) -> usize {
    match left.min(most) {
        12.. => 12,
        6.. => 6,
        4.. => 4,
        2.. => 2,
        _ => 1,
    }
}

/// Vectors of the next tile, of those that are `left`, beside so many rows, in so many accumulators.
#[inline(always)]
fn vectors_of(left: usize, rows: usize, accumulators: usize) -> usize {
    match left.min(accumulators / rows) {
        8.. => 8,
        4.. => 4,
        2.. => 2,
        _ => 1,
    }
}

/// Does all `rows` and `vectors`, each once.
///
/// # Safety
/// As [`Tile::tile`].
#[inline(always)]
pub unsafe fn cover<S: Simd, const ROWS: usize, const VECTORS: usize, T: Tile<S>>(
    s: S,
    rows: Range<usize>,
    vectors: Range<usize>,
    work: &T,
) {
    let mut row = rows.start;
    while row < rows.end {
        let r = rows_of((rows.end - row).min(T::MOST[0]), ROWS);
        let mut vector = vectors.start;
        while vector < vectors.end {
            let c = vectors_of((vectors.end - vector).min(T::MOST[1]), r, ROWS * VECTORS);
            macro_rules! tiles {
                ($($rows:literal: $($vectors:literal),*;)*) => {
                    match (r, c) {
                        // Tiles that a tier never asks for are not compiled for it.
                        $($(($rows, $vectors) if const { $rows <= ROWS && $rows <= T::MOST[0] && $vectors <= T::MOST[1] && $rows * $vectors <= ROWS * VECTORS } => {
                            // SAFETY: the caller's word; the tile is within rows and vectors.
                            unsafe { work.tile::<$rows, $vectors>(s, row, vector) }
                        })*)*
                        _ => unreachable!("a tile of {r} x {c}"),
                    }
                };
            }
            tiles! {
                12: 1, 2;
                6: 1, 2, 4;
                4: 1, 2, 4;
                2: 1, 2, 4, 8;
                1: 1, 2, 4, 8;
            }
            vector += c;
        }
        row += r;
    }
}

/// The accumulators of a tile.
pub struct Accumulators<S: Simd, const R: usize, const C: usize>([[S::F32; C]; R]);

impl<S: Simd, const R: usize, const C: usize> Accumulators<S, R, C> {
    /// All +0.
    #[inline(always)]
    pub fn zero(s: S) -> Self {
        Self([[s.splat(0.0); C]; R])
    }

    /// Those that were stored.
    ///
    /// # Safety
    /// Rows `row` floats apart hold so many vectors.
    #[inline(always)]
    pub unsafe fn load(s: S, from: *const f32, row: usize) -> Self {
        let mut sums = Self::zero(s);
        for (r, sums) in sums.0.iter_mut().enumerate() {
            for (c, sum) in sums.iter_mut().enumerate() {
                // SAFETY: the caller's word.
                *sum = unsafe { s.load_f32(from.wrapping_add(r * row + c * LANES)) };
            }
        }
        sums
    }

    /// Adds, to each row, the vectors that stand at `from`, times its factor; the factors are `row` floats apart.
    ///
    /// # Safety
    /// There are so many factors and vectors.
    #[inline(always)]
    pub unsafe fn add_at(&mut self, s: S, factors: *const f32, row: usize, from: *const f32) {
        let mut vectors = [s.splat(0.0); C];
        for (c, vector) in vectors.iter_mut().enumerate() {
            // SAFETY: the caller's word.
            *vector = unsafe { s.load_f32(from.wrapping_add(c * LANES)) };
        }
        // SAFETY: the caller's word.
        unsafe { self.add(s, factors, row, vectors) };
    }

    /// Adds, to each row, the vectors times its factor.
    ///
    /// # Safety
    /// There are so many factors, `row` floats apart.
    #[inline(always)]
    pub unsafe fn add(&mut self, s: S, factors: *const f32, row: usize, vectors: [S::F32; C]) {
        for (r, sums) in self.0.iter_mut().enumerate() {
            // SAFETY: the caller's word.
            let factor = s.splat(unsafe { *factors.wrapping_add(r * row) });
            for (sum, &vector) in sums.iter_mut().zip(&vectors) {
                *sum = s.mac(factor, vector, *sum);
            }
        }
    }

    /// Joins them into sums that are there: those times the row's first factor, plus these times its second.
    ///
    /// # Safety
    /// Rows `row` floats apart hold so many vectors, and there are as many factors.
    #[inline(always)]
    pub unsafe fn join(self, s: S, to: *mut f32, row: usize, old: *const f32, new: *const f32) {
        for (r, sums) in self.0.iter().enumerate() {
            // SAFETY: the caller's word.
            let [old, new] = [old, new].map(|factors| unsafe { *factors.wrapping_add(r) });
            let (old, new) = (s.splat(old), s.splat(new));
            for (c, &sum) in sums.iter().enumerate() {
                let to = to.wrapping_add(r * row + c * LANES);
                // SAFETY: the caller's word.
                unsafe { s.store_f32(to, s.mac(s.load_f32(to), old, s.mul(sum, new))) };
            }
        }
    }

    /// Stores them.
    ///
    /// # Safety
    /// Rows `row` floats apart have room for so many vectors.
    #[inline(always)]
    pub unsafe fn store(self, s: S, to: *mut f32, row: usize) {
        for (r, sums) in self.0.iter().enumerate() {
            for (c, &sum) in sums.iter().enumerate() {
                // SAFETY: the caller's word.
                unsafe { s.store_f32(to.wrapping_add(r * row + c * LANES), sum) };
            }
        }
    }
}
