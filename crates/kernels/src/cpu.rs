//! Which tiers this CPU and its operating system can run, and how large its caches are.
//!
//! CPUID says what the silicon has; XCR0 says which registers the operating system keeps across a switch of
//! tasks. A tier needs both: AVX bits without the operating system's word end in an illegal instruction.
//! Everything is a pure function of a [`Cpuid`], so that machines that do not exist can be asked as well.
//! Bits and leaves: Intel SDM volume 2A, CPUID; volume 1, 13.3; AMD APM volume 3, appendix E.

use std::sync::OnceLock;

/// One answer of CPUID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Registers {
    /// EAX.
    pub eax: u32,
    /// EBX.
    pub ebx: u32,
    /// ECX.
    pub ecx: u32,
    /// EDX.
    pub edx: u32,
}

/// A CPU that can be asked.
pub trait Cpuid {
    /// CPUID of a leaf and subleaf.
    fn leaf(&self, leaf: u32, subleaf: u32) -> Registers;
    /// XGETBV of register 0. Asked only where OSXSAVE is set: elsewhere it is an illegal instruction.
    fn xcr0(&self) -> u64;
}

/// The tiers above `scalar` that can run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// SSE2.
    pub sse2: bool,
    /// AVX2, FMA, F16C, BMI1, BMI2, and YMM kept.
    pub avx2: bool,
    /// The avx2 tier's, AVX-512 F, BW, DQ, VL, CD, and ZMM and opmasks kept.
    pub avx512: bool,
}

impl Features {
    /// What `cpu` can run.
    pub fn of(cpu: &impl Cpuid) -> Self {
        let highest = cpu.leaf(0, 0).eax;
        if highest < 1 {
            return Self::default();
        }
        let basic = cpu.leaf(1, 0);
        let sse2 = all(basic.edx, &[26]);
        const OSXSAVE: u32 = 27;
        if highest < 7 || !all(basic.ecx, &[OSXSAVE]) {
            return Self {
                sse2,
                ..Self::default()
            };
        }
        let kept = cpu.xcr0();
        let ymm_kept = kept & 0b110 == 0b110;
        let zmm_kept = kept & 0b1110_0110 == 0b1110_0110;
        let extended = cpu.leaf(7, 0).ebx;
        const FMA_AVX_F16C: &[u32] = &[12, 28, 29];
        const BMI1_AVX2_BMI2: &[u32] = &[3, 5, 8];
        const F_DQ_CD_BW_VL: &[u32] = &[16, 17, 28, 30, 31];
        let avx2 =
            sse2 && ymm_kept && all(basic.ecx, FMA_AVX_F16C) && all(extended, BMI1_AVX2_BMI2);
        let avx512 = avx2 && zmm_kept && all(extended, F_DQ_CD_BW_VL);
        Self { sse2, avx2, avx512 }
    }
}

fn all(register: u32, bits: &[u32]) -> bool {
    bits.iter().all(|bit| register >> bit & 1 == 1)
}

/// Bytes of the largest data or unified cache, which is the last level; `None` where the CPU does not say.
pub fn last_level_cache(cpu: &impl Cpuid) -> Option<u64> {
    const INTEL: u32 = 4;
    const AMD: u32 = 0x8000_001d;
    let speaks = |leaf: u32| cpu.leaf(leaf & 0x8000_0000, 0).eax >= leaf;
    let caches = |leaf| (0..8).map_while(move |subleaf| cache(cpu.leaf(leaf, subleaf)));
    [INTEL, AMD]
        .into_iter()
        .filter(|&leaf| speaks(leaf))
        .filter_map(|leaf| caches(leaf).max())
        .max()
        .filter(|&bytes| bytes > 0)
}

/// Bytes of the cache that one subleaf describes, 0 for instructions; `None` past the last.
fn cache(r: Registers) -> Option<u64> {
    const INSTRUCTIONS: u32 = 2;
    match r.eax & 0x1f {
        0 => None,
        INSTRUCTIONS => Some(0),
        _ => {
            let ways = u64::from(r.ebx >> 22) + 1;
            let partitions = u64::from(r.ebx >> 12 & 0x3ff) + 1;
            let line = u64::from(r.ebx & 0xfff) + 1;
            let sets = u64::from(r.ecx) + 1;
            Some(ways * partitions * line * sets)
        }
    }
}

/// What this machine can run; asked once.
pub fn features() -> Features {
    static FEATURES: OnceLock<Features> = OnceLock::new();
    *FEATURES.get_or_init(|| Features::of(&Here))
}

/// Bytes of a working set that the last-level cache no longer holds beside everything else: 3/4 of it, the
/// share at which glibc's memcpy turns to streaming stores as well. Endless where the CPU does not say.
pub fn streaming_threshold() -> u64 {
    static THRESHOLD: OnceLock<u64> = OnceLock::new();
    *THRESHOLD.get_or_init(|| last_level_cache(&Here).map_or(u64::MAX, |bytes| bytes / 4 * 3))
}

/// The CPU that runs this.
struct Here;

#[cfg(target_arch = "x86_64")]
impl Cpuid for Here {
    fn leaf(&self, leaf: u32, subleaf: u32) -> Registers {
        let r = std::arch::x86_64::__cpuid_count(leaf, subleaf);
        Registers {
            eax: r.eax,
            ebx: r.ebx,
            ecx: r.ecx,
            edx: r.edx,
        }
    }

    fn xcr0(&self) -> u64 {
        #[target_feature(enable = "xsave")]
        fn read() -> u64 {
            // SAFETY: register 0 exists wherever XGETBV does.
            unsafe { std::arch::x86_64::_xgetbv(0) }
        }
        // SAFETY: asked only where OSXSAVE says that XGETBV is enabled.
        unsafe { read() }
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl Cpuid for Here {
    fn leaf(&self, _: u32, _: u32) -> Registers {
        Registers::default()
    }

    fn xcr0(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests;
