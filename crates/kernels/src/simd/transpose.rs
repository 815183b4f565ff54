//! Square blocks transposed in registers, as many rows as a register has lanes.

use std::arch::x86_64::*;

/// Four rows at a time, in each 128 bits apart: row k of the result holds column 4 L + k in its bits 128 L on.
macro_rules! in_quarters {
    ($rows:ident, $low:ident, $high:ident, $low_pairs:ident, $high_pairs:ident, $pairs:ident, $single:ident) => {
        for four in $rows.as_chunks_mut::<4>().0 {
            let [a, b, c, d] = *four;
            let (ab, ab_high) = ($pairs($low(a, b)), $pairs($high(a, b)));
            let (cd, cd_high) = ($pairs($low(c, d)), $pairs($high(c, d)));
            *four = [
                $single($low_pairs(ab, cd)),
                $single($high_pairs(ab, cd)),
                $single($low_pairs(ab_high, cd_high)),
                $single($high_pairs(ab_high, cd_high)),
            ];
        }
    };
}

/// # Safety
/// SSE2.
#[inline(always)]
pub unsafe fn transpose_4(mut rows: [__m128; 4]) -> [__m128; 4] {
    // SAFETY: the caller's word.
    unsafe {
        in_quarters!(
            rows,
            _mm_unpacklo_ps,
            _mm_unpackhi_ps,
            _mm_unpacklo_pd,
            _mm_unpackhi_pd,
            _mm_castps_pd,
            _mm_castpd_ps
        );
    }
    rows
}

/// # Safety
/// AVX.
#[inline(always)]
pub unsafe fn transpose_8(mut rows: [__m256; 8]) -> [__m256; 8] {
    // SAFETY: the caller's word.
    unsafe {
        in_quarters!(
            rows,
            _mm256_unpacklo_ps,
            _mm256_unpackhi_ps,
            _mm256_unpacklo_pd,
            _mm256_unpackhi_pd,
            _mm256_castps_pd,
            _mm256_castpd_ps
        );
        let mut columns = rows;
        for k in 0..4 {
            let (upper, lower) = (rows[k], rows[4 + k]);
            columns[k] = _mm256_permute2f128_ps::<0x20>(upper, lower);
            columns[4 + k] = _mm256_permute2f128_ps::<0x31>(upper, lower);
        }
        columns
    }
}

/// # Safety
/// AVX-512F.
#[inline(always)]
pub unsafe fn transpose_16(mut rows: [__m512; 16]) -> [__m512; 16] {
    const EVEN: i32 = 0b10_00_10_00;
    const ODD: i32 = 0b11_01_11_01;
    // SAFETY: the caller's word.
    unsafe {
        in_quarters!(
            rows,
            _mm512_unpacklo_ps,
            _mm512_unpackhi_ps,
            _mm512_unpacklo_pd,
            _mm512_unpackhi_pd,
            _mm512_castps_pd,
            _mm512_castpd_ps
        );
        let mut columns = rows;
        for k in 0..4 {
            let (a, b, c, d) = (rows[k], rows[4 + k], rows[8 + k], rows[12 + k]);
            let (ab, cd) = (
                _mm512_shuffle_f32x4::<EVEN>(a, b),
                _mm512_shuffle_f32x4::<EVEN>(c, d),
            );
            columns[k] = _mm512_shuffle_f32x4::<EVEN>(ab, cd);
            columns[8 + k] = _mm512_shuffle_f32x4::<ODD>(ab, cd);
            let (ab, cd) = (
                _mm512_shuffle_f32x4::<ODD>(a, b),
                _mm512_shuffle_f32x4::<ODD>(c, d),
            );
            columns[4 + k] = _mm512_shuffle_f32x4::<EVEN>(ab, cd);
            columns[12 + k] = _mm512_shuffle_f32x4::<ODD>(ab, cd);
        }
        columns
    }
}

/// 16-bit elements, each 128 bits apart: row k of the result holds column k, and column 8 + k in its upper half.
///
/// # Safety
/// AVX2.
#[inline(always)]
pub unsafe fn transpose_8_in_halves(rows: [__m256i; 8]) -> [__m256i; 8] {
    // SAFETY: the caller's word.
    unsafe {
        let [a, b, c, d, e, f, g, h] = rows;
        let (ab, cd) = (_mm256_unpacklo_epi16(a, b), _mm256_unpacklo_epi16(c, d));
        let (ef, gh) = (_mm256_unpacklo_epi16(e, f), _mm256_unpacklo_epi16(g, h));
        let (ab_high, cd_high) = (_mm256_unpackhi_epi16(a, b), _mm256_unpackhi_epi16(c, d));
        let (ef_high, gh_high) = (_mm256_unpackhi_epi16(e, f), _mm256_unpackhi_epi16(g, h));
        let halves = [
            (_mm256_unpacklo_epi32(ab, cd), _mm256_unpacklo_epi32(ef, gh)),
            (_mm256_unpackhi_epi32(ab, cd), _mm256_unpackhi_epi32(ef, gh)),
            (
                _mm256_unpacklo_epi32(ab_high, cd_high),
                _mm256_unpacklo_epi32(ef_high, gh_high),
            ),
            (
                _mm256_unpackhi_epi32(ab_high, cd_high),
                _mm256_unpackhi_epi32(ef_high, gh_high),
            ),
        ];
        let mut columns = rows;
        for (two, (upper, lower)) in columns.as_chunks_mut::<2>().0.iter_mut().zip(halves) {
            *two = [
                _mm256_unpacklo_epi64(upper, lower),
                _mm256_unpackhi_epi64(upper, lower),
            ];
        }
        columns
    }
}
