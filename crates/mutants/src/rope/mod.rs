//! RoPE: a plain kernel, cut where a variant may differ from it.

mod broken;
mod call;
mod correct;
#[cfg(test)]
mod tests;

use std::f64::consts::TAU;
use std::ffi::c_void;

use tierwise_abi::c::{TW_NUMERICS_F32, TW_OK, TwStatus};

pub use broken::*;
pub use call::{Call, Scaling, Tables};
pub use correct::*;

/// A token of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// Which batch.
    pub batch: usize,
    /// Which token of it.
    pub token: usize,
}

/// How far a pair turns.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// With the attention factor in it.
    pub cos: f32,
    /// As `cos`.
    pub sin: f32,
}

/// The plain kernel. A variant overrides the step that it does in another way, and keeps the rest.
///
/// The steps, from the outside in: [`run`](Self::run), [`token`](Self::token); how far each pair turns:
/// [`turns`](Self::turns), [`looked_up`](Self::looked_up), [`computed`](Self::computed),
/// [`position`](Self::position), [`frequencies`](Self::frequencies), [`frequency`](Self::frequency),
/// [`theta`](Self::theta), [`scaled`](Self::scaled), [`angle`](Self::angle); then one head:
/// [`head`](Self::head), [`pair`](Self::pair), [`turned`](Self::turned), [`put`](Self::put),
/// [`tail`](Self::tail).
pub trait Rope {
    /// Promises of bits.md.
    const PROMISES: u32 = 0;

    /// Numerics class.
    const NUMERICS: u32 = TW_NUMERICS_F32;

    /// Bytes of scratch that a call needs.
    fn scratch(_: &Call) -> usize {
        0
    }

    /// The whole call.
    fn run(call: &Call) {
        let frequencies = Self::frequencies(call);
        for batch in 0..call.batches {
            for token in 0..call.tokens {
                Self::token(call, Token { batch, token }, &frequencies);
            }
        }
    }

    /// One token, all heads of it.
    fn token(call: &Call, at: Token, frequencies: &[f64]) {
        let turns = Self::turns(call, at, frequencies);
        for head in 0..call.heads {
            Self::head(call, at, head, &turns);
        }
    }

    /// How far each pair of a token turns.
    fn turns(call: &Call, at: Token, frequencies: &[f64]) -> Vec<Turn> {
        let position = Self::position(call, at);
        (0..call.pairs)
            .map(|pair| match call.tables {
                Some(tables) => Self::looked_up(&tables, position as usize, pair),
                None => Self::computed(call, Self::angle(call, position, frequencies[pair])),
            })
            .collect()
    }

    /// A turn from the tables.
    fn looked_up(tables: &Tables, row: usize, pair: usize) -> Turn {
        Turn {
            cos: tables.cos.get([row, pair]),
            sin: tables.sin.get([row, pair]),
        }
    }

    /// The turn by an angle.
    fn computed(call: &Call, angle: f64) -> Turn {
        let (sin, cos) = angle.sin_cos();
        Turn {
            cos: (cos * call.attention) as f32,
            sin: (sin * call.attention) as f32,
        }
    }

    /// Where a token stands.
    fn position(call: &Call, at: Token) -> i32 {
        call.positions.get([at.batch, at.token])
    }

    /// Of all pairs; empty where there are tables.
    fn frequencies(call: &Call) -> Vec<f64> {
        let pairs = if call.tables.is_some() { 0 } else { call.pairs };
        (0..pairs)
            .map(|pair| Self::scaled(call, pair, Self::frequency(call, pair)))
            .collect()
    }

    /// Of a pair, before scaling.
    fn frequency(call: &Call, pair: usize) -> f64 {
        Self::theta(call).powf(-(pair as f64 / call.pairs as f64))
    }

    /// Base of the frequencies.
    fn theta(call: &Call) -> f64 {
        call.theta
    }

