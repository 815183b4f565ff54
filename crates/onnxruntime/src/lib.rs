//! ONNX Runtime behind the C interface: its operators as kernels, to be proved and timed like anyone else's.
//!
//! Each call goes to the operator that a C++ caller would use: a session that holds one node, made once, and
//! a binding of its inputs and outputs to the caller's memory, so nothing is copied on the way. What the
//! operator does not do is `unsupported`. See docs/peers.md.

mod gqa;
mod layout;
mod model;
mod operand;
mod rms_norm;
mod rope;
mod runtime;
mod session;
mod table;
#[cfg(test)]
mod tests;

use std::ffi::c_char;
use std::ptr;
use std::sync::OnceLock;

use tierwise_abi::c::{TIERWISE_ABI, TwLibrary};

/// The table. Its version is ONNX Runtime's.
#[unsafe(no_mangle)]
pub extern "C" fn tierwise_library() -> *const TwLibrary {
    static LIBRARY: OnceLock<&TwLibrary> = OnceLock::new();
    let version = || runtime::get().map_or(c"not loaded", |runtime| &runtime.version);
    *LIBRARY.get_or_init(|| {
        Box::leak(Box::new(TwLibrary {
            abi: TIERWISE_ABI,
            kernel_count: table::KERNELS.len() as u32,
            name: c"onnxruntime".as_ptr(),
            version: version().as_ptr(),
            kernels: table::KERNELS.as_ptr(),
        }))
    })
}

/// NULL: which of its loops ONNX Runtime runs is not told.
#[unsafe(no_mangle)]
pub extern "C" fn tierwise_executed() -> *const c_char {
    ptr::null()
}
