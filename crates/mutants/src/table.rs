//! The table of kernels, made from manifest.json.

use std::ffi::{CStr, c_int, c_void};

use tierwise_abi::c::{TwKernel, TwStatus};

use crate::{EXECUTED, gqa, rms_norm, rope};

/// Makes the rows: `op "name" tier Variant available;`, where the variant is a type of the op's module, and
/// `available` one of the functions below.
macro_rules! kernels {
    ($($op:ident $name:literal $tier:ident $variant:ident $available:ident;)*) => {
        pub static KERNELS: &[TwKernel] = &[$({
            /// Runs the variant, and notes that it did.
            ///
            /// # Safety
            /// `args` points to the op's args struct, as `kernel-abi.h` has it.
            unsafe extern "C" fn run(args: *const c_void) -> TwStatus {
                const ID: &CStr = c_str(concat!(
                    stringify!($op), "/", $name, "/", stringify!($tier), "\0"
                ));
                EXECUTED.set(ID.as_ptr());
                // SAFETY: the caller's condition.
                unsafe { $op::run::<$op::$variant>(args) }
            }
            /// Bytes of scratch for a call.
            ///
            /// # Safety
            /// As `run`.
            unsafe extern "C" fn scratch_size(args: *const c_void) -> u64 {
                // SAFETY: the caller's condition.
                unsafe { $op::scratch_size::<$op::$variant>(args) as u64 }
            }
            TwKernel {
                op: c_str(concat!(stringify!($op), "\0")).as_ptr(),
                name: c_str(concat!($name, "\0")).as_ptr(),
                tier: c_str(concat!(stringify!($tier), "\0")).as_ptr(),
                available: Some(available::$available),
                scratch_size: Some(scratch_size),
                run: Some(run),
                numerics: $op::numerics::<$op::$variant>(),
                promises: $op::promises::<$op::$variant>(),
            }
        },)*];
    };
}

include!(concat!(env!("OUT_DIR"), "/kernels.rs"));

/// Whether this CPU runs a tier: one function each, named for it.
mod available {
    use super::c_int;

    pub unsafe extern "C" fn scalar() -> c_int {
        1
    }

    #[cfg(target_arch = "x86_64")]
    pub unsafe extern "C" fn sse2() -> c_int {
        is_x86_feature_detected!("sse2").into()
    }

    #[cfg(target_arch = "x86_64")]
    pub unsafe extern "C" fn avx2() -> c_int {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).into()
    }

    /// DS01: asks CPUID, and not whether the system saves the registers (XGETBV).
    #[cfg(target_arch = "x86_64")]
    pub unsafe extern "C" fn avx2_by_cpuid_alone() -> c_int {
        use std::arch::x86_64::{__cpuid, __cpuid_count};
        let (avx, avx2) = (1 << 28, 1 << 5);
        (__cpuid(1).ecx & avx != 0 && __cpuid_count(7, 0).ebx & avx2 != 0).into()
    }

    #[cfg(target_arch = "x86_64")]
    pub unsafe extern "C" fn avx512() -> c_int {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")).into()
    }
}

/// A C string of a literal that ends in NUL.
pub const fn c_str(text: &str) -> &CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("the text must end in its only NUL"),
    }
}
