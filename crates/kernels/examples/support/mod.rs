//! What the examples that measure share: rows of the table, dense tensors, the clock.

use std::ffi::{CStr, c_char};
use std::ptr;
use std::slice;
use std::time::Instant;

use tierwise_abi::c::{DLDevice, DLTensor, TwKernel};
use tierwise_abi::tensor::Dtype;

/// The rows of an operator that this machine runs, from the highest tier down.
pub fn kernels(op: &str) -> impl Iterator<Item = &'static TwKernel> {
    let library = tierwise_kernels::library();
    // SAFETY: the table has so many rows.
    let rows = unsafe { slice::from_raw_parts(library.kernels, library.kernel_count as usize) };
    rows.iter().rev().filter(move |row| {
        let available = row.available.expect("a table row says where it runs");
        // SAFETY: it takes nothing.
        name(row.op) == op && unsafe { available() } == 1
    })
}

/// A name of the table.
pub fn name(text: *const c_char) -> &'static str {
    // SAFETY: names in the table are C strings that live as long as the program.
    unsafe { CStr::from_ptr(text) }
        .to_str()
        .expect("names are ASCII")
}

/// A dense tensor.
pub fn tensor(data: *mut u8, dtype: Dtype, shape: &mut [i64]) -> DLTensor {
    DLTensor {
        data: data.cast(),
        device: DLDevice {
            device_type: 1,
            device_id: 0,
        },
        ndim: shape.len() as i32,
        dtype: dtype.to_dlpack(),
        shape: shape.as_mut_ptr(),
        strides: ptr::null_mut(),
        byte_offset: 0,
    }
}

/// Of one call.
pub fn seconds<R>(repeats: usize, mut call: impl FnMut() -> R) -> f64 {
    let start = Instant::now();
    for _ in 0..repeats {
        call();
    }
    start.elapsed().as_secs_f64() / repeats as f64
}

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
