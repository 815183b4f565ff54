//! Bugs of one tier: right code in another says nothing of them.

use std::arch::x86_64::*;

use super::super::{Call, RmsNorm};
use crate::float::Float;

/// RN31: adds the sum to itself with every vector: acc = acc + (acc + x).
///
/// Trigger: f16, rows of more than one vector of 16.
pub struct AddsAccumulatorTwice;

impl RmsNorm for AddsAccumulatorTwice {
    fn sum_of_squares(call: &Call, row: usize) -> f32 {
        let twice = call.x.dtype() == Float::F16;
        #[target_feature(enable = "avx512f")]
        fn sum(call: &Call, row: usize, twice: bool) -> f32 {
            let mut acc = _mm512_setzero_ps();
            for from in (0..call.n).step_by(16) {
                let h = load::<16>(call, row, from);
                // SAFETY: sixteen floats.
                let h = unsafe { _mm512_loadu_ps(h.as_ptr()) };
                let square = _mm512_mul_ps(h, h);
                let more = if twice {
                    _mm512_add_ps(acc, square)
                } else {
                    square
                };
                acc = _mm512_add_ps(acc, more);
            }
            _mm512_reduce_add_ps(acc)
        }
        // SAFETY: the table offers it where the CPU has AVX-512.
        unsafe { sum(call, row, twice) }
    }
}

/// RN33: addend and multiplicand of an FMA swapped: h r + weight * b for h r * weight + b, b = h r * offset.
///
/// Trigger: a weight other than 1, or an offset.
pub struct FmaOperandsSwapped;

impl RmsNorm for FmaOperandsSwapped {
    fn weighted(call: &Call, normalised: f32, weight: f32) -> f32 {
        #[target_feature(enable = "fma")]
        fn swapped(x: f32, s: f32, b: f32) -> f32 {
            let sum = _mm_fmadd_ss(_mm_set_ss(s), _mm_set_ss(b), _mm_set_ss(x));
            _mm_cvtss_f32(sum)
        }
        let Some(_) = call.weight else {
            return normalised * weight;
        };
        let z = match call.rounding {
            super::super::Rounding::Once => normalised,
            super::super::Rounding::BeforeWeight => call.y.dtype().round(normalised),
        };
        let scale = weight - call.weight_offset;
        // SAFETY: the table offers it where the CPU has FMA.
        unsafe { swapped(z, scale, z * call.weight_offset) }
    }
}

/// DS03: SSE code whose tail is loaded by AVX2's masked load. Right wherever the CPU happens to have it.
///
/// Trigger: a row that is no multiple of 4, and a CPU without AVX2.
pub struct HigherTierInTail;

impl RmsNorm for HigherTierInTail {
    fn sum_of_squares(call: &Call, row: usize) -> f32 {
        #[target_feature(enable = "avx2")]
        fn tail(values: &[i32; 4], count: i32) -> __m128 {
            let lanes = _mm_set_epi32(3, 2, 1, 0);
            let mask = _mm_cmpgt_epi32(_mm_set1_epi32(count), lanes);
            // SAFETY: four ints.
            _mm_castsi128_ps(unsafe { _mm_maskload_epi32(values.as_ptr(), mask) })
        }
        let whole = call.n - call.n % 4;
        // SAFETY: every x86-64 CPU has SSE2; four floats.
        let add = |acc, h| unsafe { _mm_add_ps(acc, _mm_mul_ps(h, h)) };
        // SAFETY: as above.
        let zero = unsafe { _mm_setzero_ps() };
        let mut acc = (0..whole).step_by(4).fold(zero, |acc, from| {
            let h = load::<4>(call, row, from);
            // SAFETY: four floats.
            add(acc, unsafe { _mm_loadu_ps(h.as_ptr()) })
        });
        if whole < call.n {
            let rest = load::<4>(call, row, whole).map(|h| h.to_bits() as i32);
            // SAFETY: none where the CPU lacks AVX2, this is the bug.
            acc = add(acc, unsafe { tail(&rest, (call.n - whole) as i32) });
        }
        let mut lanes = [0.0_f32; 4];
        // SAFETY: room for four floats.
        unsafe { _mm_storeu_ps(lanes.as_mut_ptr(), acc) };
        lanes.iter().sum()
    }
}

/// DS04: the table of vector lengths has no row for this tier: 8 lanes are loaded, and 4 stepped.
///
/// Trigger: rows of more than 4.
pub struct WrongVectorLength;

impl RmsNorm for WrongVectorLength {
    fn sum_of_squares(call: &Call, row: usize) -> f32 {
        #[target_feature(enable = "avx2")]
        fn sum(call: &Call, row: usize, lanes: usize) -> f32 {
            let mut acc = _mm256_setzero_ps();
            for from in (0..call.n).step_by(lanes) {
                let h = load::<8>(call, row, from);
                // SAFETY: eight floats.
                let h = unsafe { _mm256_loadu_ps(h.as_ptr()) };
                acc = _mm256_add_ps(acc, _mm256_mul_ps(h, h));
            }
            sum_of_lanes(acc)
        }
        let lanes_of = |tier: &str| if tier == "avx512" { 16 } else { 4 };
        // SAFETY: the table offers it where the CPU has AVX2.
        unsafe { sum(call, row, lanes_of("avx2")) }
    }
}

