//! Rows of the table, called as a harness calls them. Without the npm package there is nothing to call: the
//! tests then say so and end.

mod gqa;
mod rms_norm;
mod rope;
mod tensor;

use std::ffi::{CStr, OsString, c_void};
use std::path::Path;
use std::ptr;

use tierwise_abi::c::{TwCall, TwKernel, TwStatus};

use crate::table::KERNELS;

/// The library that npm installed, if it did.
pub fn installed() -> Option<OsString> {
    let package = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../node_modules/onnxruntime-node/bin"
    );
    let bindings = Path::new(package).read_dir().ok()?.flatten();
    bindings
        .map(|binding| binding.path().join("linux/x64/libonnxruntime.so.1"))
        .find(|library| library.exists())
        .map(Into::into)
}

/// The row of an op, if its library is there.
fn row(op: &CStr) -> Option<TwKernel> {
    if crate::runtime::get().is_none() {
        eprintln!("skipped: onnxruntime-node is not installed");
        return None;
    }
    // SAFETY: names of the table are constants.
    let named = |row: &&TwKernel| unsafe { CStr::from_ptr(row.op) } == op;
    KERNELS.iter().find(named).copied()
}

/// The head of an args struct of type `A`, without scratch.
fn head<A>() -> TwCall {
    TwCall {
        struct_size: size_of::<A>() as u32,
        threads: 1,
        scratch: ptr::null_mut(),
        scratch_bytes: 0,
    }
}

/// Asks how much scratch a call takes, hands over `spare` bytes more, and runs it.
///
/// # Safety
/// `args` is the op's args struct, all of its tensors readable, outputs writable; it begins with a TwCall.
unsafe fn run<A>(row: &TwKernel, args: &mut A, spare: i64) -> TwStatus {
    let pointer = ptr::from_mut(args).cast::<c_void>();
    // SAFETY: the caller's condition.
    unsafe {
        let bytes = row
            .scratch_size
            .map_or(0, |scratch_size| scratch_size(pointer));
        let bytes = bytes.saturating_add_signed(spare);
        let mut scratch = vec![[0xffu64; 8]; bytes.div_ceil(64) as usize + 1];
        let start = scratch.as_mut_ptr().cast::<u8>();
        let start = start.wrapping_add(start.align_offset(64));
        let call = &mut *pointer.cast::<TwCall>();
        (call.scratch, call.scratch_bytes) = (start.cast(), bytes);
        row.run.map_or(-1, |run| run(pointer))
    }
}
