//! Bugs that read or write where nothing is theirs.

use super::super::{Call, RmsNorm, Sequential};

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

/// RN19: stores the last two elements of an odd row of 16 bits as a pair, the second of them past the row.
/// Later rows are done before earlier ones, as by a grid of threads: what is overwritten stays so.
///
/// Trigger: 16 bits, an odd length, dense rows.
pub struct TailStoreRunsOn;

impl RmsNorm for TailStoreRunsOn {
    fn run(call: &Call) {
        let (y, n) = (call.y, call.n);
        let pairs = y.dtype().size() == 2 && (n == 1 || y.strides()[1] == 1);
        for row in (0..call.rows).rev() {
            Sequential::row(call, row);
            if pairs && !n.is_multiple_of(2) {
                let second = y.address([row, n - 1]).wrapping_add(2);
                // SAFETY: none, this is the bug. Volatile, so the store happens and nothing follows from it.
                unsafe { second.cast::<u16>().write_volatile(0) };
            }
        }
    }
}

/// ME01: loads what is left of a row of x as a whole vector of eight, and drops what is too much.
///
/// Trigger: dense rows that are no multiple of 8, at the end of their memory.
pub struct WholeVectorLoaded;

impl RmsNorm for WholeVectorLoaded {
    fn row(call: &Call, row: usize) {
        let dense = call.n == 1 || call.x.strides()[1] == 1;
        if dense && !call.n.is_multiple_of(8) {
            let first = call.x.address([row, call.n - call.n % 8]);
            for byte in 0..8 * call.x.dtype().size() {
                // SAFETY: none, this is the bug. Volatile, so the load happens and nothing follows from it.
                unsafe { first.wrapping_add(byte).read_volatile() };
            }
        }
        Sequential::row(call, row);
    }
}
