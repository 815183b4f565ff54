//! A call of `rope`, validated.

use std::ffi::c_void;

use tierwise_abi::c::TwRopeArgs;

use crate::float::Float;
use crate::integers::Integers;
use crate::means::Means;
use crate::tensor::{Refusal, Tensor, arguments};

/// How frequencies are stretched for a longer context.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scaling {
    /// As they are.
    None,
    /// All of them divided by the factor.
    Linear,
    /// Long waves divided, short ones kept, those between blended by wavelength.
    Llama3 {
        /// Turns over the original context below which a wave is long.
        low: f64,
        /// Turns above which it is short.
        high: f64,
    },
    /// The same, blended by the number of the pair.
    Yarn {
        /// Turns from which pairs are kept.
        fast: f64,
        /// Turns up to which they are divided.
        slow: f64,
    },
}

/// Cosines and sines, one row a position.
#[derive(Clone, Copy, Debug)]
pub struct Tables {
    /// `[rows, pairs]`
    pub cos: Tensor<2>,
    /// As `cos`.
    pub sin: Tensor<2>,
}

/// What `tw_rope_args` says, in order.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Threads and scratch.
    pub means: Means,
    /// Batches; may be 0.
    pub batches: usize,
    /// Tokens of each batch; may be 0.
    pub tokens: usize,
    /// Heads of each token; may be 0.
    pub heads: usize,
    /// Elements of a head.
    pub width: usize,
    /// Pairs of each head that turn; what is behind them is copied.
    pub pairs: usize,
    /// `[batches, tokens, heads, width]`
    pub x: Tensor<4>,
    /// `[batches, tokens]`; where all batches share theirs, with stride 0.
    pub positions: Integers<2>,
    /// Instead of computed angles.
    pub tables: Option<Tables>,
    /// As `x`; may be `x`.
    pub y: Tensor<4>,
    /// Whether a pair is two neighbours, not two halves apart.
    pub interleaved: bool,
    /// Base of the frequencies.
    pub theta: f64,
    /// Their scaling.
    pub scaling: Scaling,
    /// Its factor.
    pub factor: f64,
    /// The context before it, in tokens.
    pub context: f64,
    /// What cosine and sine are multiplied with.
    pub attention: f64,
}

impl Call {
    /// Reads and validates the arguments, but for the values of positions.
    ///
    /// # Safety
    /// `args` points to a `tw_rope_args` whose tensors hold what they say until the call returns.
    pub unsafe fn read(args: *const c_void) -> Result<Self, Refusal> {
        // SAFETY: the caller's condition.
        let args: &TwRopeArgs = unsafe { arguments(args) }?;
        // SAFETY: the caller's condition, for each tensor.
        let (x, cos, sin, y) = unsafe {
            (
                Tensor::<4>::read(args.x)?,
                Tensor::<2>::read_optional(args.cos)?,
                Tensor::<2>::read_optional(args.sin)?,
                Tensor::<4>::read(args.y)?,
            )
        };
        let [batches, tokens, heads, width] = x.shape();
        // SAFETY: the caller's condition.
        let positions = unsafe { positions(args, batches) }?;
        let call = Self {
            means: Means::of(&args.call),
            batches,
            tokens,
            heads,
            width,
            pairs: args.rotary_dim as usize / 2,
            x,
            positions,
            tables: match (cos, sin) {
                (Some(cos), Some(sin)) => Some(Tables { cos, sin }),
                (None, None) => None,
                _ => return Err(Refusal::Invalid),
            },
            y,
            interleaved: match args.interleaved {
                0 => false,
                1 => true,
                _ => return Err(Refusal::Invalid),
            },
            theta: args.theta,
            scaling: match args.scaling {
                0 => Scaling::None,
                1 => Scaling::Linear,
                2 => Scaling::Llama3 {
                    low: args.low_freq_factor,
                    high: args.high_freq_factor,
                },
                3 => Scaling::Yarn {
                    fast: args.beta_fast,
                    slow: args.beta_slow,
                },
                _ => return Err(Refusal::Invalid),
            },
            factor: args.factor,
            context: f64::from(args.original_max_positions),
            attention: if args.scaling == 3 {
                args.attention_factor
            } else {
                1.0
            },
        };
        let valid = args.rotary_dim.is_multiple_of(2)
            && args.rotary_dim as usize <= width
            && call.agrees()
            && (call.tables.is_some() || call.angles_make_sense())
            && call.y_is_apart();
        Refusal::Invalid.unless(valid)?;
        let usual = y.dtype() == x.dtype() && call.table_types_are_f32();
        Refusal::Unsupported.unless(usual)?;
        Ok(call)
    }

    /// Refuses positions that there are none of.
    pub fn refuse_positions(&self) -> Result<(), Refusal> {
        let rows = self
            .tables
            .map_or(i64::MAX, |tables| tables.cos.shape()[0] as i64);
        let legal = |position: i32| (0..rows).contains(&i64::from(position));
        let mut all = (0..self.batches).flat_map(|b| (0..self.tokens).map(move |t| [b, t]));
        Refusal::Invalid.unless(all.all(|at| legal(self.positions.get(at))))
    }

    /// Whether shapes do.
    fn agrees(&self) -> bool {
        self.y.shape() == self.x.shape()
            && self.positions.shape() == [self.batches, self.tokens]
            && self.tables.is_none_or(|Tables { cos, sin }| {
                cos.shape() == sin.shape() && cos.shape()[1] == self.pairs
            })
    }

    fn angles_make_sense(&self) -> bool {
        let scales = match self.scaling {
            Scaling::None => true,
            Scaling::Linear => self.factor > 0.0,
            Scaling::Llama3 { low, high } => self.factor > 0.0 && self.context > 0.0 && high >= low,
            Scaling::Yarn { fast, slow } => {
                self.factor > 0.0
                    && self.context > 0.0
                    && !fast.is_nan()
                    && !slow.is_nan()
                    && !self.attention.is_nan()
            }
        };
        self.theta > 1.0 && self.theta.is_finite() && scales
    }

    /// Whether y shares nothing but x, exactly.
    fn y_is_apart(&self) -> bool {
        let Self { x, y, .. } = self;
        y.nests()
            && (y == x || !y.overlaps(x))
            && !y.overlaps(&self.positions.place)
            && !self
                .tables
                .is_some_and(|Tables { cos, sin }| y.overlaps(&cos) || y.overlaps(&sin))
    }

    fn table_types_are_f32(&self) -> bool {
        self.tables
            .is_none_or(|Tables { cos, sin }| [cos, sin].iter().all(|t| t.dtype() == Float::F32))
    }
}

/// The positions by batch: where there is one list for all of them, it repeats.
///
/// # Safety
/// As [`Call::read`].
unsafe fn positions(args: &TwRopeArgs, batches: usize) -> Result<Integers<2>, Refusal> {
    // SAFETY: the caller's condition: NULL or a tensor.
    let raw = unsafe { args.positions.as_ref() }.ok_or(Refusal::Invalid)?;
    if raw.ndim != 1 {
        // SAFETY: the caller's condition.
        return unsafe { Integers::<2>::read_optional(raw) }?.ok_or(Refusal::Invalid);
    }
    // SAFETY: the caller's condition.
    let shared = unsafe { Integers::<1>::read_optional(raw) }?.ok_or(Refusal::Invalid)?;
    Ok(Integers {
        place: shared.place.repeated(batches),
    })
}
