//! What GQA's promises of bits cost, and how near its prefill comes to the machine's multiply-adds.
//!
//!     cargo run --release -p tierwise-kernels --example gqa_ratio [scalar|sse2|avx2|avx512]
//!
//! Decode of one query alternates with a twin that promises nothing (free.rs), in one process, one thread, head size
//! 128, q in f32; the price is the median of the ratios of neighbours, less 1, so that what slows the machine down
//! slows both. Causal prefill has no twin; it stands beside the tier's multiply-adds, measured in turn with it.

mod free;
#[path = "../support/mod.rs"]
mod support;

use std::ptr;

use free::{DIMS, Free};
use support::{kernels, median, name, seconds, tensor};
use tierwise_abi::c::{TW_OK, TwCall, TwGqaArgs, TwKernel};
use tierwise_abi::tensor::Dtype;
#[cfg(target_arch = "x86_64")]
use tierwise_kernels::simd::{Avx2, Avx512, Sse2};
use tierwise_kernels::simd::{Bf16, Element, F16, LANES, Scalar, Simd, Work};

/// Query heads that share a kv head.
const GROUPS: [usize; 2] = [1, 4];
const KV_HEADS: usize = 8;
/// Of a length in f32: about as many bytes as L2, L3 and DRAM hold.
const LENGTHS: [usize; 3] = [64, 1024, 16384];

fn main() {
    let only = std::env::args().nth(1);
    let chosen = |tier: &str| only.as_ref().is_none_or(|only| only == tier);
    for kernel in kernels("gqa").filter(|kernel| chosen(name(kernel.tier))) {
        match name(kernel.tier) {
            "scalar" => in_tier::<Scalar>(kernel),
            #[cfg(target_arch = "x86_64")]
            "sse2" => in_tier::<Sse2>(kernel),
            #[cfg(target_arch = "x86_64")]
            "avx2" => in_tier::<Avx2>(kernel),
            #[cfg(target_arch = "x86_64")]
            "avx512" => in_tier::<Avx512>(kernel),
            other => panic!("no tier {other}"),
        }
    }
}

fn in_tier<S: Simd>(kernel: &TwKernel) {
    let s = S::detect().expect("the table says that it runs here");
    println!("{}", name(kernel.tier));
    for length in [512, 2048] {
        prefill(s, kernel, length);
    }
    println!("   type group     kv   MiB    GB/s  us a call   price");
    for length in LENGTHS {
        for group in GROUPS {
            decode::<S, f32>(s, kernel, length, group);
            decode::<S, F16>(s, kernel, length, group);
            decode::<S, Bf16>(s, kernel, length, group);
        }
    }
}

fn prefill<S: Simd>(s: S, kernel: &TwKernel, length: usize) {
    let mut memory = Memory::new::<f32>(length, length, 4);
    let (mut times, mut shares) = (Vec::new(), Vec::new());
    memory.with_call(kernel, |call| {
        call();
        for _ in 0..9 {
            let (ours, roof) = (
                seconds(1, &mut *call),
                seconds(1, || s.vectorize(MultiplyAdds)),
            );
            let rate = (2 * length * length / 2 * DIMS * 4 * KV_HEADS) as f64 / ours;
            times.push(ours);
            shares.push(rate / (MULTIPLY_ADDS as f64 / roof));
        }
    });
    let (time, share) = (median(&mut times), median(&mut shares));
    println!(
        "   f32 causal prefill {length:>5}: {:.1} ms, {:.0} % of multiply-adds",
        time * 1e3,
        share * 100.0
    );
}

fn decode<S: Simd, K: Element>(s: S, kernel: &TwKernel, length: usize, group: usize) {
    let mut memory = Memory::new::<K>(1, length, group);
    let mut other = vec![0.0; memory.out.len()];
    let (q, k, v) = (memory.q.as_ptr(), memory.k.as_ptr(), memory.v.as_ptr());
    let bytes = 2 * length * KV_HEADS * DIMS * size_of::<K>();
    let repeats = (20_000_000 / bytes).clamp(1, 500);
    let (mut times, mut prices) = (Vec::new(), Vec::new());
    memory.with_call(kernel, |call| {
        let mut twin = || match group {
            1 => s.vectorize(Free::<1, K>::new(q, k.cast(), v.cast(), &mut other, length)),
            _ => s.vectorize(Free::<4, K>::new(q, k.cast(), v.cast(), &mut other, length)),
        };
        for _ in 0..15 {
            let (ours, theirs) = (seconds(repeats, &mut *call), seconds(repeats, &mut twin));
            times.push(ours);
            prices.push(ours / theirs - 1.0);
        }
    });
    let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-3;
    assert!(
        memory.out.iter().zip(&other).all(close),
        "the twin computes something else"
    );
    let time = median(&mut times);
    println!(
        "{:>7} {group:>5} {length:>6} {:>5.1} {:>7.1} {:>10.1} {:>6.0}%",
        K::DTYPE.name(),
        bytes as f64 / (1 << 20) as f64,
        bytes as f64 / time / 1e9,
        time * 1e6,
        median(&mut prices) * 100.0,
    );
}

