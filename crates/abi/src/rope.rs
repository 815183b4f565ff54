//! A call of op `rope`, checked against its contract.

use std::array;
use std::ffi::c_void;

use crate::c::{DLTensor, TwCall, TwRopeArgs};
use crate::call::{self, Args};
use crate::invalid::{Invalid, Rule, Value};
use crate::overlap::Output;
use crate::tensor::{Dtype, Tensor};

// SAFETY: it is repr(C), and its first field is the call.
unsafe impl Args for TwRopeArgs {}

/// Which elements of a head make a pair, i in `[0, rotary_dim / 2)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// i and i + `rotary_dim` / 2: Llama in Hugging Face order, NeoX.
    Half,
    /// 2i and 2i + 1: Meta order, GPT-J.
    Interleaved,
}

/// Where cosines and sines come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Angles {
    /// Position times frequency.
    Computed {
        /// Base of the frequencies, finite, above 1.
        theta: f64,
        /// What is made of them.
        scaling: Scaling,
    },
    /// f32 `[table_rows, rotary_dim / 2]`, row = position.
    Tables {
        /// Cosines.
        cos: Tensor<2>,
        /// Sines.
        sin: Tensor<2>,
    },
}

/// How frequencies are scaled. Factors and betas are finite and above 0.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "contracts.md names them")]
pub enum Scaling {
    None,
    Linear {
        factor: f64,
    },
    /// The frequency factors are finite, not negative, the high one not below the low one.
    Llama3 {
        factor: f64,
        low_freq_factor: f64,
        high_freq_factor: f64,
        original_max_positions: u32,
    },
    /// The attention factor is finite.
    Yarn {
        factor: f64,
        beta_fast: f64,
        beta_slow: f64,
        attention_factor: f64,
        original_max_positions: u32,
    },
}

/// A call that keeps the contract: shapes agree, types are as they must be, y is apart from everything or in
/// place, no position is negative or outside the tables.
#[derive(Clone, Copy, Debug)]
pub struct RopeCall {
    /// Threads, at least 1, and scratch.
    pub head: TwCall,
    /// `[batch, tokens, heads, head_dim]`, f32, f16 or bf16.
    pub x: Tensor<4>,
    /// int32 `[batch, tokens]`, or `[1, tokens]` for all batches, with a batch stride of 0.
    pub positions: Tensor<2>,
    /// Cosines and sines.
    pub angles: Angles,
    /// As `x`, may be `x`.
    pub y: Tensor<4>,
    /// Even, at most `head_dim`.
    pub rotary_dim: usize,
    /// Which elements are turned together.
    pub pairing: Pairing,
}

// SAFETY: addresses and numbers; whoever reads or writes through them answers for the memory.
unsafe impl Sync for RopeCall {}

impl RopeCall {
    /// Reads `tw_rope_args`.
    ///
    /// # Errors
    /// [`Invalid`] for whatever contracts.md refuses, "must" and "should" alike. Only the kernel knows how
    /// much scratch it needs.
    ///
    /// # Safety
    /// `args` is NULL or points to `struct_size` readable bytes, of which a `tw_rope_args` has valid
    /// pointers: NULL, or to a `DLTensor` with `ndim` sizes and strides. Elements of `positions` are readable.
    #[inline]
    pub unsafe fn read(args: *const c_void) -> Result<Self, Invalid> {
        // SAFETY: this function's own condition, here and below.
        let read = unsafe { Self::read_without_values(args) }?;
        // SAFETY: as above.
        unsafe { read.check_positions() }?;
        Ok(read)
    }

