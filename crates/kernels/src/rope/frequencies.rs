//! Frequencies of pairs: theta^(-i / pairs), scaled, as the f64 nearest to them, or nearly always so.

use std::f64::consts::TAU;

use tierwise_abi::rope::Scaling;

use super::double::Double;
use super::elementary::{exp, ln};
use crate::simd::{Simd, Work};

/// 1 / (2 pi).
const TURN: Double = Double {
    hi: 0.15915494309189535,
    lo: -9.839338337591243e-18,
};

/// Below this factor every angle but 0 is so large that its f64 says nothing of its sine; from it on, no
/// frequency overflows.
const LEAST_FACTOR: f64 = f64::from_bits((1023 - 960) << 52);

/// Writes frequencies, in radians a position.
pub struct Frequencies<'a> {
    /// Base, above 1.
    pub theta: f64,
    /// What is made of the powers.
    pub scaling: Scaling,
    /// A frequency a pair.
    pub to: &'a mut [f64],
    /// Space of the same length.
    pub rest: &'a mut [f64],
}

impl Work for Frequencies<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self {
            theta,
            scaling,
            to,
            rest,
        } = self;
        let pairs = to.len() as f64;
        let excess = powers(theta, to, rest);
        let each = Each { to, rest, excess };
        match scaling {
            Scaling::None => each.scale(|_, f| f),
            Scaling::Linear { factor } => {
                let factor = divisor(factor);
                each.scale(|_, f| f.over(factor));
            }
            Scaling::Llama3 {
                factor,
                low_freq_factor,
                high_freq_factor,
                original_max_positions,
            } => {
                let factor = divisor(factor);
                let (low, high) = (low_freq_factor.into(), high_freq_factor);
                // o/l = o f / (2 pi) between the factors is where l lies between o/high and o/low.
                let turns = TURN.times(f64::from(original_max_positions).into());
                let range = Double::of_sum(high, -low_freq_factor);
                each.scale(|_, f| blend(f, factor, f.times(turns).minus(low), range));
            }
            Scaling::Yarn {
                factor,
                beta_fast,
                beta_slow,
                original_max_positions,
                ..
            } => {
                let factor = divisor(factor);
                let correction = |beta: f64| {
                    let turns = f64::from(original_max_positions) / (TAU * beta);
                    pairs * ln(turns.clamp(f64::MIN_POSITIVE, f64::MAX)) / ln(theta)
                };
                let low = correction(beta_fast).floor().max(0.0);
                let high = correction(beta_slow).ceil().min(2.0 * pairs - 1.0);
                let high = if high == low { high + 0.001 } else { high };
                let range = Double::of_sum(high, -low);
                each.scale(|i, f| blend(f, factor, Double::of_sum(high, -i), range));
            }
        }
    }
}

/// What frequencies are divided by.
fn divisor(factor: f64) -> Double {
    factor.max(LEAST_FACTOR).into()
}

/// Powers i of r, which is nearly theta^(-1 / pairs), in two parts. Returns by how much theta r^pairs exceeds 1.
#[inline(always)]
fn powers(theta: f64, to: &mut [f64], rest: &mut [f64]) -> f64 {
    let pairs = to.len();
    let (Some(first), Some(first_rest)) = (to.first_mut(), rest.first_mut()) else {
        return 0.0;
    };
    (*first, *first_rest) = (1.0, 0.0);
    if pairs == 1 {
        return 0.0;
    }
    let mut step = Double::from(exp(-ln(theta) / pairs as f64));
    let mut done = 1;
    while done < pairs {
        let (to, next) = to.split_at_mut(done);
        let (rest, next_rest) = rest.split_at_mut(done);
        for (((&mut hi, &mut lo), next), next_rest) in
            to.iter_mut().zip(rest).zip(next).zip(next_rest)
        {
            let power = Double { hi, lo }.times(step);
            (*next, *next_rest) = (power.hi, power.lo);
        }
        step = step.times(step);
        done *= 2;
    }
    // In this order, and 2^-100 of it, nothing leaves the range of f64.
    const SMALL: f64 = f64::from_bits((1023 - 100) << 52);
    let power = |i: usize| Double {
        hi: to[i],
        lo: rest[i],
    };
    let one = Double::from(theta * SMALL)
        .times(power(pairs / 2))
        .times(power(pairs - pairs / 2));
    (one.hi / SMALL - 1.0) + one.lo / SMALL
}

/// Powers that are yet to be corrected and scaled.
struct Each<'a> {
    to: &'a mut [f64],
    rest: &'a mut [f64],
    excess: f64,
}

impl Each<'_> {
    /// Hands each i and theta^(-i / pairs) to `scale`. The power is r^i (1 + excess)^(-i / pairs), of which the
    /// linear term is enough: the square of the excess is below the last bits.
    #[inline(always)]
    fn scale(self, scale: impl Fn(f64, Double) -> Double) {
        let slope = self.excess / self.to.len() as f64;
        for (i, (to, rest)) in self.to.iter_mut().zip(self.rest).enumerate() {
            let i = f64::from(i as u32);
            let power = Double::of_ordered(*to, *rest - *to * (i * slope));
            *to = scale(i, power).hi;
        }
    }
}

/// `f w + f/factor (1 - w)`, where w is `part / whole`, at least 0 and at most 1.
#[inline(always)]
fn blend(f: Double, factor: Double, part: Double, whole: Double) -> Double {
    let w = part.over(whole);
    // Also where the whole is 0: an infinity is beyond the range, and 0/0 on its edge.
    let w = match part.hi / whole.hi {
        1.0.. => Double::from(1.0),
        w_hi if w_hi > 0.0 => w,
        _ => Double::from(0.0),
    };
    let rest = Double::from(1.0).minus(w);
    f.times(w).plus(f.over(factor).times(rest))
}
