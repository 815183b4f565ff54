//! Planted bugs, named for the defect. Each is right wherever its trigger is absent.

use std::arch::asm;
use std::hint::spin_loop;
use std::ptr::without_provenance;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Call, RmsNorm, Sequential};

/// Loads the element after the last one of x, as a loop with one turn too many does, and drops it.
///
/// Trigger: any element. The outputs are right, unless that element cannot be read.
pub struct ReadsPastEnd;

impl RmsNorm for ReadsPastEnd {
    fn run(call: &Call) {
        Sequential::run(call);
        if !call.x.is_empty() {
            for byte in 0..call.x.dtype().size() {
                // SAFETY: none, this is the bug. Volatile, so the load happens and nothing follows from it.
                unsafe { call.x.behind().add(byte).read_volatile() };
            }
        }
    }
}

/// Writes a zero after the last element of y, as a loop with one turn too many does.
///
/// Trigger: any element. The outputs are right; what lies behind them is not.
pub struct WritesPastEnd;

impl RmsNorm for WritesPastEnd {
    fn run(call: &Call) {
        Sequential::run(call);
        if !call.y.is_empty() {
            for byte in 0..call.y.dtype().size() {
                // SAFETY: none, this is the bug. Volatile, so the store happens and nothing follows from it.
                unsafe { call.y.behind().add(byte).write_volatile(0) };
            }
        }
    }
}

/// Calls abort(), as a failed assertion does.
///
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

/// Loads from the page at address 0, as a field behind a NULL pointer.
///
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

/// Executes an instruction that no CPU has, as code for a newer one is on an older.
///
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

/// Waits for a helper thread that was never started.
///
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

/// Gives NaN for every element: to a comparison that NaN slips through, a perfect match.
///
/// Trigger: any element.
pub struct ReturnsNan;

impl RmsNorm for ReturnsNan {
    fn weighted(_: &Call, _: f32, _: f32) -> f32 {
        f32::NAN
    }
}

/// Leaves eps out of the root.
///
/// Trigger: an eps that counts beside the mean square; a row of zeros above all.
pub struct IgnoresEps;

impl RmsNorm for IgnoresEps {
    fn eps(_: &Call) -> f32 {
        0.0
    }
}

/// Answers "ok" and writes nothing. Right when the outputs held the answer before.
///
/// Trigger: any element.
pub struct WritesNothing;

impl RmsNorm for WritesNothing {
    fn run(_: &Call) {}
}
