//! A call of op `rms_norm`, checked against its contract.

use std::ffi::c_void;

use crate::c::TwRmsNormArgs;
use crate::call::{self, Args};
use crate::invalid::{Invalid, Rule, Value};
use crate::overlap::Output;
use crate::tensor::Tensor;

// SAFETY: it is repr(C), and its first field is the call.
unsafe impl Args for TwRmsNormArgs {}

/// When the normalised value is rounded to the output's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// `y = round(h * r * w)`.
    Once,
    /// `y = round(round(h * r) * w)`, as Hugging Face's Llama does.
    BeforeWeight,
}

/// A call that keeps the contract: shapes agree, types are floats, outputs are apart from everything or
/// in place as allowed. Which combination of types a kernel supports is for the kernel to say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsNormCall {
    /// How many threads may be used, at least 1.
    pub threads: usize,
    /// `[rows, n]`, n at least 1.
    pub x: Tensor<2>,
    /// `[n]`.
    pub weight: Option<Tensor<1>>,
    /// `[rows, n]`.
    pub residual: Option<Tensor<2>>,
    /// `[rows, n]`; only with `residual`, and may be it.
    pub residual_out: Option<Tensor<2>>,
    /// `[rows, n]`, may be `x`.
    pub y: Tensor<2>,
    /// 0, or in the range of normal f32 above 0.
    pub eps: f64,
    /// Finite.
    pub weight_offset: f32,
    /// Where the roundings lie.
    pub rounding: Rounding,
}

impl RmsNormCall {
    /// Reads `tw_rms_norm_args`.
    ///
    /// # Errors
    /// [`Invalid`] for whatever contracts.md refuses, "must" and "should" alike.
    ///
    /// # Safety
    /// `args` is NULL or points to `struct_size` readable bytes, of which a `tw_rms_norm_args` has valid
    /// pointers: NULL, or to a `DLTensor` with `ndim` sizes and strides.
    #[inline]
    pub unsafe fn read(args: *const c_void) -> Result<Self, Invalid> {
        // SAFETY: this function's own condition, here and below.
        let args: &TwRmsNormArgs = unsafe { call::read(args) }?;
        args.call.require_scratch(0)?;
        let read = Self {
            threads: args.call.threads as usize,
            // SAFETY: as above.
            x: unsafe { Tensor::read("x", args.x) }?,
            // SAFETY: as above.
            weight: unsafe { call::optional("weight", args.weight) }?,
            // SAFETY: as above.
            residual: unsafe { call::optional("residual", args.residual) }?,
            // SAFETY: as above.
            residual_out: unsafe { call::optional("residual_out", args.residual_out) }?,
            // SAFETY: as above.
            y: unsafe { Tensor::read("y", args.y) }?,
            eps: epsilon(args.eps)?,
            weight_offset: call::finite("weight_offset", args.weight_offset.into())? as f32,
            rounding: match call::flag("round_before_weight", args.round_before_weight)? {
                false => Rounding::Once,
                true => Rounding::BeforeWeight,
            },
        };
        read.check_shapes()?;
        read.check_memory()?;
        Ok(read)
    }

    fn check_shapes(&self) -> Result<(), Invalid> {
        let shape = self.x.shape;
        if shape[1] == 0 {
            return Err(Invalid::new("n", 0u64, Rule::Zero));
        }
        if self.residual_out.is_some() && self.residual.is_none() {
            let rule = Rule::Needed("residual_out");
            return Err(Invalid::new("residual", Value::Null, rule));
        }
        if let Some(weight) = &self.weight {
            weight.require_float("weight")?;
            weight.require_shape("weight", [shape[1]], "x")?;
        }
        let check = |name, matrix: &Tensor<2>| {
            matrix.require_float(name)?;
            matrix.require_shape(name, shape, "x")
        };
        check("x", &self.x)?;
        check("y", &self.y)?;
        if let Some(residual) = &self.residual {
            check("residual", residual)?;
        }
        if let Some(residual_out) = &self.residual_out {
            check("residual_out", residual_out)?;
        }
        Ok(())
    }

    fn check_memory(&self) -> Result<(), Invalid> {
        let y = Output::new("y", &self.y)?;
        y.apart_or_in_place("x", Some(&self.x))?;
        y.apart_from("weight", self.weight.as_ref())?;
        y.apart_from("residual", self.residual.as_ref())?;
        y.apart_from("residual_out", self.residual_out.as_ref())?;
        let Some(residual_out) = &self.residual_out else {
            return Ok(());
        };
        let residual_out = Output::new("residual_out", residual_out)?;
        residual_out.apart_or_in_place("residual", self.residual.as_ref())?;
        residual_out.apart_from("x", Some(&self.x))?;
        residual_out.apart_from("weight", self.weight.as_ref())
    }
}

/// The contract's range: 0, or a normal f32 above 0. A double between two f32 is taken as it is.
fn epsilon(eps: f64) -> Result<f64, Invalid> {
    let normal = f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX);
    if eps == 0.0 || normal.contains(&eps) {
        Ok(eps)
    } else {
        Err(Invalid::new("eps", eps, Rule::Epsilon))
    }
}
