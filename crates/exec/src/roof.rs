//! Roofs: what this machine can do at best, beside which a kernel's time says how good it is.
//!
//! Copying as many bytes as a kernel reads and writes is libc's matter; here are reading as many, and
//! multiply-adds from registers alone. Both are plain loops over the widest registers that they may use.

use crate::request::Tier;

/// Multiplications and additions in one call of [`multiply_add`], counted apart.
pub const OPERATIONS: u64 = 3 << 20;

/// Reads every byte once, and returns all 8-byte words and single bytes folded by exclusive or.
pub fn read(bytes: &[u8]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the CPU has the feature, as just asked.
            return unsafe { x86::read_avx512(bytes) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has the feature, as just asked.
            return unsafe { x86::read_avx2(bytes) };
        }
    }
    read_words(bytes)
}

fn read_words(bytes: &[u8]) -> u64 {
    let (words, single) = bytes.as_chunks();
    let words = words.iter().map(|word| u64::from_ne_bytes(*word));
    let single = single.iter().map(|byte| u64::from(*byte));
    words.chain(single).fold(0, |folded, word| folded ^ word)
}

/// Does [`OPERATIONS`] as the tier does them, fused where it has FMA. `None`: this CPU lacks the tier.
pub fn multiply_add(tier: Tier) -> Option<fn() -> f32> {
    match tier {
        #[cfg(target_arch = "x86_64")]
        Tier::Avx512 if is_x86_feature_detected!("avx512f") => {
            // SAFETY: the CPU has the feature, as just asked.
            Some(|| unsafe { x86::multiply_add_avx512() })
        }
        #[cfg(target_arch = "x86_64")]
        Tier::Avx2 if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") => {
            // SAFETY: the CPU has the features, as just asked.
            Some(|| unsafe { x86::multiply_add_avx2() })
        }
        #[cfg(target_arch = "x86_64")]
        Tier::Sse2 | Tier::Scalar => {
            // SAFETY: every x86-64 has SSE2.
            Some(|| unsafe { x86::multiply_add_sse2() })
        }
        _ => None,
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    use super::{OPERATIONS, read_words};

    /// Vectors that are in flight at once. Two units with a latency of four need 8, a multiplication and an addition
    /// in two units of each 12. With the constants that is 14 of the 16 registers: more chains would be spilt.
    const CHAINS: usize = 12;

    /// A loop for each kind of register. Every chain stays at 1, whatever the number of rounds.
    macro_rules! multiply_add {
        ($name:ident, $features:literal, $lanes:literal, $splat:ident, $add:ident, $first:ident, $step:expr) => {
            #[target_feature(enable = $features)]
            pub fn $name() -> f32 {
                let (factor, half) = ($splat(black_box(0.5)), $splat(0.5));
                let mut chains = [$splat(1.0); CHAINS];
                for _ in 0..OPERATIONS as usize / (2 * $lanes * CHAINS) {
                    for chain in &mut chains {
                        *chain = $step(*chain, factor, half);
                    }
                }
                $first(chains.into_iter().fold($splat(0.0), |a, b| $add(a, b)))
            }
        };
    }

    multiply_add!(
        multiply_add_avx512,
        "avx512f",
        16,
        _mm512_set1_ps,
        _mm512_add_ps,
        _mm512_cvtss_f32,
        |chain, factor, half| _mm512_fmadd_ps(chain, factor, half)
    );
    multiply_add!(
        multiply_add_avx2,
        "avx2,fma",
        8,
        _mm256_set1_ps,
        _mm256_add_ps,
        _mm256_cvtss_f32,
        |chain, factor, half| _mm256_fmadd_ps(chain, factor, half)
    );
    multiply_add!(
        multiply_add_sse2,
        "sse2",
        4,
        _mm_set1_ps,
        _mm_add_ps,
        _mm_cvtss_f32,
        |chain, factor, half| _mm_add_ps(_mm_mul_ps(chain, factor), half)
    );

    /// A loop for each kind of register, over four quarters at once: one stream does not keep the memory busy.
    macro_rules! read {
        ($name:ident, $features:literal, $vector:ty, $load:ident, $xor:ident, $store:ident) => {
            #[target_feature(enable = $features)]
            pub fn $name(bytes: &[u8]) -> u64 {
                const BLOCK: usize = 2 * size_of::<$vector>();
                let quarter = bytes.len() / 4 / BLOCK * BLOCK;
                let mut folded = [[0; size_of::<$vector>()]; 8];
                // SAFETY: every load is of a block inside a quarter, and a quarter of four lies inside the slice.
                unsafe {
                    let mut sums = [$load(folded[0].as_ptr().cast()); 8];
                    for i in (0..quarter).step_by(BLOCK) {
                        for (k, sum) in sums.iter_mut().enumerate() {
                            let from = k / 2 * quarter + i + k % 2 * size_of::<$vector>();
                            *sum = $xor(*sum, $load(bytes.as_ptr().add(from).cast()));
                        }
                    }
                    for (to, sum) in folded.iter_mut().zip(sums) {
                        $store(to.as_mut_ptr().cast(), sum);
                    }
                }
                read_words(folded.as_flattened()) ^ read_words(&bytes[4 * quarter..])
            }
        };
    }

    read!(
        read_avx512,
        "avx512f",
        __m512i,
        _mm512_loadu_si512,
        _mm512_xor_si512,
        _mm512_storeu_si512
    );
    read!(
        read_avx2,
        "avx2",
        __m256i,
        _mm256_loadu_si256,
        _mm256_xor_si256,
        _mm256_storeu_si256
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_counts_once() {
        for length in [0, 1, 7, 8, 255, 256, 1024, 1025, 5000] {
            let mut bytes: Vec<u8> = (0..length).map(|i| (i * 31 % 251) as u8).collect();
            assert_eq!(read(&bytes), read_words(&bytes), "{length} bytes");
            for at in (0..length).step_by(37) {
                let before = read(&bytes);
                bytes[at] ^= 1;
                assert_ne!(read(&bytes), before, "byte {at} of {length}");
            }
        }
    }

    #[test]
    fn every_chain_stays_at_one() {
        let tiers = [Tier::Scalar, Tier::Sse2, Tier::Avx2, Tier::Avx512];
        let sums: Vec<f32> = tiers
            .into_iter()
            .filter_map(multiply_add)
            .map(|work| work())
            .collect();
        assert!(sums.iter().all(|sum| *sum == 12.0), "{sums:?}");
        assert_eq!(sums.is_empty(), cfg!(not(target_arch = "x86_64")));
    }
}
