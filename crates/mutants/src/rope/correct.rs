//! Correct kernels, each in a form of its own. A harness that fails one of them is wrong.

use std::f64::consts::TAU;
use std::ops::Range;

use super::{Call, Rope, Token, Turn};
use crate::means::side_by_side;

/// The plain kernel as it stands: turns in f32 from libm's double sine and cosine, products rounded apart.
pub struct Plain;

impl Rope for Plain {}

/// Multiplies and adds in one rounding.
pub struct FusedTurn;

impl Rope for FusedTurn {
    fn turned(_: &Call, [a, b]: [f32; 2], Turn { cos, sin }: Turn) -> [f32; 2] {
        [a.mul_add(cos, -(b * sin)), b.mul_add(cos, a * sin)]
    }
}

/// Turns in double, and rounds once.
pub struct DoubleTurn;

impl Rope for DoubleTurn {
    fn turned(_: &Call, pair: [f32; 2], Turn { cos, sin }: Turn) -> [f32; 2] {
        let [a, b, cos, sin] = [pair[0], pair[1], cos, sin].map(f64::from);
        [(a * cos - b * sin) as f32, (b * cos + a * sin) as f32]
    }
}

/// Takes the angle modulo a turn in double, and sine and cosine of the rest in f32.
pub struct SingleSine;

impl Rope for SingleSine {
    fn computed(call: &Call, angle: f64) -> Turn {
        let (sin, cos) = ((angle - (angle / TAU).round() * TAU) as f32).sin_cos();
        let attention = call.attention as f32;
        Turn {
            cos: cos * attention,
            sin: sin * attention,
        }
    }
}

/// Frequencies from an exponential, not a power.
pub struct ByExponential;

impl Rope for ByExponential {
    fn frequency(call: &Call, pair: usize) -> f64 {
        (-(Self::theta(call).ln() * pair as f64 / call.pairs as f64)).exp()
    }
}

/// A table of all turns of the call first, then head by head over all tokens, last pair to first.
pub struct HeadsFirst;

impl Rope for HeadsFirst {
    fn run(call: &Call) {
        let frequencies = Self::frequencies(call);
        let tokens: Vec<_> = (0..call.batches)
            .flat_map(|batch| (0..call.tokens).map(move |token| Token { batch, token }))
            .map(|at| (at, Self::turns(call, at, &frequencies)))
            .collect();
        for head in 0..call.heads {
            for (at, turns) in tokens.iter().rev() {
                Self::head(call, *at, head, turns);
            }
        }
    }
}

/// Splits pairs in two until there is one.
pub struct Recursive;

impl Rope for Recursive {
    fn head(call: &Call, at: Token, head: usize, turns: &[Turn]) {
        fn turn(call: &Call, at: Token, head: usize, turns: &[Turn], range: Range<usize>) {
            if range.len() > 1 {
                let middle = range.start + range.len() / 2;
                turn(call, at, head, turns, middle..range.end);
                turn(call, at, head, turns, range.start..middle);
            } else if let Some(&one) = turns.get(range.start) {
                let at = |i| [at.batch, at.token, head, i];
                let [i, j] = Recursive::pair(call, range.start).map(at);
                let [a, b] = Recursive::turned(call, [call.x.get(i), call.x.get(j)], one);
                call.y.set(j, b);
                call.y.set(i, a);
            }
        }
        turn(call, at, head, turns, 0..turns.len());
        Self::tail(call, at, head);
    }
}

/// Of a weaker class, which may take and leave subnormals as zeros: FTZ and DAZ are on while it works.
#[cfg(target_arch = "x86_64")]
pub struct Flushing;

#[cfg(target_arch = "x86_64")]
impl Rope for Flushing {
    const NUMERICS: u32 = tierwise_abi::c::TW_NUMERICS_F16_DOT;

    fn run(call: &Call) {
        crate::flushing::flushing(|| Plain::run(call));
    }
}

/// Tokens over threads, the turns of each in its part of the scratch.
pub struct OnThreads;

impl Rope for OnThreads {
    fn scratch(call: &Call) -> usize {
        call.means.threads * 2 * call.pairs * size_of::<f32>()
    }

    fn run(call: &Call) {
        let frequencies = Self::frequencies(call);
        let tokens = call.batches * call.tokens;
        let parts = call.means.threads.min(tokens);
        side_by_side(parts, |part| {
            let base = part * 2 * call.pairs;
            for token in (part..tokens).step_by(parts) {
                let at = Token {
                    batch: token / call.tokens,
                    token: token % call.tokens,
                };
                for (pair, turn) in Self::turns(call, at, &frequencies).into_iter().enumerate() {
                    call.means.set(base + 2 * pair, turn.cos);
                    call.means.set(base + 2 * pair + 1, turn.sin);
                }
                let kept = |pair: usize| Turn {
                    cos: call.means.get(base + 2 * pair),
                    sin: call.means.get(base + 2 * pair + 1),
                };
                let turns: Vec<_> = (0..call.pairs).map(kept).collect();
                (0..call.heads).for_each(|head| Self::head(call, at, head, &turns));
            }
        });
    }
}
