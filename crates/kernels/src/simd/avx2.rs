//! Tier `avx2`: AVX2, FMA, F16C, BMI1 and BMI2, two registers a vector.

use std::arch::x86_64::*;
use std::ffi::CStr;

use super::sse2::partial::{load_u16_8_first, store_u16_8_first};
use super::sse2::{tree_max_4, tree_sum_4};
use super::transpose::{transpose_8, transpose_8_in_halves};
use super::{LANES, Simd, Squares, TileWork, Work};
use crate::cpu;

/// Proof that the CPU has the features and the operating system keeps the registers.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

/// Lanes of f32 in a register.
const WIDTH: usize = LANES / 2;

/// Intrinsics of this tier's features.
macro_rules! proved {
    ($intrinsics:expr) => {{
        // SAFETY: a token is at hand, and only `detect` makes one, where the CPU has the features.
        unsafe { $intrinsics }
    }};
}

impl Simd for Avx2 {
    const TIER: &'static CStr = c"avx2";
    const STREAMS: bool = true;
    const SQUARES: Squares = Squares::Stored;
    const FUSED: bool = true;
    type F32 = [__m256; 2];
    type U16 = [__m128i; 2];
    type Mask = [__m256; 2];

    fn detect() -> Option<Self> {
        cpu::features().avx2.then_some(Self(()))
    }

    fn vectorize<W: Work>(self, work: W) -> W::Output {
        #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2")]
        fn inner<W: Work>(s: Avx2, work: W) -> W::Output {
            work.run(s)
        }
        proved!(inner(self, work))
    }

