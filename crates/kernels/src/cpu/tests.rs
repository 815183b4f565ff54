//! CPUs that are not here: features without the operating system's word, and caches of every maker.

use std::collections::HashMap;

use super::{Cpuid, Features, Registers, features, last_level_cache};

/// A CPU by its answers; what is not listed is 0.
#[derive(Clone)]
struct Fake {
    leaves: HashMap<(u32, u32), Registers>,
    xcr0: u64,
}

const OSXSAVE: u32 = 27;

impl Cpuid for Fake {
    fn leaf(&self, leaf: u32, subleaf: u32) -> Registers {
        self.leaves
            .get(&(leaf, subleaf))
            .copied()
            .unwrap_or_default()
    }

    fn xcr0(&self) -> u64 {
        assert!(
            self.leaf(1, 0).ecx >> OSXSAVE & 1 == 1,
            "XGETBV without OSXSAVE is an illegal instruction"
        );
        self.xcr0
    }
}

/// A CPU and operating system with all that any tier asks for, and no more.
fn complete() -> Fake {
    let bits = |bits: &[u32]| bits.iter().fold(0, |register, bit| register | 1 << bit);
    let basic = Registers {
        ecx: bits(&[12, OSXSAVE, 28, 29]),
        edx: bits(&[26]),
        ..Registers::default()
    };
    let extended = Registers {
        ebx: bits(&[3, 5, 8, 16, 17, 28, 30, 31]),
        ..Registers::default()
    };
    let highest = Registers {
        eax: 7,
        ..Registers::default()
    };
    Fake {
        leaves: [((0, 0), highest), ((1, 0), basic), ((7, 0), extended)].into(),
        xcr0: 0b1110_0111,
    }
}

const NONE: Features = Features {
    sse2: false,
    avx2: false,
    avx512: false,
};
const SSE2: Features = Features { sse2: true, ..NONE };
const AVX2: Features = Features { avx2: true, ..SSE2 };
const AVX512: Features = Features {
    avx512: true,
    ..AVX2
};

#[test]
fn everything_there() {
    assert_eq!(Features::of(&complete()), AVX512);
}

#[test]
fn every_bit_is_needed() {
    let without = |leaf: u32, take: fn(&mut Registers) -> &mut u32, bit: u32| {
        let mut cpu = complete();
        *take(cpu.leaves.get_mut(&(leaf, 0)).unwrap()) &= !(1 << bit);
        Features::of(&cpu)
    };
    assert_eq!(without(1, |r| &mut r.edx, 26), NONE);
    for bit in [12, OSXSAVE, 28, 29] {
        assert_eq!(
            without(1, |r| &mut r.ecx, bit),
            SSE2,
            "leaf 1 ECX bit {bit}"
        );
    }
    for bit in [3, 5, 8] {
        assert_eq!(
            without(7, |r| &mut r.ebx, bit),
            SSE2,
            "leaf 7 EBX bit {bit}"
        );
    }
    for bit in [16, 17, 28, 30, 31] {
        assert_eq!(
            without(7, |r| &mut r.ebx, bit),
            AVX2,
            "leaf 7 EBX bit {bit}"
        );
    }
}

#[test]
fn registers_that_the_system_does_not_keep() {
    for (xcr0, expected) in [
        (0b0000_0000, SSE2),
        (0b0000_0011, SSE2),
        (0b0000_0101, SSE2),
        (0b0000_0111, AVX2),
        (0b0010_0111, AVX2),
        (0b0110_0111, AVX2),
        (0b1100_0111, AVX2),
        (0b1110_0011, SSE2),
        (0b1110_0111, AVX512),
    ] {
        assert_eq!(
            Features::of(&Fake { xcr0, ..complete() }),
            expected,
            "XCR0 {xcr0:#b}"
        );
    }
}

/// Some CPUs answer a leaf beyond their highest with the highest one's bits.
#[test]
fn leaves_beyond_the_highest_are_not_believed() {
    for (highest, expected) in [(0, NONE), (1, SSE2), (6, SSE2), (7, AVX512)] {
        let mut cpu = complete();
        cpu.leaves.insert(
            (0, 0),
            Registers {
                eax: highest,
                ..Registers::default()
            },
        );
        assert_eq!(Features::of(&cpu), expected, "highest leaf {highest}");
    }
}

#[test]
fn the_largest_data_cache_is_the_last_level() {
    let cache = |kind: u32, ways: u32, line: u32, sets: u32| Registers {
        eax: kind,
        ebx: (ways - 1) << 22 | (line - 1),
        ecx: sets - 1,
        edx: 0,
    };
    let highest = |eax| Registers {
        eax,
        ..Registers::default()
    };
    let caches = |leaf| {
        [
            ((leaf, 0), cache(1, 12, 64, 64)),
            ((leaf, 1), cache(2, 64, 64, 1 << 20)),
            ((leaf, 2), cache(3, 16, 64, 32768)),
        ]
    };
    let mut intel = Fake {
        leaves: caches(4).into(),
        xcr0: 0,
    };
    assert_eq!(
        last_level_cache(&intel),
        None,
        "leaf 4 is beyond the highest"
    );
    intel.leaves.insert((0, 0), highest(4));
    assert_eq!(last_level_cache(&intel), Some(32 << 20));
    let mut amd = Fake {
        leaves: caches(0x8000_001d).into(),
        xcr0: 0,
    };
    amd.leaves.insert((0, 0), highest(0x10));
    amd.leaves.insert((0x8000_0000, 0), highest(0x8000_0021));
    assert_eq!(last_level_cache(&amd), Some(32 << 20));
    amd.leaves.remove(&(0x8000_001d, 0));
    assert_eq!(last_level_cache(&amd), None, "no cache described");
}

/// Held against the standard library's own detection.
#[cfg(target_arch = "x86_64")]
#[test]
fn this_machine() {
    use std::arch::is_x86_feature_detected as detected;
    let avx2 = detected!("avx2")
        && detected!("fma")
        && detected!("f16c")
        && detected!("bmi1")
        && detected!("bmi2");
    let avx512 = avx2
        && detected!("avx512f")
        && detected!("avx512bw")
        && detected!("avx512dq")
        && detected!("avx512vl")
        && detected!("avx512cd");
    assert_eq!(
        features(),
        Features {
            sse2: detected!("sse2"),
            avx2,
            avx512
        }
    );
}
