//! Tier `avx512`: the avx2 tier's features and AVX-512 F, BW, DQ, VL and CD, one register a vector.

use std::arch::x86_64::*;
use std::ffi::CStr;

use super::avx2::{tree_max_8, tree_sum_8};
use super::transpose::transpose_16;
use super::{LANES, Simd, Squares, TileWork, Work};
use crate::cpu;

/// Proof that the CPU has the features and the operating system keeps the registers.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

/// Intrinsics of this tier's features.
macro_rules! proved {
    ($intrinsics:expr) => {{
        // SAFETY: a token is at hand, and only `detect` makes one, where the CPU has the features.
        unsafe { $intrinsics }
    }};
}

impl Simd for Avx512 {
    const TIER: &'static CStr = c"avx512";
    const STREAMS: bool = true;
    const SQUARES: Squares = Squares::Held;
    const FUSED: bool = true;
    type F32 = __m512;
    type U16 = __m256i;
    type Mask = __mmask16;

    fn detect() -> Option<Self> {
        cpu::features().avx512.then_some(Self(()))
    }

    fn vectorize<W: Work>(self, work: W) -> W::Output {
        #[target_feature(
            enable = "avx2,fma,f16c,bmi1,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512cd"
        )]
        fn inner<W: Work>(s: Avx512, work: W) -> W::Output {
            work.run(s)
        }
        proved!(inner(self, work))
    }

    #[inline(always)]
    fn tiled<W: TileWork>(self, work: W) -> W::Output {
        work.run::<Self, 12, 2>(self)
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F32 {
        proved!(_mm512_set1_ps(value))
    }

    #[inline(always)]
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        proved!(_mm512_add_ps(a, b))
    }

    #[inline(always)]
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        proved!(_mm512_sub_ps(a, b))
    }

    #[inline(always)]
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        proved!(_mm512_mul_ps(a, b))
    }

    #[inline(always)]
    fn tree_sum(self, v: Self::F32) -> f32 {
        proved!({
            let (low, high) = (_mm512_castps512_ps256(v), _mm512_extractf32x8_ps::<1>(v));
            tree_sum_8(_mm256_add_ps(low, high))
        })
    }

    #[inline(always)]
    fn swap_pairs(self, v: Self::F32) -> Self::F32 {
        proved!(_mm512_permute_ps::<0b10_11_00_01>(v))
    }

    #[inline(always)]
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        proved!(_mm512_div_ps(a, b))
    }

    #[inline(always)]
    fn mac(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32 {
        proved!(_mm512_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        proved!(_mm512_max_ps(a, b))
    }

    #[inline(always)]
    fn tree_max(self, v: Self::F32) -> f32 {
        proved!({
            let (low, high) = (_mm512_castps512_ps256(v), _mm512_extractf32x8_ps::<1>(v));
            tree_max_8(_mm256_max_ps(low, high))
        })
    }

    #[inline(always)]
    fn less(self, a: Self::F32, b: Self::F32) -> Self::Mask {
        proved!(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b))
    }

    #[inline(always)]
    fn first(self, count: usize) -> Self::Mask {
        mask(count.min(LANES))
    }

    #[inline(always)]
    fn select(self, mask: Self::Mask, a: Self::F32, b: Self::F32) -> Self::F32 {
        proved!(_mm512_mask_blend_ps(mask, b, a))
    }

    #[inline(always)]
    fn into_exponent(self, v: Self::F32) -> Self::F32 {
        proved!(_mm512_castsi512_ps(_mm512_slli_epi32::<23>(
            _mm512_castps_si512(v)
        )))
    }

    #[inline(always)]
    fn transpose(self, rows: [Self::F32; LANES]) -> [Self::F32; LANES] {
        proved!(transpose_16(rows))
    }

    #[inline(always)]
    fn widen_f16(self, v: Self::U16) -> Self::F32 {
        proved!(_mm512_cvtph_ps(v))
    }

    #[inline(always)]
    fn widen_bf16(self, v: Self::U16) -> Self::F32 {
        proved!(_mm512_castsi512_ps(_mm512_slli_epi32::<16>(
            _mm512_cvtepu16_epi32(v)
        )))
    }

    #[inline(always)]
    fn narrow_f16(self, v: Self::F32) -> Self::U16 {
        proved!(_mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(v))
    }

    /// As the scalar tier narrows, in the upper halves of the lanes, which are then picked.
    #[inline(always)]
    fn narrow_bf16(self, v: Self::F32) -> Self::U16 {
        proved!({
            let bits = _mm512_castps_si512(v);
            let rounded = _mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff));
            let odd = _mm512_test_epi32_mask(bits, _mm512_set1_epi32(1 << 16));
            let even = _mm512_mask_add_epi32(rounded, odd, rounded, _mm512_set1_epi32(1));
            let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(v, v);
            let narrow = _mm512_mask_or_epi32(even, nan, bits, _mm512_set1_epi32(0x40 << 16));
            let uppers = _mm512_castsi256_si512(_mm256_setr_epi16(
                1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31,
            ));
            _mm512_castsi512_si256(_mm512_permutexvar_epi16(uppers, narrow))
        })
    }

    #[inline(always)]
    unsafe fn load_f32(self, p: *const f32) -> Self::F32 {
        // SAFETY: 16 elements are readable, by the caller's word.
        unsafe { _mm512_loadu_ps(p) }
    }

    #[inline(always)]
    unsafe fn load_f32_first(self, p: *const f32, count: usize) -> Self::F32 {
        // SAFETY: a masked load touches the lanes of its mask alone; those are readable.
        unsafe { _mm512_maskz_loadu_ps(mask(count), p) }
    }

    #[inline(always)]
    unsafe fn load_u16(self, p: *const u16) -> Self::U16 {
        // SAFETY: 16 elements are readable, by the caller's word.
        unsafe { _mm256_loadu_si256(p.cast()) }
    }

    #[inline(always)]
    unsafe fn load_u16_first(self, p: *const u16, count: usize) -> Self::U16 {
        // SAFETY: a masked load touches the lanes of its mask alone; those are readable.
        unsafe { _mm256_maskz_loadu_epi16(mask(count), p.cast()) }
    }

    #[inline(always)]
    unsafe fn store_f32(self, p: *mut f32, v: Self::F32) {
        // SAFETY: 16 elements are writable, by the caller's word.
        unsafe { _mm512_storeu_ps(p, v) }
    }

    #[inline(always)]
    unsafe fn store_f32_first(self, p: *mut f32, v: Self::F32, count: usize) {
        // SAFETY: a masked store touches the lanes of its mask alone; those are writable.
        unsafe { _mm512_mask_storeu_ps(p, mask(count), v) }
    }

    #[inline(always)]
    unsafe fn store_u16(self, p: *mut u16, v: Self::U16) {
        // SAFETY: 16 elements are writable, by the caller's word.
        unsafe { _mm256_storeu_si256(p.cast(), v) }
    }

    #[inline(always)]
    unsafe fn store_u16_first(self, p: *mut u16, v: Self::U16, count: usize) {
        // SAFETY: a masked store touches the lanes of its mask alone; those are writable.
        unsafe { _mm256_mask_storeu_epi16(p.cast(), mask(count), v) }
    }

    #[inline(always)]
    unsafe fn stream_f32(self, p: *mut f32, v: Self::F32) {
        // SAFETY: 16 elements are writable and aligned to 64 bytes, by the caller's word.
        unsafe { _mm512_stream_ps(p, v) }
    }

    #[inline(always)]
    unsafe fn stream_u16(self, p: *mut u16, v: Self::U16) {
        // SAFETY: 16 elements are writable and aligned to 32 bytes, by the caller's word.
        unsafe { _mm256_stream_si256(p.cast(), v) }
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

/// The mask of the first `count` of 16 lanes.
#[inline(always)]
fn mask(count: usize) -> __mmask16 {
    ((1u32 << count) - 1) as __mmask16
}