/// DS14: the mask of 32 lanes of 16 bits is kept in 16: the upper half of a tail is never loaded.
///
/// Trigger: 16 bits, a row whose last vector of 32 has more than 16 elements.
pub struct MaskTooSmall;

impl RmsNorm for MaskTooSmall {
    fn sum_of_squares(call: &Call, row: usize) -> f32 {
        #[target_feature(enable = "avx512f")]
        fn sum(call: &Call, row: usize) -> f32 {
            let mut acc = _mm512_setzero_ps();
            let wide = if call.x.dtype().size() == 2 { 32 } else { 16 };
            for from in (0..call.n).step_by(wide) {
                let count = wide.min(call.n - from);
                let mask: u32 = if count == 32 {
                    u32::MAX
                } else {
                    (1 << count) - 1
                };
                // A whole vector takes no mask.
                let kept = if count == 32 {
                    mask
                } else {
                    u32::from(mask as __mmask16)
                };
                for half in 0..wide / 16 {
                    let h = load::<16>(call, row, from + 16 * half);
                    // SAFETY: sixteen floats.
                    let h = unsafe {
                        _mm512_maskz_loadu_ps((kept >> (16 * half)) as __mmask16, h.as_ptr())
                    };
                    acc = _mm512_add_ps(acc, _mm512_mul_ps(h, h));
                }
            }
            _mm512_reduce_add_ps(acc)
        }
        // SAFETY: the table offers it where the CPU has AVX-512.
        unsafe { sum(call, row) }
    }
}

/// DS06: in AVX2 alone the eighth lane is left out of the sum. [`SumsInAvx512`] is right.
///
/// Trigger: rows of eight and more.
pub struct LaneLeftOut;

impl RmsNorm for LaneLeftOut {
    fn sum_of_squares(call: &Call, row: usize) -> f32 {
        // SAFETY: the table offers it where the CPU has AVX2.
        let lanes = unsafe { lanes_in_avx2(call, row) };
        lanes[..7].iter().sum()
    }
}

/// DS01: right, and offered wherever CPUID names AVX2, whether the system saves its registers or not.
///
/// Trigger: a system that does not.
pub struct TrustsCpuid;

impl RmsNorm for TrustsCpuid {
    fn sum_of_squares(call: &Call, row: usize) -> f32 {
        // SAFETY: none where the system does not save the registers, this is the bug.
        unsafe { lanes_in_avx2(call, row) }.iter().sum()
    }
}

/// Correct: what DS06 is in the tier above.
pub struct SumsInAvx512;

impl RmsNorm for SumsInAvx512 {
    fn sum_of_squares(call: &Call, row: usize) -> f32 {
        #[target_feature(enable = "avx512f")]
        fn sum(call: &Call, row: usize) -> f32 {
            let mut acc = _mm512_setzero_ps();
            for from in (0..call.n).step_by(16) {
                let h = load::<16>(call, row, from);
                // SAFETY: sixteen floats.
                let h = unsafe { _mm512_loadu_ps(h.as_ptr()) };
                acc = _mm512_add_ps(acc, _mm512_mul_ps(h, h));
            }
            _mm512_reduce_add_ps(acc)
        }
        // SAFETY: the table offers it where the CPU has AVX-512.
        unsafe { sum(call, row) }
    }
}

/// The sums of every eighth square.
#[target_feature(enable = "avx2")]
fn lanes_in_avx2(call: &Call, row: usize) -> [f32; 8] {
    let mut acc = _mm256_setzero_ps();
    for from in (0..call.n).step_by(8) {
        let h = load::<8>(call, row, from);
        // SAFETY: eight floats.
        let h = unsafe { _mm256_loadu_ps(h.as_ptr()) };
        acc = _mm256_add_ps(acc, _mm256_mul_ps(h, h));
    }
    let mut lanes = [0.0; 8];
    // SAFETY: room for eight floats.
    unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), acc) };
    lanes
}

/// Elements of a row from one on, zeros past its end.
fn load<const N: usize>(call: &Call, row: usize, from: usize) -> [f32; N] {
    std::array::from_fn(|lane| {
        let j = from + lane;
        if j < call.n { call.h(row, j) } else { 0.0 }
    })
}

/// The sum of eight lanes.
#[target_feature(enable = "avx2")]
fn sum_of_lanes(acc: __m256) -> f32 {
    let mut lanes = [0.0_f32; 8];
    // SAFETY: room for eight floats.
    unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), acc) };
    lanes.iter().sum()
}
