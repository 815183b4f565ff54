//! The inverse root from SSE's approximation, as it should and as it should not be used.

use std::arch::x86_64::{_mm_cvtss_f32, _mm_rsqrt_ss, _mm_set_ss};

use super::RmsNorm;

/// 1 / sqrt(value) with a relative error of at most 1.5 * 2^-12 (Intel's manual); a subnormal counts as 0.
fn rsqrtss(value: f32) -> f32 {
    // SAFETY: every x86-64 CPU has SSE.
    unsafe { _mm_cvtss_f32(_mm_rsqrt_ss(_mm_set_ss(value))) }
}

/// Correct: the approximation, refined by one Newton step.
///
/// At 0, at infinity and for subnormals the step would multiply 0 by infinity: they take the exact path.
pub struct Newton;

impl RmsNorm for Newton {
    fn inverse_root(value: f32) -> f32 {
        if !value.is_normal() {
            return 1.0 / value.sqrt();
        }
        let r = rsqrtss(value);
        r + 0.5 * r * (1.0 - value * r * r)
    }
}

/// Broken: takes the approximation for the value. Every row is off by a factor of up to 1 +- 3.7e-4.
///
/// Trigger: a mean square that the approximation does not hit by chance.
pub struct RawRsqrtss;

impl RmsNorm for RawRsqrtss {
    fn inverse_root(value: f32) -> f32 {
        rsqrtss(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newton_leaves_zero_infinity_and_subnormals_to_the_exact_path() {
        for value in [0.0, f32::INFINITY, 1e-40, f32::from_bits(1)] {
            assert_eq!(Newton::inverse_root(value), 1.0 / value.sqrt());
        }
        assert!(Newton::inverse_root(f32::NAN).is_nan());
    }

    #[test]
    fn newton_is_within_half_a_millionth() {
        for bits in (f32::MIN_POSITIVE.to_bits()..f32::INFINITY.to_bits()).step_by(10_007) {
            let value = f32::from_bits(bits);
            let ratio = f64::from(Newton::inverse_root(value)) * f64::from(value).sqrt();
            assert!(
                (ratio - 1.0).abs() < 5e-7,
                "{value:e}: off by {:e}",
                ratio - 1.0
            );
        }
    }
}
