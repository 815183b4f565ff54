//! Subnormals as zeros, as the CPU does it on request.

use std::arch::asm;

/// Flush to zero, denormals are zeros: bits of MXCSR.
const FTZ_AND_DAZ: u32 = 1 << 15 | 1 << 6;

/// Does some work with FTZ and DAZ on, and puts MXCSR back as it was.
pub fn flushing(work: impl FnOnce()) {
    let before = mxcsr();
    set_mxcsr(before | FTZ_AND_DAZ);
    work();
    set_mxcsr(before);
}

fn mxcsr() -> u32 {
    let mut bits = 0_u32;
    // SAFETY: stores a control word into a local.
    unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut bits, options(nostack)) };
    bits
}

/// What follows reads and writes memory, and so stays behind it.
fn set_mxcsr(bits: u32) {
    // SAFETY: loads a control word that was stored before, but for two bits that change results alone.
    unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const bits, options(nostack)) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[test]
    fn subnormals_are_zeros_meanwhile_and_not_afterwards() {
        let least = f32::MIN_POSITIVE;
        let (mut read, mut left) = (1.0, 1.0);
        flushing(|| {
            read = black_box(least / 2.0) * black_box(4.0);
            left = black_box(least) * black_box(0.5);
        });
        assert_eq!([read, left], [0.0, 0.0]);
        assert_eq!(black_box(least) * black_box(0.5), least / 2.0);
    }
}
