//! The table of kernels, and what every row does around its operator.

use std::ffi::{c_int, c_void};

use tierwise_abi::c::{
    TW_INVALID, TW_NUMERICS_F32, TW_OK, TW_UNSUPPORTED, TwCall, TwKernel, TwStatus,
};
use tierwise_abi::gqa::GqaCall;
use tierwise_abi::rms_norm::RmsNormCall;
use tierwise_abi::rope::RopeCall;

use crate::runtime::OrtError;
use crate::{gqa, rms_norm, rope, runtime};

/// The operator has no words for a call, or ONNX Runtime refused it. Nothing was written.
#[derive(Debug)]
pub struct Unsupported;

impl From<OrtError> for Unsupported {
    fn from(_: OrtError) -> Self {
        Self
    }
}

/// One row: the op's module, its call, and how many bytes of scratch that takes, if any. ONNX Runtime picks
/// instructions by itself, so there is one tier, `auto`. It promises no bits.
macro_rules! kernel {
    ($op:ident, $call:path) => {
        kernel!($op, $call, None, |_: &$call| 0)
    };
    ($op:ident, $call:path, scratch) => {{
        unsafe extern "C" fn scratch_size(args: *const c_void) -> u64 {
            // SAFETY: the caller's condition, as kernel-abi.h has it.
            unsafe { <$call>::read_without_values(args) }
                .map_or(0, |call| $op::scratch(&call) as u64)
        }
        kernel!($op, $call, Some(scratch_size), $op::scratch)
    }};
    ($op:ident, $call:path, $scratch_size:expr, $bytes:expr) => {{
        unsafe extern "C" fn run(args: *const c_void) -> TwStatus {
            // SAFETY: the caller's condition, as kernel-abi.h has it, here and below.
            let Ok(call) = (unsafe { <$call>::read(args) }) else {
                return TW_INVALID;
            };
            // SAFETY: args was read, so it begins with a call.
            let head = unsafe { &*args.cast::<TwCall>() };
            if head.require_scratch($bytes(&call) as u64).is_err() {
                return TW_INVALID;
            }
            // SAFETY: the call was checked.
            match unsafe { $op::run(&call) } {
                Ok(()) => TW_OK,
                Err(Unsupported) => TW_UNSUPPORTED,
            }
        }
        TwKernel {
            op: concat!(stringify!($op), "\0").as_ptr().cast(),
            name: c"contrib".as_ptr(),
            tier: c"auto".as_ptr(),
            available: Some(available),
            scratch_size: $scratch_size,
            run: Some(run),
            numerics: TW_NUMERICS_F32,
            promises: 0,
        }
    }};
}

/// The rows: one an op, named for ONNX Runtime's `contrib` operators.
pub static KERNELS: &[TwKernel] = &[
    kernel!(rms_norm, RmsNormCall),
    kernel!(rope, RopeCall, scratch),
    kernel!(gqa, GqaCall, scratch),
];

/// 1 where the library was found.
unsafe extern "C" fn available() -> c_int {
    runtime::get().is_some().into()
}
