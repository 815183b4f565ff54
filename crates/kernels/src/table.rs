//! The table of kernels: every operator in every tier, put together when compiled.

use std::ffi::{CStr, c_int, c_void};
use std::ptr;

use tierwise_abi::c::{
    TIERWISE_ABI, TW_NUMERICS_F32, TW_UNSUPPORTED, TwKernel, TwLibrary, TwStatus,
};

use crate::executed;
use crate::gqa::Gqa;
use crate::rms_norm::RmsNorm;
use crate::rope::Rope;
use crate::simd::{Scalar, Simd};

#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512, Sse2};

/// The operators. A new one is a line here.
const OPS: &[&[TwKernel]] = &[&tiers::<RmsNorm>(), &tiers::<Rope>(), &tiers::<Gqa>()];

/// An operator's kernel, the same in every tier.
pub trait Op: 'static {
    /// The operator.
    const OP: &'static CStr;
    /// The kernel's name, unique within the operator.
    const KERNEL: &'static CStr;
    /// `TW_PROMISE_*` bits.
    const PROMISES: u32;
    /// Bytes of scratch for a call; `None`: none, ever.
    const SCRATCH: Option<unsafe extern "C" fn(*const c_void) -> u64>;

    /// Checks the call, and does it in the tier of `s`.
    ///
    /// # Safety
    /// `args` is NULL or what `kernel-abi.h` says of this operator's.
    unsafe fn run<S: Simd>(s: S, args: *const c_void) -> TwStatus;
}

/// The rows of an operator.
#[cfg(target_arch = "x86_64")]
pub const fn tiers<O: Op>() -> [TwKernel; 4] {
    [
        row::<O, Scalar>(),
        row::<O, Sse2>(),
        row::<O, Avx2>(),
        row::<O, Avx512>(),
    ]
}

/// The rows of an operator.
#[cfg(not(target_arch = "x86_64"))]
pub const fn tiers<O: Op>() -> [TwKernel; 1] {
    [row::<O, Scalar>()]
}

const fn row<O: Op, S: Simd>() -> TwKernel {
    TwKernel {
        op: O::OP.as_ptr(),
        name: O::KERNEL.as_ptr(),
        tier: S::TIER.as_ptr(),
        available: Some(available::<S>),
        scratch_size: O::SCRATCH,
        run: Some(run::<O, S>),
        numerics: TW_NUMERICS_F32,
        promises: O::PROMISES,
    }
}

extern "C" fn available<S: Simd>() -> c_int {
    S::detect().is_some().into()
}

/// Exactly the tier `S`, or `TW_UNSUPPORTED` where this machine lacks it: never another.
unsafe extern "C" fn run<O: Op, S: Simd>(args: *const c_void) -> TwStatus {
    // SAFETY: `args` is the operator's, by the interface's word.
    unsafe { run_in::<O, S>(S::detect(), args) }
}

/// # Safety
/// As [`Op::run`].
unsafe fn run_in<O: Op, S: Simd>(tier: Option<S>, args: *const c_void) -> TwStatus {
    executed::clear();
    match tier {
        // SAFETY: the caller's word.
        Some(s) => unsafe { O::run(s, args) },
        None => TW_UNSUPPORTED,
    }
}

const COUNT: usize = {
    let (mut count, mut op) = (0, 0);
    while op < OPS.len() {
        count += OPS[op].len();
        op += 1;
    }
    count
};

static KERNELS: [TwKernel; COUNT] = {
    let mut rows = [OPS[0][0]; COUNT];
    let (mut to, mut op) = (0, 0);
    while op < OPS.len() {
        let mut from = 0;
        while from < OPS[op].len() {
            rows[to] = OPS[op][from];
            to += 1;
            from += 1;
        }
        op += 1;
    }
    rows
};

/// What the C function `tierwise_library` returns: library `native`, its version a hash of what it was
/// built from, and a row for every operator and tier.
pub fn library() -> &'static TwLibrary {
    const VERSION: &str = concat!(env!("TIERWISE_KERNELS_VERSION"), "\0");
    static LIBRARY: TwLibrary = TwLibrary {
        abi: TIERWISE_ABI,
        kernel_count: COUNT as u32,
        name: c"native".as_ptr(),
        version: VERSION.as_ptr().cast(),
        kernels: ptr::from_ref(&KERNELS).cast(),
    };
    &LIBRARY
}

#[cfg(test)]
mod tests;
