//! A call of `rms_norm`, validated.

use std::ffi::c_void;

use tierwise_abi::c::TwRmsNormArgs;

use crate::float::Float;
use crate::means::Means;
use crate::tensor::{Refusal, Tensor, arguments};

/// Where the normalised value is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// `y = round(h * r * w)`
    Once,
    /// `y = round(round(h * r) * w)`
    BeforeWeight,
}

/// What `tw_rms_norm_args` says, in order.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Threads and scratch.
    pub means: Means,
    /// Rows of x; may be 0.
    pub rows: usize,
    /// Elements of a row, at least 1.
    pub n: usize,
    /// `[rows, n]`
    pub x: Tensor<2>,
    /// `[n]`
    pub weight: Option<Tensor<1>>,
    /// `[rows, n]`
    pub residual: Option<Tensor<2>>,
    /// `[rows, n]`; may be `residual`.
    pub residual_out: Option<Tensor<2>>,
    /// `[rows, n]`; may be `x`.
    pub y: Tensor<2>,
    /// At least 0.
    pub eps: f64,
    /// What is added to the weight.
    pub weight_offset: f32,
    /// Where to round.
    pub rounding: Rounding,
}

impl Call {
    /// Reads and validates the arguments.
    ///
    /// # Safety
    /// `args` points to a `tw_rms_norm_args` whose tensors hold what they say until the call returns.
    pub unsafe fn read(args: *const c_void) -> Result<Self, Refusal> {
        // SAFETY: the caller's condition.
        let args: &TwRmsNormArgs = unsafe { arguments(args) }?;
        // SAFETY: the caller's condition, for each tensor.
        let (x, weight, residual, residual_out, y) = unsafe {
            (
                Tensor::<2>::read(args.x)?,
                Tensor::<1>::read_optional(args.weight)?,
                Tensor::<2>::read_optional(args.residual)?,
                Tensor::<2>::read_optional(args.residual_out)?,
                Tensor::<2>::read(args.y)?,
            )
        };
        let [rows, n] = x.shape();
        let call = Self {
            means: Means::of(&args.call),
            rows,
            n,
            x,
            weight,
            residual,
            residual_out,
            y,
            eps: args.eps,
            weight_offset: args.weight_offset,
            rounding: match args.round_before_weight {
                0 => Rounding::Once,
                1 => Rounding::BeforeWeight,
                _ => return Err(Refusal::Invalid),
            },
        };
        Refusal::Invalid.unless(call.agrees() && call.outputs_are_apart())?;
        Refusal::Unsupported.unless(call.types_are_usual())?;
        Ok(call)
    }

    /// The value that is normalised: `x`, or `x + residual` with one f32 rounding.
    pub fn h(&self, row: usize, j: usize) -> f32 {
        let x = self.x.get([row, j]);
        self.residual
            .map_or(x, |residual| x + residual.get([row, j]))
    }

    /// The weight with its offset; 1 without a weight.
    pub fn weight(&self, j: usize) -> f32 {
        self.weight
            .map_or(1.0, |weight| weight.get([j]) + self.weight_offset)
    }

    /// Whether shapes agree and parameters have a meaning.
    fn agrees(&self) -> bool {
        let shape = self.x.shape();
        self.n > 0
            && self.eps >= 0.0
            && self.eps <= f64::from(f32::MAX)
            && self.weight_offset.is_finite()
            && self.weight.is_none_or(|weight| weight.shape() == [self.n])
            && self.like_x().all(|tensor| tensor.shape() == shape)
            && (self.residual.is_some() || self.residual_out.is_none())
    }

    /// Whether y shares nothing but x, exactly, and residual_out nothing but residual.
    fn outputs_are_apart(&self) -> bool {
        let Self {
            x,
            weight,
            residual,
            residual_out,
            y,
            ..
        } = *self;
        let apart = |output: Tensor<2>, twin: Tensor<2>, others: [Option<Tensor<2>>; 2]| {
            output.nests()
                && (output == twin || !output.overlaps(&twin))
                && !others.iter().flatten().any(|other| output.overlaps(other))
                && !weight.is_some_and(|weight| output.overlaps(&weight))
        };
        apart(y, x, [residual, residual_out])
            && residual_out
                .zip(residual)
                .is_none_or(|(output, twin)| apart(output, twin, [Some(x), Some(y)]))
    }

    /// Whether all have x's type, the weight that or f32.
    fn types_are_usual(&self) -> bool {
        let dtype = self.x.dtype();
        self.like_x().all(|tensor| tensor.dtype() == dtype)
            && self
                .weight
                .is_none_or(|weight| [dtype, Float::F32].contains(&weight.dtype()))
    }

    /// What has x's shape and type.
    fn like_x(&self) -> impl Iterator<Item = Tensor<2>> {
        [self.residual, self.residual_out, Some(self.y)]
            .into_iter()
            .flatten()
    }
}
