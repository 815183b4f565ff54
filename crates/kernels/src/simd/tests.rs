//! The vocabulary, every tier against plain scalar code and against the crate `half`.

mod lanes;

use half::{bf16, f16};

use super::{All, Bf16, Element, F16, First, LANES, Scalar, Simd, Work};
#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512, Sse2};
use crate::testing::{Edge, Guarded, InTier, Numbers, in_every_tier};

/// Another than ours looks: a tier that hides would be left out of every test, and all of them be green.
#[test]
fn a_tier_is_there_where_its_features_are() {
    assert!(Scalar::detect().is_some());
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        let avx2 = has!("avx2") && has!("fma") && has!("f16c") && has!("bmi1") && has!("bmi2");
        let avx512 = has!("avx512f")
            && has!("avx512bw")
            && has!("avx512dq")
            && has!("avx512vl")
            && has!("avx512cd");
        assert_eq!(Sse2::detect().is_some(), has!("sse2"));
        assert_eq!(Avx2::detect().is_some(), avx2);
        assert_eq!(Avx512::detect().is_some(), avx2 && avx512);
    }
}

/// Stores what was loaded, so that a type is converted both ways or one way to f32.
struct Convert<'a, E, F>(&'a [E], &'a mut [F]);

impl<E: Element, F: Element> Work for Convert<'_, E, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (from, to) in self
            .0
            .chunks_exact(LANES)
            .zip(self.1.chunks_exact_mut(LANES))
        {
            // SAFETY: both have 16 elements.
            unsafe { F::store(s, to.as_mut_ptr(), E::load(s, from.as_ptr(), All), All) };
        }
    }
}

fn convert<S: Simd, E: Element, F: Element>(s: S, from: &[E]) -> Vec<F> {
    assert_eq!(from.len() % LANES, 0);
    let mut to = vec![F::default(); from.len()];
    s.vectorize(Convert(from, &mut to));
    to
}

#[test]
fn every_16_bit_value_is_widened_exactly() {
    struct Widen;
    impl InTier for Widen {
        fn run<S: Simd>(&self, s: S) {
            let halves: Vec<F16> = (0..=u16::MAX).map(F16).collect();
            let brains: Vec<Bf16> = (0..=u16::MAX).map(Bf16).collect();
            let wide_halves: Vec<f32> = convert(s, &halves);
            let wide_brains: Vec<f32> = convert(s, &brains);
            for bits in 0..=u16::MAX {
                for (seen, expected) in [
                    (
                        wide_halves[usize::from(bits)],
                        f16::from_bits(bits).to_f32(),
                    ),
                    (
                        wide_brains[usize::from(bits)],
                        bf16::from_bits(bits).to_f32(),
                    ),
                ] {
                    let same =
                        seen.to_bits() == expected.to_bits() || seen.is_nan() && expected.is_nan();
                    assert!(
                        same,
                        "{:?}: {bits:#06x} became {seen}, not {expected}",
                        S::TIER
                    );
                }
            }
        }
    }
    in_every_tier(&Widen);
}

#[test]
fn narrowing_rounds_once_to_nearest_even() {
    struct Narrow(Vec<f32>);
    impl InTier for Narrow {
        fn run<S: Simd>(&self, s: S) {
            let halves: Vec<F16> = convert(s, &self.0);
            let brains: Vec<Bf16> = convert(s, &self.0);
            for ((&value, half), brain) in self.0.iter().zip(halves).zip(brains) {
                let (half, brain) = (f16::from_bits(half.0), bf16::from_bits(brain.0));
                if value.is_nan() {
                    assert!(
                        half.is_nan() && brain.is_nan(),
                        "{:?}: NaN {:#x}",
                        S::TIER,
                        value.to_bits()
                    );
                } else {
                    let bits = value.to_bits();
                    assert_eq!(
                        half.to_bits(),
                        f16::from_f32(value).to_bits(),
                        "{:?}: {bits:#x}",
                        S::TIER
                    );
                    assert_eq!(
                        brain.to_bits(),
                        bf16::from_f32(value).to_bits(),
                        "{:?}: {bits:#x}",
                        S::TIER
                    );
                }
            }
        }
    }
    // Every value of both types and every tie between two, with both neighbours; a stride over all the rest.
    let halves = (0..=u16::MAX).map(|bits| f16::from_bits(bits).to_f32().to_bits());
    let brains = (0..=u16::MAX).map(|bits| u32::from(bits) << 16);
    let ties = halves
        .clone()
        .map(|bits| bits.wrapping_add(1 << 12))
        .chain(brains.clone().map(|bits| bits | 1 << 15));
    // Half an f16 subnormal's step is another bit of the f32 for every exponent.
    let subnormal_ties = (0..2048).map(|odd| ((odd as f32 + 0.5) * 2f32.powi(-24)).to_bits());
    let edges = halves.chain(brains).chain(ties).chain(subnormal_ties);
    let around = edges.flat_map(|bits| [bits.wrapping_sub(1), bits, bits.wrapping_add(1)]);
    let sampled = (0..=u32::MAX).step_by(9973);
    let mut values: Vec<f32> = around.chain(sampled).map(f32::from_bits).collect();
    values.resize(values.len().next_multiple_of(LANES), 0.0);
    in_every_tier(&Narrow(values));
}

