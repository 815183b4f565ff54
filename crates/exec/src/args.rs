//! From a call in words to the C structs of kernel-abi.h.

use std::ffi::c_void;
use std::io;
use std::mem::size_of;
use std::ptr::{null, null_mut};

use tierwise_abi::c::{
    DLDataType, DLDevice, DLTensor, TwCall, TwGqaArgs, TwRmsNormArgs, TwRopeArgs,
};
use tierwise_abi::call;

use crate::dense::is_c_order;
use crate::memory::Guarded;
use crate::request::{Call, Dtype, Lie, OpParams, Scaling, Tensor, Wording};

/// The args of one call, with the tensors that they point to.
pub struct Args {
    args: Box<dyn call::Args>,
    /// What `args` points to.
    tensors: Vec<(String, Box<Owned>)>,
}

/// Bytes of fields that a later version may have.
const LATER_FIELDS: u32 = 32;

struct Owned {
    shape: Vec<i64>,
    strides: Vec<i64>,
    tensor: DLTensor,
}

impl Args {
    /// Lays the call out. `base` resolves a slot to its first page.
    pub fn new(
        call: &Call,
        wording: Wording,
        base: impl Fn(u32) -> Result<*mut u8, String>,
    ) -> Result<Self, String> {
        let mut tensors = Vec::with_capacity(call.tensors.len());
        for (role, spec) in &call.tensors {
            let (start, offset) = match spec.slot {
                None => (null_mut(), 0),
                Some(slot) => (base(slot)?, spec.offset),
            };
            let (inside, byte_offset) = match wording {
                Wording::ByteOffset => (0, offset),
                _ => (offset, 0),
            };
            let data = start.wrapping_add(usize::try_from(inside).map_err(|e| e.to_string())?);
            tensors.push((role.clone(), Box::new(Owned::new(spec, data, byte_offset))));
        }
        for (_, owned) in &mut tensors {
            owned.tensor.shape = owned.shape.as_mut_ptr();
            if wording == Wording::OddStrides {
                owned.make_strides_odd();
            }
            if wording != Wording::NoStrides || !is_c_order(&owned.shape, &owned.strides) {
                owned.tensor.strides = owned.strides.as_mut_ptr();
            }
        }
        let mut args = Self {
            args: struct_of(call, &mut tensors),
            tensors,
        };
        if wording == Wording::LongerStruct {
            args.head().struct_size += LATER_FIELDS;
        }
        Ok(args)
    }

    /// Asks something of the args before their int32 tensors are filled: these are zeros. They are given by `data`
    /// alone.
    pub fn unfilled<T>(&mut self, ask: impl FnOnce(*const c_void) -> T) -> io::Result<T> {
        let integers = self
            .tensors
            .iter_mut()
            .map(|(_, owned)| owned)
            .filter(|owned| owned.tensor.dtype.code == 0 && !owned.tensor.data.is_null());
        let mut filled = Vec::new();
        for owned in integers {
            let zeros = Guarded::private(owned.extent() * size_of::<i32>())?;
            let data = std::mem::replace(&mut owned.tensor.data, zeros.start().cast());
            filled.push((owned, data, zeros));
        }
        let answer = ask(std::ptr::from_ref(&*self.args).cast());
        for (owned, data, _) in filled {
            owned.tensor.data = data;
        }
        Ok(answer)
    }

    /// What `scratch_size` and `run` take.
    pub fn pointer(&self) -> *const c_void {
        std::ptr::from_ref(&*self.args).cast()
    }

    /// The head of the args.
    pub fn head(&mut self) -> &mut TwCall {
        // SAFETY: every args struct begins with one.
        unsafe { &mut *std::ptr::from_mut(&mut *self.args).cast() }
    }
}

impl Owned {
    fn new(spec: &Tensor, data: *mut u8, byte_offset: u64) -> Self {
        let (code, bits) = match spec.dtype {
            Dtype::F32 => (2, 32),
            Dtype::F16 => (2, 16),
            Dtype::Bf16 => (4, 16),
            Dtype::I32 => (0, 32),
        };
        let tensor = DLTensor {
            data: data.cast(),
            device: DLDevice {
                device_type: 1,
                device_id: 0,
            },
            ndim: i32::try_from(spec.shape.len()).unwrap_or(i32::MAX),
            dtype: DLDataType {
                code,
                bits,
                lanes: 1,
            },
            shape: null_mut(),
            strides: null_mut(),
            byte_offset,
        };
        Self {
            shape: spec.shape.clone(),
            strides: spec.strides.clone(),
            tensor,
        }
    }

    /// Elements from the first to the last.
    fn extent(&self) -> usize {
        let steps = self.shape.iter().zip(&self.strides);
        let last: i64 = steps.map(|(size, stride)| (size - 1).max(0) * stride).sum();
        last as usize + 1
    }

