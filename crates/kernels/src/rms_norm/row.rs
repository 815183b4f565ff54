//! The arithmetic of a row, once for every tier, type and layout. The order of operations is the module's.

use tierwise_abi::rms_norm::Rounding;

use crate::access::{Layout, Rows};
use crate::simd::{All, Element, First, LANES, Lanes, Simd};

/// Where h comes from.
pub trait Input: Copy + Sync {
    /// The same, standing `row` rows further.
    fn at(self, row: usize) -> Self;

    /// Elements `i..` of h.
    ///
    /// # Safety
    /// As [`Layout::load`].
    unsafe fn load<S: Simd, L: Layout>(self, s: S, i: usize, lanes: impl Lanes) -> S::F32;

    /// Asks for the cache lines of elements `i..`.
    fn prefetch<S: Simd>(self, s: S, i: usize);
}

/// `h = x`.
#[derive(Clone, Copy)]
pub struct Plain<E>(pub Rows<E>);

/// `h = x + residual`.
#[derive(Clone, Copy)]
pub struct Summed<E>(pub Rows<E>, pub Rows<E>);

impl<E: Element> Input for Plain<E> {
    #[inline(always)]
    fn at(self, row: usize) -> Self {
        Self(self.0.at(row))
    }

    #[inline(always)]
    unsafe fn load<S: Simd, L: Layout>(self, s: S, i: usize, lanes: impl Lanes) -> S::F32 {
        // SAFETY: the caller's word.
        unsafe { L::load(s, self.0, i, lanes) }
    }

    #[inline(always)]
    fn prefetch<S: Simd>(self, s: S, i: usize) {
        s.prefetch(self.0.element(i));
    }
}

impl<E: Element> Input for Summed<E> {
    #[inline(always)]
    fn at(self, row: usize) -> Self {
        Self(self.0.at(row), self.1.at(row))
    }

    #[inline(always)]
    unsafe fn load<S: Simd, L: Layout>(self, s: S, i: usize, lanes: impl Lanes) -> S::F32 {
        // SAFETY: the caller's word, for both.
        unsafe { s.add(L::load(s, self.0, i, lanes), L::load(s, self.1, i, lanes)) }
    }

    #[inline(always)]
    fn prefetch<S: Simd>(self, s: S, i: usize) {
        s.prefetch(self.0.element(i));
        s.prefetch(self.1.element(i));
    }
}

/// What `h * r` is multiplied by.
pub trait Weight: Copy + Sync {
    /// Elements `i..` of `v * w`, where `E` is the type to round to before the weight, if that is asked.
    ///
    /// # Safety
    /// As [`Layout::load`].
    unsafe fn apply<S: Simd, E: Element, L: Layout>(
        self,
        s: S,
        v: S::F32,
        i: usize,
        lanes: impl Lanes,
        rounding: Rounding,
    ) -> S::F32;
}

/// 1.
#[derive(Clone, Copy)]
pub struct Unweighted;

/// `weight + weightOffset`.
#[derive(Clone, Copy)]
pub struct Weighted<E> {
    /// The weight, the same for every row.
    pub weight: Rows<E>,
    /// `weightOffset`.
    pub offset: f32,
}

impl Weight for Unweighted {
    #[inline(always)]
    unsafe fn apply<S: Simd, E: Element, L: Layout>(
        self,
        _: S,
        v: S::F32,
        _: usize,
        _: impl Lanes,
        _: Rounding,
    ) -> S::F32 {
        v
    }
}

impl<W: Element> Weight for Weighted<W> {
    #[inline(always)]
    unsafe fn apply<S: Simd, E: Element, L: Layout>(
        self,
        s: S,
        v: S::F32,
        i: usize,
        lanes: impl Lanes,
        rounding: Rounding,
    ) -> S::F32 {
        // SAFETY: the caller's word.
        let weight = unsafe { L::load(s, self.weight, i, lanes) };
        let weight = s.add(weight, s.splat(self.offset));
        let v = match rounding {
            Rounding::Once => v,
            Rounding::BeforeWeight => E::round(s, v),
        };
        s.mul(v, weight)
    }
}

