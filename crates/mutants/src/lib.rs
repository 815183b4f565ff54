//! Kernels with planted bugs, and correct kernels in other forms, behind the C interface: what a harness
//! must fail, and what it must not. A library like anyone else's, but for the defects.
//!
//! Each operator has a folder with one plain kernel, a trait that is cut into steps. To add a variant: a
//! type that overrides the step in question, named for its defect, with the mechanism and the trigger in
//! its comment; and a line in manifest.json, from which the table is made, and by which `tierwise audit`
//! knows what it must find. A kernel that bears a row of the bug catalogue begins its name with the row's
//! number.

mod float;
#[cfg(target_arch = "x86_64")]
mod flushing;
mod gqa;
mod integers;
mod means;
mod rms_norm;
mod rope;
mod table;
mod tensor;
#[cfg(test)]
mod testing;

use std::cell::Cell;
use std::ffi::{CStr, c_char};
use std::ptr;

use tierwise_abi::c::{TIERWISE_ABI, TwLibrary};

/// The one export that a kernel library must have.
#[unsafe(no_mangle)]
pub extern "C" fn tierwise_library() -> *const TwLibrary {
    static LIBRARY: TwLibrary = TwLibrary {
        abi: TIERWISE_ABI,
        kernel_count: table::KERNELS.len() as u32,
        name: c"mutants".as_ptr(),
        version: VERSION.as_ptr(),
        kernels: table::KERNELS.as_ptr(),
    };
    const VERSION: &CStr = table::c_str(concat!(env!("CARGO_PKG_VERSION"), "\0"));
    &LIBRARY
}

/// `op/name/tier` of the last kernel that the calling thread ran, NULL before the first.
#[unsafe(no_mangle)]
pub extern "C" fn tierwise_executed() -> *const c_char {
    EXECUTED.get()
}

thread_local! {
    static EXECUTED: Cell<*const c_char> = const { Cell::new(ptr::null()) };
}
