//! Frequencies, sines and cosines against golden values.

use std::f64::consts::TAU;

use tierwise_abi::rope::Scaling;

use super::golden::{ANGLES, FREQUENCIES};
use crate::rope::double::Double;
use crate::rope::elementary::{exp, ln};
use crate::rope::frequencies::Frequencies;
use crate::rope::sin_cos::sin_cos;
use crate::simd::{LANES, Simd, Work};
use crate::testing::{InTier, Numbers, in_every_tier};

fn frequencies<S: Simd>(s: S, theta: f64, pairs: usize, scaling: Scaling) -> Vec<f64> {
    let (mut to, mut rest) = (vec![f64::NAN; pairs], vec![f64::NAN; pairs]);
    s.vectorize(Frequencies {
        theta,
        scaling,
        to: &mut to,
        rest: &mut rest,
    });
    to
}

#[test]
fn frequencies_are_the_nearest_f64() {
    struct Golden;
    impl InTier for Golden {
        fn run<S: Simd>(&self, s: S) {
            for &(scaling, theta, pairs, golden) in FREQUENCIES {
                let seen = frequencies(s, theta, pairs, scaling);
                for &(i, frequency) in golden {
                    assert_eq!(
                        seen[i],
                        frequency,
                        "{:?}: {i} of {scaling:?}, {theta}",
                        S::TIER
                    );
                }
            }
        }
    }
    in_every_tier(&Golden);
}

/// Whatever legal parameters say, every angle is a number.
#[test]
fn frequencies_are_finite() {
    struct Finite;
    impl InTier for Finite {
        fn run<S: Simd>(&self, s: S) {
            let sizes = [5e-324, 1e-300, 1e-9, 1.0, 1e9, 1e300, f64::MAX];
            for factor in sizes {
                for a in sizes {
                    for b in sizes {
                        let llama3 = Scaling::Llama3 {
                            factor,
                            low_freq_factor: a.min(b),
                            high_freq_factor: a.max(b),
                            original_max_positions: u32::MAX,
                        };
                        let yarn = Scaling::Yarn {
                            factor,
                            beta_fast: a,
                            beta_slow: b,
                            attention_factor: 1.0,
                            original_max_positions: 1,
                        };
                        for scaling in [Scaling::Linear { factor }, llama3, yarn] {
                            for theta in [1.0f64.next_up(), 1e4, f64::MAX] {
                                let seen = frequencies(s, theta, 7, scaling);
                                assert!(
                                    seen.iter().all(|f| f.is_finite() && *f >= 0.0),
                                    "{:?}, {theta}, {scaling:?}: {seen:?}",
                                    S::TIER
                                );
                            }
                        }
                    }
                }
            }
        }
    }
    in_every_tier(&Finite);
}

/// Sines and cosines, as compiled for a tier.
struct SinCos([f64; LANES]);

impl Work for SinCos {
    type Output = ([f64; LANES], [f64; LANES]);

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> Self::Output {
        sin_cos(&self.0)
    }
}

#[test]
fn sines_and_cosines_are_exact_to_more_than_f32() {
    struct Golden;
    impl InTier for Golden {
        fn run<S: Simd>(&self, s: S) {
            for golden in ANGLES.windows(LANES) {
                let (sin, cos) = s.vectorize(SinCos(std::array::from_fn(|i| golden[i].0)));
                for (i, (angle, exact_sin, exact_cos)) in golden.iter().enumerate() {
                    let error = (sin[i] - exact_sin).abs().max((cos[i] - exact_cos).abs());
                    assert!(error < 2f64.powi(-47), "{:?}, {angle}: {error:e}", S::TIER);
                }
            }
        }
    }
    in_every_tier(&Golden);
}

/// Beyond 2^31 an error of the angle of 2^-54 of it is allowed, and from 2^54 on everything in reach.
#[test]
fn sines_and_cosines_of_large_angles_are_near_or_at_least_in_reach() {
    struct Large;
    impl InTier for Large {
        fn run<S: Simd>(&self, s: S) {
            let mut numbers = Numbers(3);
            for _ in 0..1000 {
                let angles: [f64; LANES] = std::array::from_fn(|i| {
                    (1.0 + numbers.uniform().abs()) * 2f64.powi(28 + 2 * i as i32)
                });
                let (sin, cos) = s.vectorize(SinCos(angles));
                for (i, &angle) in angles.iter().enumerate() {
                    let allowed = 2f64.powi(-47) + angle * 2f64.powi(-54);
                    let error = (sin[i] - angle.sin())
                        .abs()
                        .max((cos[i] - angle.cos()).abs());
                    assert!(error <= allowed, "{:?}, {angle}: {error:e}", S::TIER);
                }
            }
            for angle in [2f64.powi(60), 1e200, f64::MAX] {
                let (sin, cos) = s.vectorize(SinCos([angle; LANES]));
                assert!((sin[0] * sin[0] + cos[0] * cos[0] - 1.0).abs() < 1e-14);
            }
        }
    }
    in_every_tier(&Large);
}

#[test]
fn doubles_have_twice_the_bits() {
    // 1/3 and its square, whose tails are known: 3 (1/3) and 9 (1/9) are 1.
    let third = Double::from(1.0).over(3.0.into());
    for (seen, times) in [
        (third, 3.0),
        (third.times(third), 9.0),
        (third.plus(third), 1.5),
    ] {
        let one = seen.times(times.into());
        assert!((one.hi - 1.0 + one.lo).abs() < 2f64.powi(-102), "{seen:?}");
    }
    assert_eq!(Double::of_sum(1.0, 2f64.powi(80)).lo, 1.0);
    assert_eq!(
        Double::of_sum(2f64.powi(80), 1.0)
            .minus(2f64.powi(80).into())
            .hi,
        1.0
    );
}

#[test]
fn logarithms_and_powers() {
    let mut numbers = Numbers(4);
    for _ in 0..100_000 {
        let x = TAU * numbers.uniform().abs() * 2f64.powf(1000.0 * numbers.uniform());
        assert!(
            (ln(x) - x.ln()).abs() <= 2f64.powi(-51) * x.ln().abs().max(1.0),
            "{x}"
        );
        let x = -700.0 * numbers.uniform().abs();
        assert!(
            (exp(x) / x.exp() - 1.0).abs() <= 2f64.powi(-50) * (1.0 - x),
            "{x}"
        );
    }
    assert_eq!((ln(1.0), exp(0.0)), (0.0, 1.0));
}
