//! The first few elements of a register, and no byte beyond them.

use std::arch::x86_64::*;

/// # Safety
/// SSE2; `count` elements, at most 4, are readable at `p`.
#[inline(always)]
pub unsafe fn load_f32_4_first(p: *const f32, count: usize) -> __m128 {
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
pub unsafe fn store_f32_4_first(p: *mut f32, v: __m128, count: usize) {
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
pub unsafe fn load_u16_8_first(p: *const u16, count: usize) -> __m128i {
    if count == 8 {
        // SAFETY: the caller's word.
        return unsafe { _mm_loadu_si128(p.cast()) };
    }
    let mut elements = [0u16; 8];
    for (i, element) in elements.iter_mut().enumerate().take(count) {
        // SAFETY: the caller's word.
        *element = unsafe { p.add(i).read() };
    }
    // SAFETY: the array has the register's size.
    unsafe { _mm_loadu_si128(elements.as_ptr().cast()) }
}

/// # Safety
/// SSE2; `count` elements, at most 8, are writable at `p`.
#[inline(always)]
pub unsafe fn store_u16_8_first(p: *mut u16, v: __m128i, count: usize) {
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
