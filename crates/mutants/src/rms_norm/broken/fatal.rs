//! Bugs that end the process, or never end.

use std::arch::asm;
use std::hint::spin_loop;
use std::ptr::without_provenance;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::{Call, RmsNorm, Sequential};

/// Trigger: rows of more than one element.
pub struct Aborts;

impl RmsNorm for Aborts {
    fn row(call: &Call, row: usize) {
        if call.n > 1 {
            std::process::abort();
        }
        Sequential::row(call, row);
    }
}

/// Trigger: rows of more than one element.
pub struct Segfaults;

impl RmsNorm for Segfaults {
    fn row(call: &Call, row: usize) {
        if call.n > 1 {
            // SAFETY: none, this is the bug. Volatile, so the load happens; nothing is mapped there.
            unsafe { without_provenance::<u8>(16).read_volatile() };
        }
        Sequential::row(call, row);
    }
}

/// Trigger: rows of more than one element.
pub struct IllegalInstruction;

impl RmsNorm for IllegalInstruction {
    fn row(call: &Call, row: usize) {
        if call.n > 1 {
            // SAFETY: the instruction touches neither memory nor registers: it raises the fault.
            unsafe {
                #[cfg(target_arch = "x86_64")]
                asm!("ud2", options(nomem, nostack));
                #[cfg(target_arch = "aarch64")]
                asm!("udf #0", options(nomem, nostack));
            }
        }
        Sequential::row(call, row);
    }
}

/// Trigger: rows of more than one element.
pub struct NeverReturns;

impl RmsNorm for NeverReturns {
    fn row(call: &Call, row: usize) {
        let done = AtomicBool::new(call.n == 1);
        while !done.load(Ordering::Acquire) {
            spin_loop();
        }
        Sequential::row(call, row);
    }
}