    /// As [`read`](Self::read), without a look at any position.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// # Safety
    /// As [`read`](Self::read), but no element need be readable.
    #[inline]
    pub unsafe fn read_without_values(args: *const c_void) -> Result<Self, Invalid> {
        // SAFETY: this function's own condition, here and below.
        let args: &TwRopeArgs = unsafe { call::read(args) }?;
        // SAFETY: as above.
        let x = unsafe { Tensor::read("x", args.x) }?;
        let read = Self {
            head: args.call,
            x,
            // SAFETY: as above.
            positions: unsafe { positions(args.positions, &x) }?,
            // SAFETY: as above.
            angles: unsafe { angles(args) }?,
            // SAFETY: as above.
            y: unsafe { Tensor::read("y", args.y) }?,
            rotary_dim: args.rotary_dim as usize,
            pairing: match call::flag("interleaved", args.interleaved)? {
                false => Pairing::Half,
                true => Pairing::Interleaved,
            },
        };
        read.check_shapes()?;
        read.check_memory()?;
        Ok(read)
    }

    /// The position of a token.
    ///
    /// # Safety
    /// `batch` and `token` are within x, and the element is readable.
    #[inline]
    pub unsafe fn position(&self, batch: usize, token: usize) -> i32 {
        let [batches, tokens] = self.positions.strides;
        let element = batch * batches + token * tokens;
        // SAFETY: the caller's word.
        unsafe { self.positions.base.cast::<i32>().add(element).read() }
    }

    fn check_shapes(&self) -> Result<(), Invalid> {
        let Self { x, y, .. } = self;
        x.require_float("x")?;
        y.require_type("y", x.dtype)?;
        y.require_shape("y", x.shape, "x")?;
        self.positions.require_type("positions", Dtype::I32)?;
        let refuse = |rule| Err(Invalid::new("rotary_dim", self.rotary_dim as u64, rule));
        if !self.rotary_dim.is_multiple_of(2) {
            return refuse(Rule::Odd);
        }
        if self.rotary_dim > x.shape[3] {
            return refuse(Rule::Above("head_dim"));
        }
        if let Angles::Tables { cos, sin } = &self.angles {
            cos.require_type("cos", Dtype::F32)?;
            sin.require_type("sin", Dtype::F32)?;
            let shape = [cos.shape[0], self.rotary_dim / 2];
            cos.require_shape("cos", shape, "rotary_dim")?;
            sin.require_shape("sin", shape, "cos")?;
        }
        Ok(())
    }

    fn check_memory(&self) -> Result<(), Invalid> {
        let y = Output::new("y", &self.y)?;
        y.apart_or_in_place("x", Some(&self.x))?;
        y.apart_from("positions", Some(&self.positions))?;
        if let Angles::Tables { cos, sin } = &self.angles {
            y.apart_from("cos", Some(cos))?;
            y.apart_from("sin", Some(sin))?;
        }
        Ok(())
    }

    /// # Safety
    /// Elements of `positions` are readable.
    unsafe fn check_positions(&self) -> Result<(), Invalid> {
        let rows = match &self.angles {
            Angles::Computed { .. } => usize::MAX,
            Angles::Tables { cos, .. } => cos.shape[0],
        };
        // What a stride of 0 repeats is looked at once.
        let [batches, tokens] = array::from_fn(|axis| match self.positions.strides[axis] {
            0 => self.positions.shape[axis].min(1),
            _ => self.positions.shape[axis],
        });
        for batch in 0..batches {
            for token in 0..tokens {
                // SAFETY: an element of the tensor.
                let position = unsafe { self.position(batch, token) };
                if position < 0 || position as usize >= rows {
                    return Err(bad_position(position, rows));
                }
            }
        }
        Ok(())
    }
}

#[cold]
fn bad_position(position: i32, rows: usize) -> Invalid {
    let rule = match position {
        ..0 => Rule::Negative,
        _ => Rule::OutsideTable(rows),
    };
    Invalid::new("positions", Value::Signed(position.into()), rule)
}