/// Loads the first so many elements of one buffer, and stores as many into another.
struct CopyFirst<E>(*const E, *mut E, usize);

impl<E: Element> Work for CopyFirst<E> {
    type Output = [f32; LANES];

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        let mut lanes = [1.0; LANES];
        // SAFETY: the test's buffers have so many elements.
        unsafe {
            let v = E::load(s, self.0, First(self.2));
            f32::store(s, lanes.as_mut_ptr(), v, All);
            E::store(s, self.1, v, First(self.2));
        }
        lanes
    }
}

#[test]
fn partial_loads_and_stores_touch_their_elements_alone() {
    struct Partial;
    impl InTier for Partial {
        fn run<S: Simd>(&self, s: S) {
            for count in 0..=LANES {
                for edge in [Edge::Start, Edge::End] {
                    copy_first::<S, f32>(s, count, edge);
                    copy_first::<S, F16>(s, count, edge);
                    copy_first::<S, Bf16>(s, count, edge);
                }
            }
        }
    }
    fn copy_first<S: Simd, E: Element>(s: S, count: usize, edge: Edge) {
        let bytes = count * size_of::<E>();
        let (mut from, to) = (Guarded::new(bytes, edge), Guarded::new(bytes, edge));
        // Every element is 0x3c01 or 0x3c013c01: a number in each of the types.
        from.bytes_mut()
            .chunks_exact_mut(2)
            .for_each(|pair| pair.copy_from_slice(&[0x01, 0x3c]));
        let lanes = s.vectorize(CopyFirst(
            from.as_ptr().cast::<E>(),
            to.as_ptr().cast(),
            count,
        ));
        assert_eq!(from.bytes(), to.bytes(), "{:?}, {count} lanes", S::TIER);
        let (loaded, rest) = lanes.split_at(count);
        assert!(
            loaded.iter().all(|&lane| lane != 0.0) && rest.iter().all(|lane| lane.to_bits() == 0)
        );
    }
    in_every_tier(&Partial);
}

/// The sum of 16 lanes.
struct TreeSum([f32; LANES]);

impl Work for TreeSum {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        // SAFETY: an array of 16.
        s.tree_sum(unsafe { s.load_f32(self.0.as_ptr()) })
    }
}

#[test]
fn lanes_are_summed_as_a_tree() {
    struct Sums;
    impl InTier for Sums {
        fn run<S: Simd>(&self, s: S) {
            let mut numbers = Numbers(1);
            for _ in 0..1000 {
                let lanes: [f32; LANES] = std::array::from_fn(|_| numbers.uniform() as f32);
                let mut tree = lanes.to_vec();
                while tree.len() > 1 {
                    let upper = tree.split_off(tree.len() / 2);
                    tree.iter_mut()
                        .zip(upper)
                        .for_each(|(low, high)| *low += high);
                }
                assert_eq!(
                    s.vectorize(TreeSum(lanes)).to_bits(),
                    tree[0].to_bits(),
                    "{:?}",
                    S::TIER
                );
            }
        }
    }
    in_every_tier(&Sums);
}

/// The lanes of a vector from those of two.
struct OfTwo([f32; LANES], [f32; LANES], Operation);

#[derive(Clone, Copy, Debug)]
enum Operation {
    Sub,
    SwapPairs,
}

impl Work for OfTwo {
    type Output = [f32; LANES];

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        let Self(mut lanes, other, operation) = self;
        // SAFETY: arrays of 16.
        unsafe {
            let (a, b) = (s.load_f32(lanes.as_ptr()), s.load_f32(other.as_ptr()));
            let result = match operation {
                Operation::Sub => s.sub(a, b),
                Operation::SwapPairs => s.swap_pairs(a),
            };
            s.store_f32(lanes.as_mut_ptr(), result);
        }
        lanes
    }
}

#[test]
fn lanes_are_subtracted_and_swapped() {
    struct Lanes;
    impl InTier for Lanes {
        fn run<S: Simd>(&self, s: S) {
            let mut numbers = Numbers(2);
            for _ in 0..1000 {
                let [a, b]: [[f32; LANES]; 2] =
                    std::array::from_fn(|_| std::array::from_fn(|_| numbers.uniform() as f32));
                let difference = s.vectorize(OfTwo(a, b, Operation::Sub));
                let swapped = s.vectorize(OfTwo(a, b, Operation::SwapPairs));
                for i in 0..LANES {
                    assert_eq!(difference[i], a[i] - b[i], "{:?}, lane {i}", S::TIER);
                    assert_eq!(swapped[i], a[i ^ 1], "{:?}, lane {i}", S::TIER);
                }
            }
        }
    }
    in_every_tier(&Lanes);
}
