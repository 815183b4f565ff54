//! What a call gives a kernel to work with, beside its tensors: threads and scratch.

use std::sync::atomic::{AtomicU32, Ordering};

use tierwise_abi::c::TwCall;

use crate::tensor::Refusal;

/// Threads and scratch of a call.
#[derive(Clone, Copy, Debug)]
pub struct Means {
    /// How many the kernel may use, at least 1.
    pub threads: usize,
    scratch: *mut u8,
    bytes: u64,
}

impl Means {
    /// Those that the head of the arguments names.
    pub fn of(call: &TwCall) -> Self {
        Self {
            threads: call.threads as usize,
            scratch: call.scratch.cast(),
            bytes: call.scratch_bytes,
        }
    }

    /// Refuses less scratch than a kernel asked for.
    pub fn suffice(&self, bytes: usize) -> Result<(), Refusal> {
        Refusal::Invalid.unless(self.bytes >= bytes as u64)
    }

    /// A number in the scratch. Whether it has room for that one is the kernel's care.
    pub fn get(&self, index: usize) -> f32 {
        f32::from_bits(self.word(index).load(Ordering::Relaxed))
    }

    /// Writes a number to the scratch. Whether it has room for that one is the kernel's care.
    pub fn set(&self, index: usize, value: f32) {
        self.word(index).store(value.to_bits(), Ordering::Relaxed);
    }

    /// Atomic: threads that disturb each other are one of the bugs here, and are to do so in a defined way.
    fn word(&self, index: usize) -> &AtomicU32 {
        // SAFETY: scratch is 64-byte aligned and the kernel's alone. Planted bugs leave it.
        unsafe { &*self.scratch.cast::<AtomicU32>().wrapping_add(index) }
    }
}

/// Does the parts of some work on as many threads as there are of them.
pub fn side_by_side(parts: usize, part: impl Fn(usize)) {
    /// Lets every thread see what holds pointers to a call's memory.
    struct Shared<Part>(Part);
    // SAFETY: kernels write distinct elements in distinct parts, and read none that another part writes; the
    // tensors outlive the threads, which end here. Planted races go through atomics.
    unsafe impl<Part> Sync for Shared<Part> {}
    impl<Part: Fn(usize)> Shared<Part> {
        fn run(&self, index: usize) {
            (self.0)(index);
        }
    }
    let shared = &Shared(part);
    std::thread::scope(|scope| {
        for index in 1..parts {
            scope.spawn(move || shared.run(index));
        }
        if parts > 0 {
            shared.run(0);
        }
    });
}