/// Positions of every batch, or of all batches at once.
///
/// # Safety
/// As [`Tensor::read`].
#[inline(always)]
unsafe fn positions(raw: *const DLTensor, x: &Tensor<4>) -> Result<Tensor<2>, Invalid> {
    let [batch, tokens, ..] = x.shape;
    // SAFETY: NULL or a DLTensor, by the caller's word.
    let one_for_all = unsafe { raw.as_ref() }.is_some_and(|raw| raw.ndim == 1);
    if !one_for_all {
        // SAFETY: the caller's word.
        let tensor = unsafe { Tensor::read("positions", raw) }?;
        tensor.require_shape("positions", [batch, tokens], "x")?;
        return Ok(tensor);
    }
    // SAFETY: the caller's word.
    let tensor = unsafe { Tensor::read("positions", raw) }?;
    tensor.require_shape("positions", [tokens], "x")?;
    Ok(Tensor {
        base: tensor.base,
        dtype: tensor.dtype,
        shape: [1, tensor.shape[0]],
        strides: [0, tensor.strides[0]],
        span: tensor.span,
    })
}

/// # Safety
/// `cos` and `sin` are as [`Tensor::read`] asks.
#[inline(always)]
unsafe fn angles(args: &TwRopeArgs) -> Result<Angles, Invalid> {
    // SAFETY: the caller's word.
    let tables = unsafe {
        (
            call::optional("cos", args.cos)?,
            call::optional("sin", args.sin)?,
        )
    };
    match tables {
        (Some(cos), Some(sin)) => Ok(Angles::Tables { cos, sin }),
        (Some(_), None) => Err(Invalid::new("sin", Value::Null, Rule::Needed("cos"))),
        (None, Some(_)) => Err(Invalid::new("cos", Value::Null, Rule::Needed("sin"))),
        (None, None) => {
            let theta = call::finite("theta", args.theta)?;
            if theta <= 1.0 {
                return Err(Invalid::new("theta", theta, Rule::NotAboveOne));
            }
            let scaling = scaling(args)?;
            Ok(Angles::Computed { theta, scaling })
        }
    }
}

fn scaling(args: &TwRopeArgs) -> Result<Scaling, Invalid> {
    let factor = || positive("factor", args.factor);
    let original_max_positions = || match args.original_max_positions {
        0 => Err(Invalid::new("original_max_positions", 0u64, Rule::Zero)),
        positions => Ok(positions),
    };
    match args.scaling {
        0 => Ok(Scaling::None),
        1 => Ok(Scaling::Linear { factor: factor()? }),
        2 => {
            let low_freq_factor = not_negative("low_freq_factor", args.low_freq_factor)?;
            let high_freq_factor = not_negative("high_freq_factor", args.high_freq_factor)?;
            if high_freq_factor < low_freq_factor {
                let rule = Rule::Below("low_freq_factor");
                return Err(Invalid::new("high_freq_factor", high_freq_factor, rule));
            }
            Ok(Scaling::Llama3 {
                factor: factor()?,
                low_freq_factor,
                high_freq_factor,
                original_max_positions: original_max_positions()?,
            })
        }
        3 => Ok(Scaling::Yarn {
            factor: factor()?,
            beta_fast: positive("beta_fast", args.beta_fast)?,
            beta_slow: positive("beta_slow", args.beta_slow)?,
            attention_factor: call::finite("attention_factor", args.attention_factor)?,
            original_max_positions: original_max_positions()?,
        }),
        other => Err(Invalid::new(
            "scaling",
            u64::from(other),
            Rule::UnknownScaling,
        )),
    }
}

fn positive(name: &'static str, value: f64) -> Result<f64, Invalid> {
    match call::finite(name, value)? {
        ..=0.0 => Err(Invalid::new(name, value, Rule::NotPositive)),
        value => Ok(value),
    }
}

/// Neither below 0 nor -0, whose reciprocal is.
fn not_negative(name: &'static str, value: f64) -> Result<f64, Invalid> {
    match call::finite(name, value)?.is_sign_negative() {
        true => Err(Invalid::new(name, value, Rule::Negative)),
        false => Ok(value),
    }
}
