//! The functions that weights are made of.

use super::oracle::{Arithmetic, fused};
use crate::gqa::{exp::exp, tanh::tanh};
use crate::simd::{LANES, Simd, Work};
use crate::testing::{InTier, Numbers, in_every_tier};

/// A function of a tier, and of the oracle.
#[derive(Clone, Copy)]
enum Function {
    Exp,
    Tanh,
}

struct Apply(Function, [f32; LANES]);

impl Work for Apply {
    type Output = [f32; LANES];

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> [f32; LANES] {
        let mut lanes = self.1;
        // SAFETY: an array of 16.
        unsafe {
            let x = s.load_f32(lanes.as_ptr());
            let y = match self.0 {
                Function::Exp => exp(s, x),
                Function::Tanh => tanh(s, x),
            };
            s.store_f32(lanes.as_mut_ptr(), y);
        }
        lanes
    }
}

/// Holds a function to float64, within so many units of 2^-24 of its own value, and to the oracle, to the last bit.
struct Held {
    function: Function,
    arguments: Vec<f32>,
    truth: fn(f64) -> f64,
    units: f64,
}

impl InTier for Held {
    fn run<S: Simd>(&self, s: S) {
        let a = Arithmetic { fused: S::FUSED };
        let mut worst = 0f64;
        for arguments in self.arguments.as_chunks().0 {
            let values = s.vectorize(Apply(self.function, *arguments));
            for (&x, y) in arguments.iter().zip(values) {
                let same = match self.function {
                    Function::Exp => a.exp(x),
                    Function::Tanh => a.tanh(x),
                };
                assert!(
                    y.to_bits() == same.to_bits(),
                    "{:?}: {x}: {y}, {same}",
                    S::TIER
                );
                let truth = (self.truth)(x.into());
                let error = (f64::from(y) - truth).abs() / truth.abs() * f64::from(1 << 24);
                worst = worst.max(if truth == 0.0 { 0.0 } else { error });
            }
        }
        eprintln!("{:?}: {worst:.3} units", S::TIER);
        assert!(worst <= self.units, "{:?}: {worst} units", S::TIER);
    }
}

/// Every so many f32 of those between two of one sign.
fn between(from: f32, to: f32, step: usize) -> Vec<f32> {
    let bits = from.to_bits()..to.to_bits();
    bits.step_by(step).map(f32::from_bits).collect()
}

#[test]
fn the_exponential() {
    in_every_tier(&Held {
        function: Function::Exp,
        arguments: between(-1e-9, -87.3, 1_009),
        truth: f64::exp,
        units: 1.5,
    });
}

#[test]
fn the_hyperbolic_tangent() {
    let positive = between(1e-9, 100.0, 2_003);
    let negative = positive.iter().map(|&t| -t);
    in_every_tier(&Held {
        function: Function::Tanh,
        arguments: positive.iter().copied().chain(negative).collect(),
        truth: f64::tanh,
        units: 4.0,
    });
}

#[test]
fn where_they_end() {
    struct Ends;
    impl InTier for Ends {
        fn run<S: Simd>(&self, s: S) {
            let at = |function, x: f32| s.vectorize(Apply(function, [x; LANES]))[7];
            for x in [-87.34, -88.0, -104.0, -1e6, -3e38, f32::NEG_INFINITY] {
                assert_eq!(at(Function::Exp, x).to_bits(), 0, "{x}");
            }
            for x in [0.0, -0.0] {
                assert_eq!(at(Function::Exp, x), 1.0);
                assert_eq!(at(Function::Tanh, x), 0.0);
            }
            assert!(at(Function::Exp, -87.336).is_normal());
            for (x, y) in [(f32::INFINITY, 1.0), (-1e30, -1.0), (1e-40, 1e-40)] {
                assert_eq!(at(Function::Tanh, x), y);
            }
            assert!(at(Function::Exp, f32::NAN).is_nan() && at(Function::Tanh, f32::NAN).is_nan());
        }
    }
    in_every_tier(&Ends);
}

/// The oracle's own multiplication, against the standard library's; near ties and below the normal range too.
#[test]
fn a_fused_multiplication_rounds_once() {
    let mut numbers = Numbers(1);
    for _ in 0..2_000_000 {
        let mut any = |spread: u64| {
            let bits = numbers.next();
            let exponent = 127 - spread / 2 + (bits >> 40) % spread;
            let few = if bits >> 62 == 0 {
                0x7f_f000
            } else {
                0x7f_ffff
            };
            f32::from_bits(((bits >> 32 & 1) << 31 | exponent << 23 | bits & few) as u32)
        };
        let (a, b, c) = (any(40), any(40), any(100));
        for (a, c) in [
            (a, c),
            (a * 2f32.powi(-110), c * 2f32.powi(-100)),
            (a, -a * b),
        ] {
            let expected = a.mul_add(b, c);
            assert_eq!(
                fused(a, b, c).to_bits(),
                expected.to_bits(),
                "{a:e} {b:e} {c:e}"
            );
        }
    }
}
