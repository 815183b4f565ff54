//! Tier `sse2`: SSE2 alone, four registers a vector.

mod convert;
pub(super) mod partial;

use std::arch::x86_64::*;
use std::ffi::CStr;

use super::transpose::transpose_4;
use super::{LANES, Simd, Squares, TileWork, Work};
use crate::cpu;
use convert::{narrow_bf16_4, narrow_f16_4, pack_low_16, widen_f16_4};
use partial::{load_f32_4_first, load_u16_8_first, store_f32_4_first, store_u16_8_first};

/// Proof that the CPU has SSE2.
#[derive(Clone, Copy, Debug)]
pub struct Sse2(());

/// Lanes of f32 in a register.
const WIDTH: usize = LANES / 4;

/// Intrinsics of this tier's features.
macro_rules! proved {
    ($intrinsics:expr) => {{
        // SAFETY: a token is at hand, and only `detect` makes one, where the CPU has the features.
        unsafe { $intrinsics }
    }};
}

impl Simd for Sse2 {
    const TIER: &'static CStr = c"sse2";
    const STREAMS: bool = true;
    const SQUARES: Squares = Squares::Widened;
    const FUSED: bool = false;
    type F32 = [__m128; 4];
    type U16 = [__m128i; 2];
    type Mask = [__m128; 4];

    fn detect() -> Option<Self> {
        cpu::features().sse2.then_some(Self(()))
    }

    fn vectorize<W: Work>(self, work: W) -> W::Output {
        #[target_feature(enable = "sse2")]
        fn inner<W: Work>(s: Sse2, work: W) -> W::Output {
            work.run(s)
        }
        proved!(inner(self, work))
    }