/// The sum of squares of a row of `n` elements, in 32 lanes.
///
/// # Safety
/// `h` has `n` readable elements, and lies as the layout says.
#[inline(always)]
pub unsafe fn sum_of_squares<S: Simd, L: Layout>(s: S, h: impl Input, n: usize) -> f32 {
    let (mut low, mut high) = (s.splat(0.0), s.splat(0.0));
    let mut i = 0;
    // SAFETY: no load goes past n, by the conditions of the loop and the branches.
    unsafe {
        while n - i >= 2 * LANES {
            let (a, b) = (h.load::<S, L>(s, i, All), h.load::<S, L>(s, i + LANES, All));
            low = s.add(low, s.mul(a, a));
            high = s.add(high, s.mul(b, b));
            i += 2 * LANES;
        }
        // Lanes that the rest does not reach add the square of +0, which changes no bit of them.
        if n - i >= LANES {
            let a = h.load::<S, L>(s, i, All);
            low = s.add(low, s.mul(a, a));
            i += LANES;
            if n > i {
                let b = h.load::<S, L>(s, i, First(n - i));
                high = s.add(high, s.mul(b, b));
            }
        } else if n > i {
            let a = h.load::<S, L>(s, i, First(n - i));
            low = s.add(low, s.mul(a, a));
        }
    }
    s.tree_sum(s.add(low, high))
}

/// `1 / sqrt(sum / n + eps)`, in f64, rounded to f32 once.
#[inline(always)]
pub fn inverse_rms(sum_of_squares: f32, n: usize, eps: f64) -> f32 {
    let mean = f64::from(sum_of_squares) / n as f64;
    (1.0 / (mean + eps).sqrt()) as f32
}

/// Rows from this length on are written from a cache line's start: stores that cross lines cost more than a
/// short beginning does (one row of 4096 f32 off its line: 590 ns against 680 on AVX-512, Sapphire Rapids).
const LONG: usize = 512;

/// A row that is ready to be written.
pub struct Output<E, H, W> {
    /// h, standing at the row.
    pub h: H,
    /// h, standing at the row that comes next, if one does; prefetched where the output streams.
    pub next: H,
    /// w.
    pub weight: W,
    /// `residualOut`, standing at the row.
    pub residual_out: Option<Rows<E>>,
    /// y, standing at the row.
    pub y: Rows<E>,
    /// Elements in the row.
    pub n: usize,
    /// Where the roundings lie.
    pub rounding: Rounding,
}

impl<E: Element, H: Input, W: Weight> Output<E, H, W> {
    /// Writes y and residualOut.
    ///
    /// # Safety
    /// Everything has `n` elements, readable or writable, and lies as the layout says.
    #[inline(always)]
    pub unsafe fn write<S: Simd, L: Layout>(&self, s: S, inverse_rms: f32) {
        let r = s.splat(inverse_rms);
        let mut i = 0;
        // SAFETY: no part goes past n, by the conditions of the loops.
        unsafe {
            if L::STREAMS || self.n >= LONG && self.y.is_dense() {
                let head = self.y.before_line(self.n);
                while i < head {
                    let count = (head - i).min(LANES);
                    self.part::<S, L>(s, r, i, First(count));
                    i += count;
                }
            }
            while self.n - i >= LANES {
                self.part::<S, L>(s, r, i, All);
                i += LANES;
            }
            if i < self.n {
                self.part::<S, L>(s, r, i, First(self.n - i));
            }
        }
    }

    /// # Safety
    /// As [`write`](Self::write), for so many elements from `i` on; where the layout streams and they are 16,
    /// y's are aligned to their size together.
    #[inline(always)]
    unsafe fn part<S: Simd, L: Layout>(&self, s: S, r: S::F32, i: usize, lanes: impl Lanes) {
        // SAFETY: the caller's word.
        unsafe {
            let h = self.h.load::<S, L>(s, i, lanes);
            if let Some(residual_out) = self.residual_out {
                L::store(s, residual_out, i, h, lanes);
            }
            let y = self
                .weight
                .apply::<S, E, L>(s, s.mul(h, r), i, lanes, self.rounding);
            if L::STREAMS && lanes.count().is_none() {
                self.next.prefetch(s, in_quarters(i, self.n));
                E::stream(s, self.y.element(i), y);
            } else {
                L::store(s, self.y, i, y, lanes);
            }
        }
    }
}

/// Where to prefetch in the next row of `n` elements when element `i` of this one is written: its four quarters
/// in turn, a vector each. In rows of 16 KiB those are pages, and four streams keep more of the memory busy
/// than one (94 % of memcpy's speed against 82 %, Sapphire Rapids, 8192 rows); memcpy itself does the same.
#[inline(always)]
fn in_quarters(i: usize, n: usize) -> usize {
    let vector = i / LANES;
    vector % 4 * (n / 4) + vector / 4 * LANES
}
