//! The table of kernels: operator, name, tier, variant.

use std::ffi::{CStr, c_int, c_void};

use tierwise_abi::c::{TW_NUMERICS_F32, TwKernel, TwStatus};

use crate::{EXECUTED, gqa, rms_norm};

/// Makes the rows: `op "name" tier Variant;`, where the variant is a type of the op's module. None needs
/// scratch, none promises anything.
macro_rules! kernels {
    ($($(#[$attribute:meta])* $op:ident $name:literal $tier:ident $variant:ident;)*) => {
        pub static KERNELS: &[TwKernel] = &[$(
            $(#[$attribute])*
            {
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
                TwKernel {
                    op: c_str(concat!(stringify!($op), "\0")).as_ptr(),
                    name: c_str(concat!($name, "\0")).as_ptr(),
                    tier: c_str(concat!(stringify!($tier), "\0")).as_ptr(),
                    available: Some(available::$tier),
                    scratch_size: None,
                    run: Some(run),
                    numerics: TW_NUMERICS_F32,
                    promises: 0,
                }
            },
        )*];
    };
}

kernels! {
    // Correct.
    rms_norm "sequential" scalar Sequential;
    rms_norm "pairwise" scalar Pairwise;
    rms_norm "f64" scalar F64;
    rms_norm "max-scaled" scalar MaxScaled;
    #[cfg(target_arch = "x86_64")]
    rms_norm "newton" sse2 Newton;

    gqa "two-pass" scalar TwoPass;
    gqa "reversed" scalar Reversed;
    gqa "key-by-key" scalar KeyByKey;
    gqa "blocks-of-64" scalar BlocksOf64;
    gqa "merged-spans" scalar MergedSpans;
    gqa "in-f64" scalar InF64;

    // Broken.
    rms_norm "reads-past-end" scalar ReadsPastEnd;
    rms_norm "writes-past-end" scalar WritesPastEnd;
    rms_norm "aborts" scalar Aborts;
    rms_norm "segfaults" scalar Segfaults;
    rms_norm "illegal-instruction" scalar IllegalInstruction;
    rms_norm "never-returns" scalar NeverReturns;
    rms_norm "returns-nan" scalar ReturnsNan;
    rms_norm "ignores-eps" scalar IgnoresEps;
    rms_norm "writes-nothing" scalar WritesNothing;
    #[cfg(target_arch = "x86_64")]
    rms_norm "raw-rsqrtss" sse2 RawRsqrtss;
}

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
}

/// A C string of a literal that ends in NUL.
pub const fn c_str(text: &str) -> &CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("the text must end in its only NUL"),
    }
}