/// Tensors of a call, dense.
struct Memory {
    queries: usize,
    keys: usize,
    group: usize,
    kv_type: Dtype,
    q: Vec<f32>,
    k: Vec<u64>,
    v: Vec<u64>,
    out: Vec<f32>,
}

impl Memory {
    fn new<K: Element>(queries: usize, keys: usize, group: usize) -> Self {
        let q = (0..queries * group * KV_HEADS * DIMS).map(|i| (i * 37 % 101) as f32 / 101.0 - 0.5);
        let q: Vec<_> = q.collect();
        let words = keys * KV_HEADS * DIMS * size_of::<K>() / 8;
        // Every half is a number between 1/64 and 2, and so is every pair of halves, of either sign, in any type.
        let word = |i: usize| {
            0x3c00_3c00_3c00_3c00
                ^ (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) & 0x807f_807f_807f_807f
        };
        Self {
            queries,
            keys,
            group,
            kv_type: K::DTYPE,
            out: vec![0.0; q.len()],
            q,
            k: (0..words).map(word).collect(),
            v: (words..2 * words).map(word).collect(),
        }
    }

    /// Hands `use_call` the call of a kernel.
    fn with_call(&mut self, kernel: &TwKernel, use_call: impl FnOnce(&mut dyn FnMut())) {
        let shape = |len: usize, heads: usize| [1, len, heads, DIMS].map(|size| size as i64);
        let mut q_shape = shape(self.queries, self.group * KV_HEADS);
        let mut kv_shape = shape(self.keys, KV_HEADS);
        let q = tensor(self.q.as_mut_ptr().cast(), Dtype::F32, &mut q_shape);
        let mut out = tensor(self.out.as_mut_ptr().cast(), Dtype::F32, &mut q_shape);
        let k = tensor(self.k.as_mut_ptr().cast(), self.kv_type, &mut kv_shape);
        let v = tensor(self.v.as_mut_ptr().cast(), self.kv_type, &mut kv_shape);
        let mut args = TwGqaArgs {
            call: TwCall {
                struct_size: size_of::<TwGqaArgs>() as u32,
                threads: 1,
                scratch: ptr::null_mut(),
                scratch_bytes: 0,
            },
            q: &q,
            k: &k,
            v: &v,
            kv_len: ptr::null(),
            block_table: ptr::null(),
            mask: ptr::null(),
            out: &mut out,
            scale: free::SCALE,
            softcap: 0.0,
            window: 0,
            causal: 1,
        };
        let scratch_size = kernel.scratch_size.expect("the kernel needs scratch");
        let run = kernel.run.expect("a table row has a kernel");
        // SAFETY: the args and all that they point to are alive and as the interface says.
        let bytes = unsafe { scratch_size(ptr::from_ref(&args).cast()) };
        let mut scratch = vec![0u8; bytes as usize + 64];
        let start = scratch.as_mut_ptr();
        args.call.scratch = start.wrapping_add(start.align_offset(64)).cast();
        args.call.scratch_bytes = bytes;
        use_call(&mut || {
            // SAFETY: as above.
            let status = unsafe { run(ptr::from_ref(&args).cast()) };
            assert_eq!(status, TW_OK);
        });
    }
}

const MULTIPLY_ADDS: usize = 2_000_000 * 12 * LANES;

/// As many as the tier can: chains enough for every register, and no memory.
struct MultiplyAdds;

impl Work for MultiplyAdds {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let mut total = 0.0;
        // Twice six chains in turn: so few that even four registers a chain leave some.
        for _ in 0..12 / 6 {
            let mut sums = [s.splat(0.5); 6];
            let [a, b] = [0.999, 0.001].map(|value| s.splat(std::hint::black_box(value)));
            for _ in 0..2_000_000 {
                for sum in &mut sums {
                    *sum = s.mac(*sum, a, b);
                }
            }
            total += sums.into_iter().map(|sum| s.tree_sum(sum)).sum::<f32>();
        }
        std::hint::black_box(total)
    }
}
