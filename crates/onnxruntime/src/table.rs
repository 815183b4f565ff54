//! The table of kernels, and what every row does around its operator.

use std::ffi::{c_int, c_void};

use tierwise_abi::c::{TW_INVALID, TW_NUMERICS_F32, TW_OK, TW_UNSUPPORTED, TwKernel, TwStatus};

use crate::runtime::OrtError;
use crate::{rms_norm, runtime};

/// The operator has no words for a call, or ONNX Runtime refused it. Nothing was written.
#[derive(Debug)]
pub struct Unsupported;

impl From<OrtError> for Unsupported {
    fn from(_: OrtError) -> Self {
        Self
    }
}

/// One row. ONNX Runtime picks instructions by itself, so there is one tier, `auto`. It promises no bits.
macro_rules! kernel {
    ($op:ident, $call:path) => {{
        unsafe extern "C" fn run(args: *const c_void) -> TwStatus {
            // SAFETY: the caller's condition, as kernel-abi.h has it, here and below.
            match unsafe { <$call>::read(args) } {
                Err(_) => TW_INVALID,
                // SAFETY: the call was checked.
                Ok(call) => match unsafe { $op::run(&call) } {
                    Ok(()) => TW_OK,
                    Err(_) => TW_UNSUPPORTED,
                },
            }
        }
        TwKernel {
            op: concat!(stringify!($op), "\0").as_ptr().cast(),
            name: c"contrib".as_ptr(),
            tier: c"auto".as_ptr(),
            available: Some(available),
            scratch_size: None,
            run: Some(run),
            numerics: TW_NUMERICS_F32,
            promises: 0,
        }
    }};
}

/// The rows: one an op, named for ONNX Runtime's `contrib` operators.
pub static KERNELS: &[TwKernel] = &[kernel!(rms_norm, tierwise_abi::rms_norm::RmsNormCall)];

/// 1 where the library was found.
unsafe extern "C" fn available() -> c_int {
    runtime::get().is_some().into()
}