    /// A frequency after scaling.
    fn scaled(call: &Call, pair: usize, f: f64) -> f64 {
        let o = call.context;
        match call.scaling {
            Scaling::None => f,
            Scaling::Linear => f / call.factor,
            Scaling::Llama3 { low, high } => {
                let wavelength = TAU / f;
                if wavelength < o / high {
                    f
                } else if wavelength > o / low {
                    f / call.factor
                } else {
                    let s = (o / wavelength - low) / (high - low);
                    (1.0 - s) * f / call.factor + s * f
                }
            }
            Scaling::Yarn { fast, slow } => {
                let width = 2.0 * call.pairs as f64;
                let pair_of =
                    |turns: f64| width * (o / (TAU * turns)).ln() / (2.0 * Self::theta(call).ln());
                let lo = pair_of(fast).floor().max(0.0);
                let hi = pair_of(slow).ceil().min(width - 1.0);
                let hi = if hi == lo { hi + 0.001 } else { hi };
                let g = ((pair as f64 - lo) / (hi - lo)).clamp(0.0, 1.0);
                f * (1.0 - g) + f / call.factor * g
            }
        }
    }

    /// How far a frequency has turned at a position.
    fn angle(_: &Call, position: i32, frequency: f64) -> f64 {
        f64::from(position) * frequency
    }

    /// One head of a token. Every pair is read before it is written, so in place needs no care.
    fn head(call: &Call, at: Token, head: usize, turns: &[Turn]) {
        for (pair, &turn) in turns.iter().enumerate() {
            let [i, j] = Self::pair(call, pair);
            let a = call.x.get([at.batch, at.token, head, i]);
            let b = call.x.get([at.batch, at.token, head, j]);
            let [a, b] = Self::turned(call, [a, b], turn);
            Self::put(call, [at.batch, at.token, head, i], a);
            Self::put(call, [at.batch, at.token, head, j], b);
        }
        Self::tail(call, at, head);
    }

    /// Which two elements are a pair.
    fn pair(call: &Call, pair: usize) -> [usize; 2] {
        if call.interleaved {
            [2 * pair, 2 * pair + 1]
        } else {
            [pair, pair + call.pairs]
        }
    }

    /// A pair after its turn, before the last rounding.
    fn turned(_: &Call, [a, b]: [f32; 2], Turn { cos, sin }: Turn) -> [f32; 2] {
        [a * cos - b * sin, b * cos + a * sin]
    }

    /// Writes an element.
    fn put(call: &Call, index: [usize; 4], value: f32) {
        call.y.set(index, value);
    }

    /// Copies what is behind the pairs.
    fn tail(call: &Call, at: Token, head: usize) {
        for i in 2 * call.pairs..call.width {
            call.y.copy(&call.x, [at.batch, at.token, head, i]);
        }
    }
}

/// Validates the arguments and runs a variant on them.
///
/// # Safety
/// `args` points to a `tw_rope_args` whose tensors hold what they say until the call returns.
pub unsafe fn run<Variant: Rope>(args: *const c_void) -> TwStatus {
    // SAFETY: the caller's condition.
    let read = unsafe { Call::read(args) };
    let checked = read.and_then(|call| {
        call.refuse_positions()?;
        call.means.suffice(Variant::scratch(&call))?;
        Ok(call)
    });
    match checked {
        Ok(call) => {
            Variant::run(&call);
            TW_OK
        }
        Err(refusal) => refusal.status(),
    }
}

/// Bytes of scratch that a variant needs for a call; 0 where it refuses.
///
/// # Safety
/// As [`run`].
pub unsafe fn scratch_size<Variant: Rope>(args: *const c_void) -> usize {
    // SAFETY: the caller's condition.
    unsafe { Call::read(args) }.map_or(0, |call| Variant::scratch(&call))
}

/// A variant's promises.
pub const fn promises<Variant: Rope>() -> u32 {
    Variant::PROMISES
}

/// A variant's numerics class.
pub const fn numerics<Variant: Rope>() -> u32 {
    Variant::NUMERICS
}
