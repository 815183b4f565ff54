//! The exports of `kernel-abi.h` for this project's own kernels. They live apart from the kernels so that
//! another library may link those and export a table of its own under the same names.

use std::ffi::c_char;

use tierwise_abi::c::TwLibrary;

/// The table.
#[unsafe(no_mangle)]
pub extern "C" fn tierwise_library() -> *const TwLibrary {
    tierwise_kernels::library()
}

/// `op/name/tier` of the calling thread's last run, as executed; NULL when none.
#[unsafe(no_mangle)]
pub extern "C" fn tierwise_executed() -> *const c_char {
    tierwise_kernels::executed()
}
