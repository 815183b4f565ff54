//! The arithmetic of a head, once for every tier, type and layout. The order of operations is the module's.

use super::row::Row;
use crate::access::{Layout, Rows};
use crate::simd::{All, Element, First, LANES, Lanes, Simd};

/// Which elements of a head make a pair.
pub trait Pairing: Send + Sync + 'static {
    /// How often a row holds the cosine and the sine of a pair.
    const REPEATS: usize;

    /// Writes the cosines and sines of 16 pairs as [`part`](Self::part) reads them.
    fn repeat(cos: &[f32; LANES], sin: &[f32; LANES], to_cos: &mut [f32], to_sin: &mut [f32]);

    /// Turns what elements `i..` of the row are for.
    ///
    /// # Safety
    /// As [`Head::rotate`]; the row has so many elements from `i` on.
    unsafe fn part<S: Simd, E: Element, L: Layout>(
        s: S,
        head: &Head<E>,
        row: Row,
        i: usize,
        lanes: impl Lanes,
    );
}

/// Pairs (i, i + pairs).
#[derive(Debug)]
pub struct Half;

impl Pairing for Half {
    const REPEATS: usize = 1;

    #[inline(always)]
    fn repeat(cos: &[f32; LANES], sin: &[f32; LANES], to_cos: &mut [f32], to_sin: &mut [f32]) {
        to_cos.copy_from_slice(cos);
        to_sin.copy_from_slice(sin);
    }

    #[inline(always)]
    unsafe fn part<S: Simd, E: Element, L: Layout>(
        s: S,
        &Head { x, y, pairs, .. }: &Head<E>,
        row: Row,
        i: usize,
        lanes: impl Lanes,
    ) {
        // SAFETY: the caller's word.
        unsafe {
            let (a, b) = (L::load(s, x, i, lanes), L::load(s, x, pairs + i, lanes));
            let (cos, sin) = row.load(s, i, lanes);
            let turned_a = s.sub(s.mul(a, cos), s.mul(b, sin));
            let turned_b = s.add(s.mul(b, cos), s.mul(a, sin));
            store::<S, E, L>(s, y, i, turned_a, lanes);
            store::<S, E, L>(s, y, pairs + i, turned_b, lanes);
        }
    }
}

/// Pairs (2i, 2i + 1). In the row, -sin and sin alternate: each element of a pair is then itself times the cosine
/// plus the other one times what stands there, and `a cos + b (-sin)` is `a cos - b sin` to the last bit.
#[derive(Debug)]
pub struct Interleaved;

impl Pairing for Interleaved {
    const REPEATS: usize = 2;

    #[inline(always)]
    fn repeat(cos: &[f32; LANES], sin: &[f32; LANES], to_cos: &mut [f32], to_sin: &mut [f32]) {
        let (to_cos, to_sin) = (to_cos.as_chunks_mut().0, to_sin.as_chunks_mut().0);
        for i in 0..LANES {
            to_cos[i] = [cos[i]; 2];
            to_sin[i] = [-sin[i], sin[i]];
        }
    }

    #[inline(always)]
    unsafe fn part<S: Simd, E: Element, L: Layout>(
        s: S,
        &Head { x, y, .. }: &Head<E>,
        row: Row,
        i: usize,
        lanes: impl Lanes,
    ) {
        // SAFETY: the caller's word.
        unsafe {
            let v = L::load(s, x, i, lanes);
            let (cos, sin) = row.load(s, i, lanes);
            let turned = s.add(s.mul(v, cos), s.mul(s.swap_pairs(v), sin));
            store::<S, E, L>(s, y, i, turned, lanes);
        }
    }
}

/// # Safety
/// As [`Layout::store`]; where the layout streams and the lanes are 16, their elements of y are aligned to their
/// size together.
#[inline(always)]
unsafe fn store<S: Simd, E: Element, L: Layout>(
    s: S,
    y: Rows<E>,
    i: usize,
    v: S::F32,
    lanes: impl Lanes,
) {
    // SAFETY: the caller's word.
    unsafe {
        if L::STREAMS && lanes.count().is_none() {
            E::stream(s, y.element(i), v);
        } else {
            L::store(s, y, i, v, lanes);
        }
    }
}

/// A head, before and after.
#[derive(Clone, Copy)]
pub struct Head<E> {
    /// x, standing at the head.
    pub x: Rows<E>,
    /// y, standing at the head.
    pub y: Rows<E>,
    /// How many pairs are turned.
    pub pairs: usize,
    /// Elements of the head; those behind the pairs are copied.
    pub n: usize,
}

impl<E: Element> Head<E> {
    /// Turns the pairs, and copies what comes behind them.
    ///
    /// # Safety
    /// x and y have n elements, readable and writable, and lie as the layout says; the row has what its pairing
    /// repeats. Where the layout streams, the elements of y that a part stores begin in one place of a cache
    /// line, and no line begins within a pair.
    #[inline(always)]
    pub unsafe fn rotate<S: Simd, P: Pairing, L: Layout>(&self, s: S, row: Row) {
        let n = self.pairs * P::REPEATS;
        let mut i = 0;
        // SAFETY: no part goes past n, by the conditions of the loops.
        unsafe {
            if L::STREAMS {
                let head = self.y.before_line(n);
                while i < head {
                    let count = (head - i).min(LANES);
                    P::part::<S, E, L>(s, self, row, i, First(count));
                    i += count;
                }
            }
            while n - i >= LANES {
                P::part::<S, E, L>(s, self, row, i, All);
                i += LANES;
            }
            if i < n {
                P::part::<S, E, L>(s, self, row, i, First(n - i));
            }
            self.copy_rest();
        }
    }

    /// Bit for bit, as no conversion to f32 and back would.
    ///
    /// # Safety
    /// As [`rotate`](Self::rotate).
    #[inline(always)]
    unsafe fn copy_rest(&self) {
        let rest = 2 * self.pairs..self.n;
        let in_place = self.x.address(0) == self.y.address(0);
        if rest.is_empty() || in_place {
            return;
        }
        // SAFETY: the caller's word; a y that is not x is apart from it.
        unsafe {
            if self.x.is_dense() && self.y.is_dense() {
                let (from, to) = (self.x.element(rest.start), self.y.element(rest.start));
                to.copy_from_nonoverlapping(from, rest.len());
            } else {
                rest.for_each(|i| self.y.address(i).write(self.x.address(i).read()));
            }
        }
    }
}
