//! What the tests stand on: buffers between guard pages, tensors in them, numbers, and every tier.

mod gqa;
mod guarded;
mod part;
mod rms_norm;
mod rope;
mod tensor;

pub use gqa::{Attended, Attending, GqaCase, Laid, TYPES};
pub use guarded::{Edge, Guarded, in_scratch};
pub use part::{Part, answer};
pub use rms_norm::{Asked, Case, Data, in_turn};
pub use rope::{Placed, RopeCase, Turned, Turning};
pub use tensor::{Buffer, Layout, round};

use std::ffi::{CStr, c_char};

use tierwise_abi::c::TwKernel;

use crate::rms_norm::RmsNorm;
use crate::simd::Simd;
use crate::table::{Op, tiers};

/// Numbers that look random and are the same every time (splitmix64).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between -1 and 1.
    pub fn uniform(&mut self) -> f64 {
        self.next() as i64 as f64 / i64::MIN as f64
    }
}

/// The rows of an operator that this machine runs. Says aloud what it leaves out.
pub fn kernels_of<O: Op>() -> Vec<&'static TwKernel> {
    let rows = const { &tiers::<O>() };
    let runs = |row: &&TwKernel| {
        // SAFETY: it takes nothing.
        let runs = unsafe { row.available.unwrap()() } == 1;
        if !runs {
            eprintln!("NOT TESTED: this machine lacks tier {}", text(row.tier));
        }
        runs
    };
    rows.iter().filter(runs).collect()
}

/// The rows of `rms_norm`.
pub fn kernels() -> Vec<&'static TwKernel> {
    kernels_of::<RmsNorm>()
}

/// A C string of the table.
pub fn text(name: *const c_char) -> &'static str {
    // SAFETY: names of the table are C strings that live as long as the program.
    unsafe { CStr::from_ptr(name) }.to_str().unwrap()
}

/// Something to try in a tier.
pub trait InTier {
    fn run<S: Simd>(&self, s: S);
}

/// Tries it in every tier that this machine runs. Says aloud what it leaves out.
pub fn in_every_tier(what: &impl InTier) {
    fn try_in<S: Simd>(what: &impl InTier) {
        match S::detect() {
            Some(s) => what.run(s),
            None => eprintln!("NOT TESTED: this machine lacks tier {:?}", S::TIER),
        }
    }
    try_in::<crate::simd::Scalar>(what);
    #[cfg(target_arch = "x86_64")]
    {
        try_in::<crate::simd::Sse2>(what);
        try_in::<crate::simd::Avx2>(what);
        try_in::<crate::simd::Avx512>(what);
    }
}