    #[inline(always)]
    fn tiled<W: TileWork>(self, work: W) -> W::Output {
        work.run::<Self, 6, 1>(self)
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F32 {
        [proved!(_mm256_set1_ps(value)); 2]
    }

    #[inline(always)]
    fn add(self, [a, b]: Self::F32, [c, d]: Self::F32) -> Self::F32 {
        proved!([_mm256_add_ps(a, c), _mm256_add_ps(b, d)])
    }

    #[inline(always)]
    fn sub(self, [a, b]: Self::F32, [c, d]: Self::F32) -> Self::F32 {
        proved!([_mm256_sub_ps(a, c), _mm256_sub_ps(b, d)])
    }

    #[inline(always)]
    fn mul(self, [a, b]: Self::F32, [c, d]: Self::F32) -> Self::F32 {
        proved!([_mm256_mul_ps(a, c), _mm256_mul_ps(b, d)])
    }

    #[inline(always)]
    fn tree_sum(self, [a, b]: Self::F32) -> f32 {
        proved!(tree_sum_8(_mm256_add_ps(a, b)))
    }

    #[inline(always)]
    fn swap_pairs(self, [a, b]: Self::F32) -> Self::F32 {
        proved!([
            _mm256_permute_ps::<0b10_11_00_01>(a),
            _mm256_permute_ps::<0b10_11_00_01>(b)
        ])
    }

    #[inline(always)]
    fn div(self, [a, b]: Self::F32, [c, d]: Self::F32) -> Self::F32 {
        proved!([_mm256_div_ps(a, c), _mm256_div_ps(b, d)])
    }

    #[inline(always)]
    fn mac(self, [a, b]: Self::F32, [c, d]: Self::F32, [e, f]: Self::F32) -> Self::F32 {
        proved!([_mm256_fmadd_ps(a, c, e), _mm256_fmadd_ps(b, d, f)])
    }

    #[inline(always)]
    fn max(self, [a, b]: Self::F32, [c, d]: Self::F32) -> Self::F32 {
        proved!([_mm256_max_ps(a, c), _mm256_max_ps(b, d)])
    }

    #[inline(always)]
    fn tree_max(self, [a, b]: Self::F32) -> f32 {
        proved!(tree_max_8(_mm256_max_ps(a, b)))
    }

    #[inline(always)]
    fn less(self, [a, b]: Self::F32, [c, d]: Self::F32) -> Self::Mask {
        proved!([
            _mm256_cmp_ps::<_CMP_LT_OQ>(a, c),
            _mm256_cmp_ps::<_CMP_LT_OQ>(b, d)
        ])
    }

    #[inline(always)]
    fn first(self, count: usize) -> Self::Mask {
        proved!({
            let [low, high] = masks(count.min(LANES));
            [_mm256_castsi256_ps(low), _mm256_castsi256_ps(high)]
        })
    }

    #[inline(always)]
    fn select(self, mask: Self::Mask, [a, b]: Self::F32, [c, d]: Self::F32) -> Self::F32 {
        proved!([
            _mm256_blendv_ps(c, a, mask[0]),
            _mm256_blendv_ps(d, b, mask[1])
        ])
    }

    #[inline(always)]
    fn into_exponent(self, [a, b]: Self::F32) -> Self::F32 {
        proved!([into_exponent_8(a), into_exponent_8(b)])
    }

    #[inline(always)]
    unsafe fn transpose_to(
        self,
        rows: impl Fn(usize) -> Self::F32,
        count: usize,
        to: *mut f32,
        stride: usize,
    ) {
        for i in 0..2 {
            for j in 0..2 {
                let mut block = [proved!(_mm256_setzero_ps()); WIDTH];
                for (k, row) in block.iter_mut().enumerate() {
                    *row = rows(WIDTH * i + k)[j];
                }
                let block = proved!(transpose_8(block));
                for (k, column) in block.into_iter().enumerate() {
                    if WIDTH * j + k < count {
                        let to = to.wrapping_add((WIDTH * j + k) * stride + WIDTH * i);
                        // SAFETY: the caller's word.
                        unsafe { _mm256_storeu_ps(to, column) };
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn transpose_u16_to(
        self,
        rows: impl Fn(usize) -> Self::U16,
        count: usize,
        to: *mut u16,
        stride: usize,
    ) {
        for i in 0..2 {
            let mut block = [proved!(_mm256_setzero_si256()); WIDTH];
            for (k, row) in block.iter_mut().enumerate() {
                let [low, high] = rows(WIDTH * i + k);
                *row = proved!(_mm256_set_m128i(high, low));
            }
            let block = proved!(transpose_8_in_halves(block));
            for (k, columns) in block.into_iter().enumerate() {
                let to = to.wrapping_add(k * stride + WIDTH * i);
                let low = proved!(_mm256_castsi256_si128(columns));
                let high = proved!(_mm256_extracti128_si256::<1>(columns));
                // SAFETY: the caller's word.
                unsafe {
                    if k < count {
                        _mm_storeu_si128(to.cast(), low);
                    }
                    if WIDTH + k < count {
                        _mm_storeu_si128(to.wrapping_add(WIDTH * stride).cast(), high);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn widen_f16(self, [a, b]: Self::U16) -> Self::F32 {
        proved!([_mm256_cvtph_ps(a), _mm256_cvtph_ps(b)])
    }

    #[inline(always)]
    fn widen_bf16(self, [a, b]: Self::U16) -> Self::F32 {
        proved!([widen_bf16_8(a), widen_bf16_8(b)])
    }

    #[inline(always)]
    fn narrow_f16(self, [a, b]: Self::F32) -> Self::U16 {
        proved!([
            _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(a),
            _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(b),
        ])
    }

    #[inline(always)]
    fn narrow_bf16(self, [a, b]: Self::F32) -> Self::U16 {
        proved!([narrow_bf16_8(a), narrow_bf16_8(b)])
    }

    #[inline(always)]
    unsafe fn load_f32(self, p: *const f32) -> Self::F32 {
        // SAFETY: 16 elements are readable, by the caller's word.
        unsafe { [_mm256_loadu_ps(p), _mm256_loadu_ps(p.add(WIDTH))] }
    }

    #[inline(always)]
    unsafe fn load_f32_first(self, p: *const f32, count: usize) -> Self::F32 {
        // SAFETY: a masked load touches the lanes of its mask alone; those are readable.
        unsafe {
            let [low, high] = masks(count);
            [
                _mm256_maskload_ps(p, low),
                _mm256_maskload_ps(p.wrapping_add(WIDTH), high),
            ]
        }
    }

    #[inline(always)]
    unsafe fn load_u16(self, p: *const u16) -> Self::U16 {
        // SAFETY: 16 elements are readable, by the caller's word.
        unsafe {
            [
                _mm_loadu_si128(p.cast()),
                _mm_loadu_si128(p.add(WIDTH).cast()),
            ]
        }
    }

    #[inline(always)]
    unsafe fn load_u16_first(self, p: *const u16, count: usize) -> Self::U16 {
        // SAFETY: as many elements are readable as `count` leaves for each register.
        unsafe {
            [
                load_u16_8_first(p, count.min(WIDTH)),
                load_u16_8_first(p.wrapping_add(WIDTH), count.saturating_sub(WIDTH)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn store_f32(self, p: *mut f32, [a, b]: Self::F32) {
        // SAFETY: 16 elements are writable, by the caller's word.
        unsafe {
            _mm256_storeu_ps(p, a);
            _mm256_storeu_ps(p.add(WIDTH), b);
        }
    }

    #[inline(always)]
    unsafe fn store_f32_first(self, p: *mut f32, [a, b]: Self::F32, count: usize) {
        // SAFETY: a masked store touches the lanes of its mask alone; those are writable.
        unsafe {
            let [low, high] = masks(count);
            _mm256_maskstore_ps(p, low, a);
            _mm256_maskstore_ps(p.wrapping_add(WIDTH), high, b);
        }
    }

    #[inline(always)]
    unsafe fn store_u16(self, p: *mut u16, [a, b]: Self::U16) {
        // SAFETY: 16 elements are writable, by the caller's word.
        unsafe {
            _mm_storeu_si128(p.cast(), a);
            _mm_storeu_si128(p.add(WIDTH).cast(), b);
        }
    }

    #[inline(always)]
    unsafe fn store_u16_first(self, p: *mut u16, [a, b]: Self::U16, count: usize) {
        // SAFETY: as many elements are writable as `count` leaves for each register.
        unsafe {
            store_u16_8_first(p, a, count.min(WIDTH));
            store_u16_8_first(p.wrapping_add(WIDTH), b, count.saturating_sub(WIDTH));
        }
    }

    #[inline(always)]
    unsafe fn stream_f32(self, p: *mut f32, [a, b]: Self::F32) {
        // SAFETY: 16 elements are writable and aligned to 64 bytes, by the caller's word.
        unsafe {
            _mm256_stream_ps(p, a);
            _mm256_stream_ps(p.add(WIDTH), b);
        }
    }

    #[inline(always)]
    unsafe fn stream_u16(self, p: *mut u16, [a, b]: Self::U16) {
        // SAFETY: 16 elements are writable and aligned to 32 bytes, by the caller's word.
        unsafe { _mm256_stream_si256(p.cast(), _mm256_set_m128i(b, a)) }
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

/// Lane i plus lane i + 4, then + 2, + 1.
///
/// # Safety
/// AVX.
#[inline(always)]
pub(super) unsafe fn tree_sum_8(v: __m256) -> f32 {
    // SAFETY: the caller's word.
    unsafe {
        let (low, high) = (_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
        tree_sum_4(_mm_add_ps(low, high))
    }
}

/// The greater of lane i and lane i + 4, then + 2, + 1.
///
/// # Safety
/// AVX.
#[inline(always)]
pub(super) unsafe fn tree_max_8(v: __m256) -> f32 {
    // SAFETY: the caller's word.
    unsafe {
        let (low, high) = (_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
        tree_max_4(_mm_max_ps(low, high))
    }
}

/// # Safety
/// AVX2.
#[inline(always)]
unsafe fn into_exponent_8(v: __m256) -> __m256 {
    // SAFETY: the caller's word.
    unsafe { _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_castps_si256(v))) }
}

/// The masks of the first `count` of 16 lanes.
///
/// # Safety
/// AVX2.
#[inline(always)]
unsafe fn masks(count: usize) -> [__m256i; 2] {
    // SAFETY: the caller's word.
    unsafe {
        let count = _mm256_set1_epi32(count as i32);
        [
            _mm256_cmpgt_epi32(count, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)),
            _mm256_cmpgt_epi32(count, _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15)),
        ]
    }
}

/// # Safety
/// AVX2.
#[inline(always)]
unsafe fn widen_bf16_8(v: __m128i) -> __m256 {
    // SAFETY: the caller's word.
    unsafe { _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(v))) }
}

/// As the scalar tier narrows.
///
/// # Safety
/// AVX2.
#[inline(always)]
unsafe fn narrow_bf16_8(value: __m256) -> __m128i {
    // SAFETY: the caller's word.
    unsafe {
        let bits = _mm256_castps_si256(value);
        let upper = _mm256_srli_epi32::<16>(bits);
        let odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
        let rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
        let quiet = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
        let is_nan = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(value, value));
        let narrow = _mm256_blendv_epi8(_mm256_srli_epi32::<16>(rounded), quiet, is_nan);
        let (low, high) = (
            _mm256_castsi256_si128(narrow),
            _mm256_extracti128_si256::<1>(narrow),
        );
        _mm_packus_epi32(low, high)
    }
}