    /// Strides of dimensions of size 1 are any number.
    fn make_strides_odd(&mut self) {
        let dimensions = self.shape.iter().zip(&mut self.strides).enumerate();
        for (d, (_, stride)) in dimensions.filter(|(_, (size, _))| **size == 1) {
            *stride = if d % 2 == 0 { 0 } else { (1 << 40) + 1 };
        }
    }
}

/// Finds tensors by role; NULL where a call has none.
struct Roles<'a>(&'a mut [(String, Box<Owned>)]);

impl Roles<'_> {
    fn input(&self, role: &str) -> *const DLTensor {
        self.0
            .iter()
            .find(|(name, _)| name == role)
            .map_or(null(), |(_, owned)| &raw const owned.tensor)
    }

    fn output(&mut self, role: &str) -> *mut DLTensor {
        self.0
            .iter_mut()
            .find(|(name, _)| name == role)
            .map_or(null_mut(), |(_, owned)| &raw mut owned.tensor)
    }
}

fn head<T>(call: &Call) -> TwCall {
    TwCall {
        struct_size: (size_of::<T>() as u32).wrapping_add_signed(call.lie.struct_size),
        threads: call.threads,
        scratch: null_mut(),
        scratch_bytes: 0,
    }
}

/// The struct that the op's kernels take.
fn struct_of(call: &Call, tensors: &mut [(String, Box<Owned>)]) -> Box<dyn call::Args> {
    let mut roles = Roles(tensors);
    match &call.args {
        OpParams::RmsNorm {
            eps,
            weight_offset,
            round_before_weight,
        } => Box::new(TwRmsNormArgs {
            call: head::<TwRmsNormArgs>(call),
            x: roles.input("x"),
            weight: roles.input("weight"),
            residual: roles.input("residual"),
            residual_out: roles.output("residualOut"),
            y: roles.output("y"),
            eps: call.lie.of("eps", *eps),
            weight_offset: *weight_offset,
            round_before_weight: u32::from(*round_before_weight),
        }),
        OpParams::Rope {
            rotary_dim,
            interleaved,
            theta,
            scaling,
        } => {
            let mut args = TwRopeArgs {
                call: head::<TwRopeArgs>(call),
                x: roles.input("x"),
                positions: roles.input("positions"),
                cos: roles.input("cos"),
                sin: roles.input("sin"),
                y: roles.output("y"),
                rotary_dim: *rotary_dim,
                interleaved: u32::from(*interleaved),
                theta: call.lie.of("theta", *theta),
                scaling: 0,
                // What the scaling does not have counts for nothing, and is not what would change nothing.
                original_max_positions: 77,
                factor: 3.0,
                low_freq_factor: 2.0,
                high_freq_factor: 5.0,
                beta_fast: 24.0,
                beta_slow: 2.0,
                attention_factor: 1.5,
            };
            scaling.write(&mut args);
            Box::new(args)
        }
        OpParams::Gqa {
            scale,
            softcap,
            window,
            causal,
        } => Box::new(TwGqaArgs {
            call: head::<TwGqaArgs>(call),
            q: roles.input("q"),
            k: roles.input("k"),
            v: roles.input("v"),
            kv_len: roles.input("kvLen"),
            block_table: roles.input("blockTable"),
            mask: roles.input("mask"),
            out: roles.output("out"),
            scale: call.lie.of("scale", f64::from(*scale)) as f32,
            softcap: *softcap,
            window: *window,
            causal: u32::from(*causal),
        }),
    }
}

impl Scaling {
    fn write(&self, args: &mut TwRopeArgs) {
        match *self {
            Self::None => {}
            Self::Linear { factor } => {
                args.scaling = 1;
                args.factor = factor;
            }
            Self::Llama3 {
                factor,
                low_freq_factor,
                high_freq_factor,
                original_max_positions,
            } => {
                args.scaling = 2;
                args.factor = factor;
                args.low_freq_factor = low_freq_factor;
                args.high_freq_factor = high_freq_factor;
                args.original_max_positions = original_max_positions;
            }
            Self::Yarn {
                factor,
                beta_fast,
                beta_slow,
                attention_factor,
                original_max_positions,
            } => {
                args.scaling = 3;
                args.factor = factor;
                args.beta_fast = beta_fast;
                args.beta_slow = beta_slow;
                args.attention_factor = attention_factor;
                args.original_max_positions = original_max_positions;
            }
        }
    }
}

impl Lie {
    /// A parameter's value, or NaN where the call lies about it.
    fn of(&self, name: &str, value: f64) -> f64 {
        if self.nan.as_deref() == Some(name) {
            f64::NAN
        } else {
            value
        }
    }
}
