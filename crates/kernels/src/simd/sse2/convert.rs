//! The 16-bit types in integer operations, as the scalar tier has them, four lanes at a time.

use std::arch::x86_64::*;

/// As the scalar tier widens, on the low halves of four lanes.
///
/// # Safety
/// SSE2.
#[inline(always)]
pub unsafe fn widen_f16_4(half: __m128i) -> __m128 {
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
pub unsafe fn narrow_f16_4(value: __m128) -> __m128i {
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
pub unsafe fn narrow_bf16_4(value: __m128) -> __m128i {
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
pub unsafe fn pack_low_16(a: __m128i, b: __m128i) -> __m128i {
    // SAFETY: the caller's word.
    unsafe {
        let a = _mm_srai_epi32::<16>(_mm_slli_epi32::<16>(a));
        let b = _mm_srai_epi32::<16>(_mm_slli_epi32::<16>(b));
        _mm_packs_epi32(a, b)
    }
}
