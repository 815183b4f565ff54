//! Tier `sse2`: SSE2 alone, four registers a vector.

use std::arch::x86_64::*;
use std::array;
use std::ffi::CStr;

use super::{LANES, Simd, Work};
use crate::cpu;

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
    type F32 = [__m128; 4];
    type U16 = [__m128i; 2];

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

/// As the scalar tier widens, on the low halves of four lanes.
///
/// # Safety
/// SSE2.
#[inline(always)]
unsafe fn widen_f16_4(half: __m128i) -> __m128 {
    // SAFETY: the caller's word.
    unsafe {
        let rebias = _mm_castsi128_ps(_mm_set1_epi32((127 + 112) << 23));
        let magnitude = _mm_slli_epi32::<13>(_mm_and_si128(half, _mm_set1_epi32(0x7fff)));
        let sign = _mm_slli_epi32::<16>(_mm_and_si128(half, _mm_set1_epi32(0x8000)));
        let finite = _mm_mul_ps(_mm_castsi128_ps(magnitude), rebias);
        let is_special = _mm_cmpgt_epi32(magnitude, _mm_set1_epi32((31 << 23) - 1));
        let special = _mm_and_si128(is_special, _mm_set1_epi32(255 << 23));
        _mm_or_ps(finite, _mm_castsi128_ps(_mm_or_si128(sign, special)))
    }
}

/// As the scalar tier narrows, into the low halves of four lanes.
///
/// # Safety
/// SSE2.
#[inline(always)]
unsafe fn narrow_f16_4(value: __m128) -> __m128i {
    // SAFETY: the caller's word.
    unsafe {
        let bits = _mm_castps_si128(value);
        let magnitude = _mm_and_si128(bits, _mm_set1_epi32(0x7fff_ffff));
        let odd = _mm_and_si128(_mm_srli_epi32::<13>(magnitude), _mm_set1_epi32(1));
        let bias = _mm_set1_epi32(0xfff - ((127 - 15) << 23));
        let normal = _mm_srli_epi32::<13>(_mm_add_epi32(_mm_add_epi32(magnitude, bias), odd));
        let sum = _mm_add_ps(_mm_castsi128_ps(magnitude), _mm_set1_ps(0.5));
        let subnormal = _mm_sub_epi32(_mm_castps_si128(sum), _mm_set1_epi32(126 << 23));
        let is_subnormal = _mm_cmplt_epi32(magnitude, _mm_set1_epi32(113 << 23));
        let finite = select(is_subnormal, subnormal, normal);
        let is_nan = _mm_cmpgt_epi32(magnitude, _mm_set1_epi32(255 << 23));
        let special = _mm_or_si128(
            _mm_set1_epi32(0x7c00),
            _mm_and_si128(is_nan, _mm_set1_epi32(0x200)),
        );
        let is_special = _mm_cmpgt_epi32(magnitude, _mm_set1_epi32((143 << 23) - 1));
        let narrow = select(is_special, special, finite);
        let sign = _mm_and_si128(_mm_srli_epi32::<16>(bits), _mm_set1_epi32(0x8000));
        _mm_or_si128(sign, narrow)
    }
}

/// As the scalar tier narrows, into the low halves of four lanes.
///
/// # Safety
/// SSE2.
#[inline(always)]
unsafe fn narrow_bf16_4(value: __m128) -> __m128i {
    // SAFETY: the caller's word.
    unsafe {
        let bits = _mm_castps_si128(value);
        let upper = _mm_srli_epi32::<16>(bits);
        let odd = _mm_and_si128(upper, _mm_set1_epi32(1));
        let rounded = _mm_add_epi32(bits, _mm_add_epi32(odd, _mm_set1_epi32(0x7fff)));
        let quiet = _mm_or_si128(upper, _mm_set1_epi32(0x40));
        let is_nan = _mm_castps_si128(_mm_cmpunord_ps(value, value));
        select(is_nan, quiet, _mm_srli_epi32::<16>(rounded))
    }
}

/// `a` where the mask is set, else `b`.
///
/// # Safety
/// SSE2.
#[inline(always)]
unsafe fn select(mask: __m128i, a: __m128i, b: __m128i) -> __m128i {
    // SAFETY: the caller's word.
    unsafe { _mm_or_si128(_mm_and_si128(mask, a), _mm_andnot_si128(mask, b)) }
}

/// The low halves of eight lanes. SSE2 packs with signed saturation alone, so the halves are extended first.
///
/// # Safety
/// SSE2.
#[inline(always)]
unsafe fn pack_low_16(a: __m128i, b: __m128i) -> __m128i {
    // SAFETY: the caller's word.
    unsafe {
        let a = _mm_srai_epi32::<16>(_mm_slli_epi32::<16>(a));
        let b = _mm_srai_epi32::<16>(_mm_slli_epi32::<16>(b));
        _mm_packs_epi32(a, b)
    }
}

/// # Safety
/// SSE2; `count` elements, at most 4, are readable at `p`.
#[inline(always)]
unsafe fn load_f32_4_first(p: *const f32, count: usize) -> __m128 {
    // SAFETY: the caller's word.
    unsafe {
        match count {
            0 => _mm_setzero_ps(),
            1 => _mm_load_ss(p),
            2 => _mm_castsi128_ps(_mm_loadl_epi64(p.cast())),
            3 => _mm_movelh_ps(
                _mm_castsi128_ps(_mm_loadl_epi64(p.cast())),
                _mm_load_ss(p.add(2)),
            ),
            _ => _mm_loadu_ps(p),
        }
    }
}

/// # Safety
/// SSE2; `count` elements, at most 4, are writable at `p`.
#[inline(always)]
unsafe fn store_f32_4_first(p: *mut f32, v: __m128, count: usize) {
    // SAFETY: the caller's word.
    unsafe {
        match count {
            0 => {}
            1 => _mm_store_ss(p, v),
            2 => _mm_storel_epi64(p.cast(), _mm_castps_si128(v)),
            3 => {
                _mm_storel_epi64(p.cast(), _mm_castps_si128(v));
                _mm_store_ss(p.add(2), _mm_movehl_ps(v, v));
            }
            _ => _mm_storeu_ps(p, v),
        }
    }
}

/// # Safety
/// SSE2; `count` elements, at most 8, are readable at `p`.
#[inline(always)]
pub(super) unsafe fn load_u16_8_first(p: *const u16, count: usize) -> __m128i {
    if count == 8 {
        // SAFETY: the caller's word.
        return unsafe { _mm_loadu_si128(p.cast()) };
    }
    // SAFETY: the caller's word; below 4 elements the loop reads one at a time.
    let elements: [u16; 8] = array::from_fn(|i| {
        if i < count {
            unsafe { p.add(i).read() }
        } else {
            0
        }
    });
    // SAFETY: the array has the register's size.
    unsafe { _mm_loadu_si128(elements.as_ptr().cast()) }
}

/// # Safety
/// SSE2; `count` elements, at most 8, are writable at `p`.
#[inline(always)]
pub(super) unsafe fn store_u16_8_first(p: *mut u16, v: __m128i, count: usize) {
    if count == 8 {
        // SAFETY: the caller's word.
        return unsafe { _mm_storeu_si128(p.cast(), v) };
    }
    let mut elements = [0u16; 8];
    // SAFETY: the array has the register's size; so many elements are writable, by the caller's word.
    unsafe {
        _mm_storeu_si128(elements.as_mut_ptr().cast(), v);
        for (i, &element) in elements.iter().enumerate().take(count) {
            p.add(i).write(element);
        }
    }
}
