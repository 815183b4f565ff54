//! How a dying runner says why: a page shared with its parent, written from the signal handler.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The first bytes of the status page.
#[repr(C)]
#[derive(Debug, Default)]
pub struct FaultNote {
    signal: AtomicU32,
    access: AtomicU32,
    address: AtomicU64,
}

/// What a runner died of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The signal's number.
    pub signal: i32,
    /// The address that was touched, for SIGSEGV and SIGBUS; the instruction's otherwise.
    pub address: u64,
    /// Whether it was a write; `None` where the CPU does not say.
    pub write: Option<bool>,
}

impl FaultNote {
    /// Notes a fault. Async-signal-safe: stores alone.
    pub fn write(&self, fault: Fault) {
        self.address.store(fault.address, Ordering::Relaxed);
        self.access.store(
            fault.write.map_or(0, |write| 1 + u32::from(write)),
            Ordering::Relaxed,
        );
        self.signal
            .store(fault.signal.cast_unsigned(), Ordering::Release);
    }

    /// Takes the note, if there is one.
    pub fn take(&self) -> Option<Fault> {
        let signal = self.signal.swap(0, Ordering::Acquire).cast_signed();
        (signal != 0).then(|| Fault {
            signal,
            address: self.address.load(Ordering::Relaxed),
            write: match self.access.load(Ordering::Relaxed) {
                0 => None,
                access => Some(access == 2),
            },
        })
    }
}
