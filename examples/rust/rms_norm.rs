//! A whole kernel library in Rust, without dependencies: one RMSNorm for f32, contiguous rows, behind the interface
//! of kernel-abi.h. Build it with
//!
//!     rustc --edition 2024 -C opt-level=3 --crate-type cdylib -o librms_norm.so examples/rust/rms_norm.rs
//!
//! It does less than examples/c/rms_norm.c and so needs less: rows that lie one behind the other can't interleave,
//! and a range of bytes says all about where a tensor lies. To try a kernel of your own, call it in `kernel`.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

/// The kernel. `y` may be `x`, so it takes pointers, and reads every element before it writes it.
///
/// # Safety
/// `x` and `y` are `rows * n` floats, the same or apart; `weight` is `n` floats, or NULL.
unsafe fn kernel(x: *const f32, weight: *const f32, y: *mut f32, rows: usize, n: usize, eps: f64) {
    for row in 0..rows {
        // SAFETY: inside the tensors, by the caller's word; the weight is read where it is there.
        unsafe {
            let (x, y) = (x.add(row * n), y.add(row * n));
            let sum: f64 = (0..n).map(|j| f64::from(*x.add(j)).powi(2)).sum();
            let r = 1.0 / (sum / n as f64 + eps).sqrt();
            for j in 0..n {
                let scale = if weight.is_null() { 1.0 } else { f64::from(*weight.add(j)) };
                *y.add(j) = (f64::from(*x.add(j)) * r * scale) as f32;
            }
        }
    }
}

/// Whether the call can be done. `TW_INVALID`: it breaks the contract. `TW_UNSUPPORTED`: it does not, but this
/// kernel can't do it. Either way nothing is written. Where a call is both, either word is right: so what is not
/// contiguous is declined before anybody asks what it overlaps.
fn check(args: &RmsNormArgs, x: &DLTensor, y: &DLTensor, weight: Option<&DLTensor>) -> Status {
    let (Some([rows, n]), Some(like)) = (x.matrix(), y.matrix()) else {
        return TW_INVALID;
    };
    if like != [rows, n] || n == 0 || args.call.threads == 0 {
        return TW_INVALID;
    }
    if args.eps.is_nan() || args.eps < 0.0 {
        return TW_INVALID;
    }
    if weight.is_some_and(|weight| weight.sizes() != [n]) {
        return TW_INVALID;
    }
    let extras = [args.residual, args.residual_out.cast_const()];
    if extras.iter().any(|tensor| !tensor.is_null()) {
        return TW_UNSUPPORTED;
    }
    if args.weight_offset != 0.0 || args.round_before_weight != 0 {
        return TW_UNSUPPORTED;
    }
    if ![Some(x), Some(y), weight].iter().flatten().all(|tensor| tensor.is_plain()) {
        return TW_UNSUPPORTED;
    }
    if (x.data() != y.data() && x.overlaps(y)) || weight.is_some_and(|weight| weight.overlaps(y)) {
        return TW_INVALID;
    }
    TW_OK
}

/// A panic must not cross into C: in a function that is `extern "C"` it ends the process.
unsafe extern "C" fn run(args: *const c_void) -> Status {
    let args = args.cast::<RmsNormArgs>();
    // SAFETY: the head is always there. The size comes first: in a shorter struct the other fields do not exist.
    if (unsafe { (*args).call.struct_size } as usize) < size_of::<RmsNormArgs>() {
        return TW_INVALID;
    }
    // SAFETY: the caller's structs live until this returns, and nobody writes to them.
    let (args, x, y, weight) = unsafe {
        let args = &*args;
        (args, &*args.x, &*args.y, args.weight.as_ref())
    };
    let status = check(args, x, y, weight);
    if status == TW_OK {
        let weight = weight.map_or(ptr::null_mut(), DLTensor::data);
        let [rows, n] = x.matrix().expect("just checked");
        // SAFETY: sizes and places were just checked.
        unsafe { kernel(x.data(), weight, y.data(), rows as usize, n as usize, args.eps) };
    }
    status
}

