//! The SIMD vocabulary: what an algorithm may say, in every tier.
//!
//! A vector has 16 lanes of f32 in every tier; a tier says how many of its registers make one. So an
//! algorithm over this vocabulary has no width in it, its order of operations is the same everywhere, and
//! tiers agree in bits as far as every operation here is exact or correctly rounded, which all of them are.
//! One, [`Simd::mac`], is another operation where there is FMA: what uses it agrees within the tiers that have
//! FMA, and within those that have not.
//!
//! The tier is a value: a token that only [`Simd::detect`] makes, on a CPU that has the features. Own
//! vocabulary rather than pulp's because pulp has no 16-bit conversions, no streaming stores and no SSE2
//! tier, and its vectors differ in width by tier.

mod element;
mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod sse2;
#[cfg(target_arch = "x86_64")]
mod transpose;

pub use element::{All, Bf16, Element, F16, First, Lanes};
pub use scalar::Scalar;

#[cfg(target_arch = "x86_64")]
pub use {avx2::Avx2, avx512::Avx512, sse2::Sse2};

use std::ffi::CStr;

/// Lanes in a vector, in every tier.
pub const LANES: usize = 16;

/// Work that is written over the vocabulary. Its method must be `#[inline(always)]`, so that it is compiled
/// with the features of the tier that runs it.
pub trait Work {
    /// What comes out.
    type Output;
    /// Does it in the tier of `s`.
    fn run<S: Simd>(self, s: S) -> Self::Output;
}

/// Work on tiles of accumulators that stay in registers. Its method must be `#[inline(always)]` as well.
pub trait TileWork {
    /// What comes out.
    type Output;
    /// Does it with at most `ROWS` x `VECTORS` accumulators: as many as leave registers for `VECTORS` vectors
    /// of one operand and a value of the other. Only the order in which elements are visited may depend on
    /// them, never the order of operations that makes one.
    fn run<S: Simd, const ROWS: usize, const VECTORS: usize>(self, s: S) -> Self::Output;
}

/// Where a square of 16 vectors, transposed, waits while its columns are used one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Squares {
    /// In registers: there are enough beside those of a few sums.
    Held,
    /// In memory, as elements are stored: to widen a column costs little, and half as many registers are shuffled.
    Stored,
    /// In memory, widened.
    Widened,
}