    #[inline(always)]
    fn tiled<W: TileWork>(self, work: W) -> W::Output {
        work.run::<Self, 2, 1>(self)
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F32 {
        [proved!(_mm_set1_ps(value)); 4]
    }

    #[inline(always)]
    fn add(self, [a, b, c, d]: Self::F32, [e, f, g, h]: Self::F32) -> Self::F32 {
        proved!([
            _mm_add_ps(a, e),
            _mm_add_ps(b, f),
            _mm_add_ps(c, g),
            _mm_add_ps(d, h)
        ])
    }

    #[inline(always)]
    fn sub(self, [a, b, c, d]: Self::F32, [e, f, g, h]: Self::F32) -> Self::F32 {
        proved!([
            _mm_sub_ps(a, e),
            _mm_sub_ps(b, f),
            _mm_sub_ps(c, g),
            _mm_sub_ps(d, h)
        ])
    }

    #[inline(always)]
    fn mul(self, [a, b, c, d]: Self::F32, [e, f, g, h]: Self::F32) -> Self::F32 {
        proved!([
            _mm_mul_ps(a, e),
            _mm_mul_ps(b, f),
            _mm_mul_ps(c, g),
            _mm_mul_ps(d, h)
        ])
    }

    #[inline(always)]
    fn tree_sum(self, [a, b, c, d]: Self::F32) -> f32 {
        proved!(tree_sum_4(_mm_add_ps(_mm_add_ps(a, c), _mm_add_ps(b, d))))
    }

    #[inline(always)]
    fn swap_pairs(self, v: Self::F32) -> Self::F32 {
        v.map(|v| proved!(_mm_shuffle_ps::<0b10_11_00_01>(v, v)))
    }

    #[inline(always)]
    fn div(self, [a, b, c, d]: Self::F32, [e, f, g, h]: Self::F32) -> Self::F32 {
        proved!([
            _mm_div_ps(a, e),
            _mm_div_ps(b, f),
            _mm_div_ps(c, g),
            _mm_div_ps(d, h)
        ])
    }

    #[inline(always)]
    fn mac(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32 {
        self.add(self.mul(a, b), c)
    }

    #[inline(always)]
    fn max(self, [a, b, c, d]: Self::F32, [e, f, g, h]: Self::F32) -> Self::F32 {
        proved!([
            _mm_max_ps(a, e),
            _mm_max_ps(b, f),
            _mm_max_ps(c, g),
            _mm_max_ps(d, h)
        ])
    }

    #[inline(always)]
    fn tree_max(self, [a, b, c, d]: Self::F32) -> f32 {
        proved!(tree_max_4(_mm_max_ps(_mm_max_ps(a, c), _mm_max_ps(b, d))))
    }

    #[inline(always)]
    fn less(self, [a, b, c, d]: Self::F32, [e, f, g, h]: Self::F32) -> Self::Mask {
        proved!([
            _mm_cmplt_ps(a, e),
            _mm_cmplt_ps(b, f),
            _mm_cmplt_ps(c, g),
            _mm_cmplt_ps(d, h)
        ])
    }

    #[inline(always)]
    fn first(self, count: usize) -> Self::Mask {
        proved!({
            let count = _mm_set1_epi32(count.min(LANES) as i32);
            [0, 4, 8, 12].map(|i| {
                _mm_castsi128_ps(_mm_cmpgt_epi32(
                    count,
                    _mm_setr_epi32(i, i + 1, i + 2, i + 3),
                ))
            })
        })
    }

    #[inline(always)]
    fn select(self, mask: Self::Mask, a: Self::F32, mut b: Self::F32) -> Self::F32 {
        for k in 0..4 {
            b[k] = proved!(_mm_or_ps(
                _mm_and_ps(mask[k], a[k]),
                _mm_andnot_ps(mask[k], b[k])
            ));
        }
        b
    }

    #[inline(always)]
    fn into_exponent(self, v: Self::F32) -> Self::F32 {
        v.map(|v| proved!(_mm_castsi128_ps(_mm_slli_epi32::<23>(_mm_castps_si128(v)))))
    }

    #[inline(always)]
    unsafe fn transpose_to(
        self,
        rows: impl Fn(usize) -> Self::F32,
        count: usize,
        to: *mut f32,
        stride: usize,
    ) {
        for i in 0..4 {
            for j in 0..4 {
                let mut block = [proved!(_mm_setzero_ps()); 4];
                for (k, row) in block.iter_mut().enumerate() {
                    *row = rows(4 * i + k)[j];
                }
                let block = proved!(transpose_4(block));
                for (k, column) in block.into_iter().enumerate() {
                    if 4 * j + k < count {
                        let to = to.wrapping_add((4 * j + k) * stride + 4 * i);
                        // SAFETY: the caller's word.
                        unsafe { _mm_storeu_ps(to, column) };
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn widen_f16(self, [a, b]: Self::U16) -> Self::F32 {
        proved!({
            let zero = _mm_setzero_si128();
            [
                widen_f16_4(_mm_unpacklo_epi16(a, zero)),
                widen_f16_4(_mm_unpackhi_epi16(a, zero)),
                widen_f16_4(_mm_unpacklo_epi16(b, zero)),
                widen_f16_4(_mm_unpackhi_epi16(b, zero)),
            ]
        })
    }

    #[inline(always)]
    fn widen_bf16(self, [a, b]: Self::U16) -> Self::F32 {
        proved!({
            let zero = _mm_setzero_si128();
            [
                _mm_castsi128_ps(_mm_unpacklo_epi16(zero, a)),
                _mm_castsi128_ps(_mm_unpackhi_epi16(zero, a)),
                _mm_castsi128_ps(_mm_unpacklo_epi16(zero, b)),
                _mm_castsi128_ps(_mm_unpackhi_epi16(zero, b)),
            ]
        })
    }

    #[inline(always)]
    fn narrow_f16(self, [a, b, c, d]: Self::F32) -> Self::U16 {
        proved!([
            pack_low_16(narrow_f16_4(a), narrow_f16_4(b)),
            pack_low_16(narrow_f16_4(c), narrow_f16_4(d)),
        ])
    }

    #[inline(always)]
    fn narrow_bf16(self, [a, b, c, d]: Self::F32) -> Self::U16 {
        proved!([
            pack_low_16(narrow_bf16_4(a), narrow_bf16_4(b)),
            pack_low_16(narrow_bf16_4(c), narrow_bf16_4(d)),
        ])
    }

    #[inline(always)]
    unsafe fn load_f32(self, p: *const f32) -> Self::F32 {
        // SAFETY: 16 elements are readable, by the caller's word.
        unsafe {
            [
                _mm_loadu_ps(p),
                _mm_loadu_ps(p.add(4)),
                _mm_loadu_ps(p.add(8)),
                _mm_loadu_ps(p.add(12)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn load_f32_first(self, p: *const f32, count: usize) -> Self::F32 {
        let mut v = self.splat(0.0);
        for (k, register) in v.iter_mut().enumerate() {
            // SAFETY: as many elements are readable as `count` leaves for this register.
            unsafe {
                *register = load_f32_4_first(p.wrapping_add(WIDTH * k), left(count, k, WIDTH))
            }
        }
        v
    }

    #[inline(always)]
    unsafe fn load_u16(self, p: *const u16) -> Self::U16 {
        // SAFETY: 16 elements are readable, by the caller's word.
        unsafe { [_mm_loadu_si128(p.cast()), _mm_loadu_si128(p.add(8).cast())] }
    }

    #[inline(always)]
    unsafe fn load_u16_first(self, p: *const u16, count: usize) -> Self::U16 {
        // SAFETY: as many elements are readable as `count` leaves for each register.
        unsafe {
            [
                load_u16_8_first(p, left(count, 0, 8)),
                load_u16_8_first(p.wrapping_add(8), left(count, 1, 8)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn store_f32(self, p: *mut f32, v: Self::F32) {
        for (k, register) in v.into_iter().enumerate() {
            // SAFETY: 16 elements are writable, by the caller's word.
            unsafe { _mm_storeu_ps(p.add(WIDTH * k), register) }
        }
    }

    #[inline(always)]
    unsafe fn store_f32_first(self, p: *mut f32, v: Self::F32, count: usize) {
        for (k, register) in v.into_iter().enumerate() {
            // SAFETY: as many elements are writable as `count` leaves for this register.
            unsafe { store_f32_4_first(p.wrapping_add(WIDTH * k), register, left(count, k, WIDTH)) }
        }
    }

    #[inline(always)]
    unsafe fn store_u16(self, p: *mut u16, [a, b]: Self::U16) {
        // SAFETY: 16 elements are writable, by the caller's word.
        unsafe {
            _mm_storeu_si128(p.cast(), a);
            _mm_storeu_si128(p.add(8).cast(), b);
        }
    }

    #[inline(always)]
    unsafe fn store_u16_first(self, p: *mut u16, [a, b]: Self::U16, count: usize) {
        // SAFETY: as many elements are writable as `count` leaves for each register.
        unsafe {
            store_u16_8_first(p, a, left(count, 0, 8));
            store_u16_8_first(p.wrapping_add(8), b, left(count, 1, 8));
        }
    }

    #[inline(always)]
    unsafe fn stream_f32(self, p: *mut f32, v: Self::F32) {
        for (k, register) in v.into_iter().enumerate() {
            // SAFETY: 16 elements are writable and aligned to 64 bytes, by the caller's word.
            unsafe { _mm_stream_ps(p.add(WIDTH * k), register) }
        }
    }

    #[inline(always)]
    unsafe fn stream_u16(self, p: *mut u16, [a, b]: Self::U16) {
        // SAFETY: 16 elements are writable and aligned to 32 bytes, by the caller's word.
        unsafe {
            _mm_stream_si128(p.cast(), a);
            _mm_stream_si128(p.add(8).cast(), b);
        }
    }

    #[inline(always)]
    fn fence(self) {
        proved!(_mm_sfence());
    }

    #[inline(always)]
    fn prefetch<T>(self, p: *const T) {
        proved!(_mm_prefetch::<_MM_HINT_T0>(p.cast()));
    }

    #[inline(always)]
    fn prefetch_early<T>(self, p: *const T) {
        proved!(_mm_prefetch::<_MM_HINT_T1>(p.cast()));
    }
}

/// How many of `count` elements fall to register `k` of registers of `width`.
#[inline(always)]
fn left(count: usize, k: usize, width: usize) -> usize {
    count.saturating_sub(width * k).min(width)
}

/// Lane i plus lane i + 2, then + 1.
///
/// # Safety
/// SSE2.
#[inline(always)]
pub(super) unsafe fn tree_sum_4(v: __m128) -> f32 {
    // SAFETY: the caller's word.
    unsafe {
        let pairs = _mm_add_ps(v, _mm_movehl_ps(v, v));
        _mm_cvtss_f32(_mm_add_ss(pairs, _mm_shuffle_ps::<1>(pairs, pairs)))
    }
}

/// The greater of lane i and lane i + 2, then + 1.
///
/// # Safety
/// SSE2.
#[inline(always)]
pub(super) unsafe fn tree_max_4(v: __m128) -> f32 {
    // SAFETY: the caller's word.
    unsafe {
        let pairs = _mm_max_ps(v, _mm_movehl_ps(v, v));
        _mm_cvtss_f32(_mm_max_ss(pairs, _mm_shuffle_ps::<1>(pairs, pairs)))
    }
}