impl DLTensor {
    fn sizes(&self) -> &[i64] {
        // SAFETY: `ndim` sizes, by the interface.
        unsafe { std::slice::from_raw_parts(self.shape, self.ndim as usize) }
    }

    fn matrix(&self) -> Option<[i64; 2]> {
        self.sizes().try_into().ok()
    }

    fn data(&self) -> *mut f32 {
        self.data.wrapping_byte_add(self.byte_offset as usize).cast()
    }

    /// f32 and contiguous. Strides of dimensions of size 1 mean nothing; NULL means contiguous.
    fn is_plain(&self) -> bool {
        let mut expected = 1;
        let contiguous = self.strides.is_null()
            || (0..self.ndim as usize).rev().all(|d| {
                let size = self.sizes()[d];
                // SAFETY: `ndim` strides, by the interface.
                let fits = size == 1 || unsafe { *self.strides.add(d) } == expected;
                expected *= size;
                fits
            });
        self.dtype == F32 && (contiguous || self.sizes().contains(&0))
    }

    fn overlaps(&self, other: &Self) -> bool {
        let end = |tensor: &Self| tensor.data().wrapping_add(tensor.sizes().iter().product::<i64>() as usize);
        self.data() < end(other) && other.data() < end(self)
    }
}

/// Portable code; a kernel of tier "avx2" asks `is_x86_feature_detected!` here.
extern "C" fn available() -> c_int {
    1
}

static KERNELS: [Kernel; 1] = [Kernel {
    op: c"rms_norm".as_ptr(),
    name: c"example".as_ptr(),
    tier: c"scalar".as_ptr(),
    available,
    scratch_size: None,
    run,
    numerics: 0,
    promises: 0,
}];

static LIBRARY: Library = Library {
    abi: 1,
    kernel_count: KERNELS.len() as u32,
    name: c"example".as_ptr(),
    version: c"1".as_ptr(),
    kernels: KERNELS.as_ptr(),
};

/// The one symbol that is looked for.
#[unsafe(no_mangle)]
pub extern "C" fn tierwise_library() -> *const Library {
    &raw const LIBRARY
}

// What follows is kernel-abi.h in Rust, as far as RMSNorm needs it.

type Status = c_int;
const TW_OK: Status = 0;
const TW_UNSUPPORTED: Status = 1;
const TW_INVALID: Status = 2;

#[repr(C)]
#[derive(PartialEq)]
struct DLDataType {
    code: u8,
    bits: u8,
    lanes: u16,
}

const F32: DLDataType = DLDataType { code: 2, bits: 32, lanes: 1 };

#[repr(C)]
struct DLTensor {
    data: *mut c_void,
    device: [i32; 2],
    ndim: i32,
    dtype: DLDataType,
    shape: *const i64,
    strides: *const i64,
    byte_offset: u64,
}

#[repr(C)]
struct Call {
    struct_size: u32,
    threads: u32,
    scratch: *mut c_void,
    scratch_bytes: u64,
}

#[repr(C)]
struct RmsNormArgs {
    call: Call,
    x: *const DLTensor,
    weight: *const DLTensor,
    residual: *const DLTensor,
    residual_out: *mut DLTensor,
    y: *mut DLTensor,
    eps: f64,
    weight_offset: f32,
    round_before_weight: u32,
}

#[repr(C)]
struct Kernel {
    op: *const c_char,
    name: *const c_char,
    tier: *const c_char,
    available: extern "C" fn() -> c_int,
    scratch_size: Option<extern "C" fn(*const c_void) -> u64>,
    run: unsafe extern "C" fn(*const c_void) -> Status,
    numerics: u32,
    promises: u32,
}

// SAFETY: all pointers lead to constants.
unsafe impl Sync for Kernel {}

#[repr(C)]
pub struct Library {
    abi: u32,
    kernel_count: u32,
    name: *const c_char,
    version: *const c_char,
    kernels: *const Kernel,
}

// SAFETY: as above.
unsafe impl Sync for Library {}