/// A tier: operations on vectors of 16 lanes.
///
/// Arithmetic is IEEE 754 binary32, to nearest even, contracted where it says so and nowhere else. A load of `count` lanes reads no byte
/// beyond them and leaves the other lanes +0; a store writes no byte beyond them; `count` is at most 16.
/// Addresses are aligned to the element, no more.
pub trait Simd: Copy + Send + Sync + 'static {
    /// The name in the table of kernels.
    const TIER: &'static CStr;
    /// Whether [`stream_f32`](Self::stream_f32) and its like go past the caches.
    const STREAMS: bool;
    /// Whether [`mac`](Self::mac) rounds once. It is the one operation whose bits differ between tiers.
    const FUSED: bool;
    /// Where a square waits while its columns are used one by one.
    const SQUARES: Squares;
    /// 16 lanes of f32.
    type F32: Copy;
    /// 16 lanes of 16 bits.
    type U16: Copy;
    /// 16 truth values.
    type Mask: Copy;

    /// The token, on a CPU and an operating system that have what the tier needs.
    fn detect() -> Option<Self>;
    /// Runs `work` in code that is compiled for this tier.
    fn vectorize<W: Work>(self, work: W) -> W::Output;
    /// Runs `work` on tiles of the size that this tier's registers hold.
    fn tiled<W: TileWork>(self, work: W) -> W::Output;

    /// Every lane is `value`.
    fn splat(self, value: f32) -> Self::F32;
    /// `a + b`.
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a - b`.
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a * b`.
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Lane i plus lane i + 8, then + 4, + 2, + 1.
    fn tree_sum(self, v: Self::F32) -> f32;
    /// Lane i to lane i + 1 and back, for every even i.
    fn swap_pairs(self, v: Self::F32) -> Self::F32;

    /// `a / b`.
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Multiply and accumulate, `a * b + c`: rounded once where [`FUSED`](Self::FUSED), else twice.
    fn mac(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// `a` where it is greater, else `b`; so `b` where either is NaN.
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// The greatest lane. No lane may be NaN.
    fn tree_max(self, v: Self::F32) -> f32;
    /// Where `a < b`; nowhere that either is NaN.
    fn less(self, a: Self::F32, b: Self::F32) -> Self::Mask;
    /// The first `count` lanes; all where `count` is 16 or more.
    fn first(self, count: usize) -> Self::Mask;
    /// `a` where the mask is set, else `b`.
    fn select(self, mask: Self::Mask, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Every lane's bits, shifted left by 23: what lay lowest becomes the exponent.
    fn into_exponent(self, v: Self::F32) -> Self::F32;
    /// Lane j of vector i to lane i of vector j. A tier says how to do this, or [`transpose_to`](Self::transpose_to).
    #[inline(always)]
    fn transpose(self, rows: [Self::F32; LANES]) -> [Self::F32; LANES] {
        let (mut square, mut columns) = ([[0.0; LANES]; LANES], rows);
        // SAFETY: a square of arrays of 16.
        unsafe {
            self.transpose_to(|k| rows[k], LANES, square.as_mut_ptr().cast(), LANES);
            for (column, from) in columns.iter_mut().zip(&square) {
                *column = self.load_f32(from.as_ptr());
            }
        }
        columns
    }
    /// The first `count` columns of 16 rows, stored `stride` elements apart. A row may be asked for more than once: a
    /// tier of few registers takes parts of it.
    ///
    /// # Safety
    /// 16 elements are writable at `to` and at every stride from it, so often.
    #[inline(always)]
    unsafe fn transpose_to(
        self,
        rows: impl Fn(usize) -> Self::F32,
        count: usize,
        to: *mut f32,
        stride: usize,
    ) {
        let mut square = [self.splat(0.0); LANES];
        for (k, row) in square.iter_mut().enumerate() {
            *row = rows(k);
        }
        for (i, column) in self.transpose(square).into_iter().enumerate().take(count) {
            // SAFETY: the caller's word.
            unsafe { self.store_f32(to.wrapping_add(i * stride), column) };
        }
    }
    /// The same of 16-bit elements.
    ///
    /// # Safety
    /// 16 elements are writable at `to` and at every stride from it, so often.
    #[inline(always)]
    unsafe fn transpose_u16_to(
        self,
        rows: impl Fn(usize) -> Self::U16,
        count: usize,
        to: *mut u16,
        stride: usize,
    ) {
        for i in 0..LANES {
            let mut row = [0; LANES];
            // SAFETY: an array of 16; the caller's word.
            unsafe {
                self.store_u16(row.as_mut_ptr(), rows(i));
                for (j, element) in row.into_iter().enumerate().take(count) {
                    to.wrapping_add(j * stride + i).write(element);
                }
            }
        }
    }

    /// binary16 to binary32, exactly.
    fn widen_f16(self, v: Self::U16) -> Self::F32;
    /// bfloat16 to binary32, exactly.
    fn widen_bf16(self, v: Self::U16) -> Self::F32;
    /// To binary16: nearest even, overflow to infinity, subnormals kept, NaN stays NaN.
    fn narrow_f16(self, v: Self::F32) -> Self::U16;
    /// To bfloat16, in the same way.
    fn narrow_bf16(self, v: Self::F32) -> Self::U16;

    /// Loads 16 lanes.
    ///
    /// # Safety
    /// 16 elements are readable at `p`.
    unsafe fn load_f32(self, p: *const f32) -> Self::F32;
    /// Loads the first `count` lanes.
    ///
    /// # Safety
    /// `count` elements are readable at `p`.
    unsafe fn load_f32_first(self, p: *const f32, count: usize) -> Self::F32;
    /// Loads 16 lanes.
    ///
    /// # Safety
    /// 16 elements are readable at `p`.
    unsafe fn load_u16(self, p: *const u16) -> Self::U16;
    /// Loads the first `count` lanes.
    ///
    /// # Safety
    /// `count` elements are readable at `p`.
    unsafe fn load_u16_first(self, p: *const u16, count: usize) -> Self::U16;

    /// Stores 16 lanes.
    ///
    /// # Safety
    /// 16 elements are writable at `p`.
    unsafe fn store_f32(self, p: *mut f32, v: Self::F32);
    /// Stores the first `count` lanes.
    ///
    /// # Safety
    /// `count` elements are writable at `p`.
    unsafe fn store_f32_first(self, p: *mut f32, v: Self::F32, count: usize);
    /// Stores 16 lanes.
    ///
    /// # Safety
    /// 16 elements are writable at `p`.
    unsafe fn store_u16(self, p: *mut u16, v: Self::U16);
    /// Stores the first `count` lanes.
    ///
    /// # Safety
    /// `count` elements are writable at `p`.
    unsafe fn store_u16_first(self, p: *mut u16, v: Self::U16, count: usize);

    /// Stores 16 lanes past the caches; [`fence`](Self::fence) before another thread may look.
    ///
    /// # Safety
    /// 16 elements are writable at `p`, a multiple of 64 bytes.
    unsafe fn stream_f32(self, p: *mut f32, v: Self::F32);
    /// Stores 16 lanes past the caches.
    ///
    /// # Safety
    /// 16 elements are writable at `p`, a multiple of 32 bytes.
    unsafe fn stream_u16(self, p: *mut u16, v: Self::U16);
    /// Orders streamed stores before what follows.
    fn fence(self);
    /// Asks for the cache line of `p`, which need not be a valid address.
    fn prefetch<T>(self, p: *const T);
    /// The same for use a while later: more of these may be on their way at once, and the nearest cache is left alone.
    fn prefetch_early<T>(self, p: *const T);
}

#[cfg(test)]
mod tests;
