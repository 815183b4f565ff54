//! What the tests of every op share: the manifest's words on its kernels, and calls through the table.

use std::ffi::{CStr, c_char, c_void};
use std::{ptr, slice};

use serde_json::Value;
use tierwise_abi::c::{TwCall, TwKernel, TwStatus};

use crate::tierwise_library;

/// Names of an op's kernels that the manifest calls `correct` or `broken`, and that this CPU runs.
pub fn named(op: &str, is: &str) -> Vec<&'static str> {
    let manifest: Value = serde_json::from_str(include_str!("../manifest.json")).unwrap();
    let entries = manifest["kernels"].as_array().unwrap();
    let wanted = |kernel: &&TwKernel| {
        entries.iter().any(|entry| {
            entry["is"] == is
                && entry["name"] == text(kernel.name)
                && entry["tier"] == text(kernel.tier)
        })
    };
    let kernels = kernels(op);
    // SAFETY: it asks for nothing.
    let runs = |kernel: &&TwKernel| unsafe { kernel.available.unwrap()() == 1 };
    kernels
        .into_iter()
        .filter(wanted)
        .filter(runs)
        .map(|kernel| text(kernel.name))
        .collect()
}

/// The table's rows of an op.
pub fn kernels(op: &str) -> Vec<&'static TwKernel> {
    // SAFETY: the library is a constant, and so is its table.
    let all = unsafe {
        let library = &*tierwise_library();
        slice::from_raw_parts(library.kernels, library.kernel_count as usize)
    };
    all.iter().filter(|kernel| text(kernel.op) == op).collect()
}

pub fn text(text: *const c_char) -> &'static str {
    // SAFETY: every text of the library is a constant.
    unsafe { CStr::from_ptr(text) }.to_str().unwrap()
}

/// A place for scratch, aligned as the interface says.
#[repr(align(64))]
#[derive(Clone, Copy)]
struct Line(#[expect(dead_code, reason = "kernels write it")] [u8; 64]);

/// Calls a kernel, with the scratch that it asks for.
pub fn call<Args: Copy>(op: &str, name: &str, args: &Args) -> TwStatus {
    let kernels = kernels(op);
    let kernel = kernels.iter().find(|k| text(k.name) == name).expect(name);
    let mut args = *args;
    let pointer = ptr::from_mut(&mut args).cast::<c_void>();
    // SAFETY: the tests' arguments keep the contract, or break it only where it must be noticed; every args
    // struct begins with a tw_call.
    unsafe {
        let bytes = kernel.scratch_size.map_or(0, |size| size(pointer));
        let mut scratch = vec![Line([0xaa; 64]); bytes.div_ceil(64) as usize + 1];
        let head = &mut *pointer.cast::<TwCall>();
        head.scratch = scratch.as_mut_ptr().cast();
        head.scratch_bytes = bytes;
        kernel.run.unwrap()(pointer)
    }
}
