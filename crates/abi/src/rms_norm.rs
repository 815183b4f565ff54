//! A call of op `rms_norm`, checked against its contract.

use std::ffi::c_void;

use crate::c::TwRmsNormArgs;
use crate::call::{self, Args};
use crate::invalid::{Invalid, Rule, Value};
use crate::overlap::{require_apart, require_apart_or_in_place};
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
    pub x: Tensor,
    /// `[n]`.
    pub weight: Option<Tensor>,
    /// `[rows, n]`.
    pub residual: Option<Tensor>,
    /// `[rows, n]`; only with `residual`, and may be it.
    pub residual_out: Option<Tensor>,
    /// `[rows, n]`, may be `x`.
    pub y: Tensor,
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
    pub unsafe fn read(args: *const c_void) -> Result<Self, Invalid> {
        // SAFETY: this function's own condition, here and for every tensor.
        let args: &TwRmsNormArgs = unsafe { call::read(args) }?;
        args.call.require_scratch(0)?;
        // SAFETY: as above.
        let (x, weight, residual, residual_out, y) = unsafe {
            (
                Tensor::read("x", args.x, 2)?,
                call::optional("weight", args.weight, 1)?,
                call::optional("residual", args.residual, 2)?,
                call::optional("residual_out", args.residual_out, 2)?,
                Tensor::read("y", args.y, 2)?,
            )
        };
        let read = Self {
            threads: args.call.threads as usize,
            x,
            weight,
            residual,
            residual_out,
            y,
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

    /// Every tensor with its name.
    fn tensors(&self) -> impl Iterator<Item = (&'static str, &Tensor)> {
        [
            ("x", Some(&self.x)),
            ("weight", self.weight.as_ref()),
            ("residual", self.residual.as_ref()),
            ("residual_out", self.residual_out.as_ref()),
            ("y", Some(&self.y)),
        ]
        .into_iter()
        .filter_map(|(name, tensor)| Some((name, tensor?)))
    }

    fn check_shapes(&self) -> Result<(), Invalid> {
        let n = self.x.shape()[1];
        if n == 0 {
            return Err(Invalid::new("n", 0u64, Rule::Zero));
        }
        if self.residual_out.is_some() && self.residual.is_none() {
            let rule = Rule::Needed("residual_out");
            return Err(Invalid::new("residual", Value::Null, rule));
        }
        for (name, tensor) in self.tensors() {
            tensor.require_float(name)?;
            match name {
                "weight" => tensor.require_shape(name, &[n], "x")?,
                _ => tensor.require_shape(name, self.x.shape(), "x")?,
            }
        }
        Ok(())
    }

    fn check_memory(&self) -> Result<(), Invalid> {
        for (name, output, in_place) in [
            ("y", Some(&self.y), "x"),
            ("residual_out", self.residual_out.as_ref(), "residual"),
        ] {
            let Some(output) = output else { continue };
            output.require_nested(name)?;
            for other in self.tensors().filter(|&(other, _)| other != name) {
                if other.0 == in_place {
                    require_apart_or_in_place((name, output), other)?;
                } else {
                    require_apart((name, output), other)?;
                }
            }
        }
        Ok(())
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
