//! How fast RMSNorm is, as a share of memcpy between the same two buffers.
//!
//!     cargo run --release -p tierwise-kernels --example rms_norm_ratio [rows n [f32|f16|bf16]]
//!
//! Every tier alternates with memcpy in one process, one thread; a line is the median of the ratios of
//! neighbours, so that what slows the machine down slows both. Bytes are one read and one write of every
//! element. Short calls are repeated until a sample takes a millisecond.

mod support;

use std::ptr;

use support::{kernels, median, name, seconds, tensor};
use tierwise_abi::c::{TW_OK, TwCall, TwRmsNormArgs};
use tierwise_abi::tensor::Dtype;

const SHAPES: &[(i64, i64)] = &[
    (1, 64),
    (1, 1024),
    (1, 4096),
    (8, 64),
    (16, 128),
    (16, 1023),
    (32, 4096),
    (512, 4096),
    (8192, 4096),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |text: &String| text.parse().expect("rows and n are numbers");
    let shapes = match &arguments[..] {
        [] => SHAPES.to_vec(),
        [rows, n, ..] => vec![(number(rows), number(n))],
        [_] => panic!("n is missing"),
    };
    let dtypes = match arguments.get(2).map(String::as_str) {
        None => vec![Dtype::F32, Dtype::F16, Dtype::Bf16],
        Some("f32") => vec![Dtype::F32],
        Some("f16") => vec![Dtype::F16],
        Some("bf16") => vec![Dtype::Bf16],
        Some(other) => panic!("{other} is not a type"),
    };
    println!(
        "{:>5} {:>6} {:>5}  {:7} {:>9} {:>12} {:>8}",
        "rows", "n", "type", "tier", "GB/s", "ns a call", "memcpy"
    );
    for (rows, n) in shapes {
        for &dtype in &dtypes {
            compare(rows, n, dtype);
        }
    }
}

fn compare(rows: i64, n: i64, dtype: Dtype) {
    let bytes = (rows * n) as usize * dtype.size();
    // Zeros are as good as numbers here: no tier is slower or faster for them.
    let (mut x, mut y) = (vec![0u64; bytes / 8 + 8], vec![0u64; bytes / 8 + 8]);
    let mut weight = vec![0u64; n as usize * dtype.size() / 8 + 8];
    x.fill(0x3c00_3c00_3c00_3c00);
    y.fill(1);
    weight.fill(0x3c00_3c00_3c00_3c00);
    for kernel in kernels("rms_norm") {
        let mut shape = [rows, n];
        let x_tensor = tensor(x.as_mut_ptr().cast(), dtype, &mut shape);
        let mut y_tensor = tensor(y.as_mut_ptr().cast(), dtype, &mut shape);
        let weight_tensor = tensor(weight.as_mut_ptr().cast(), dtype, &mut shape[1..]);
        let args = TwRmsNormArgs {
            call: TwCall {
                struct_size: size_of::<TwRmsNormArgs>() as u32,
                threads: 1,
                scratch: ptr::null_mut(),
                scratch_bytes: 0,
            },
            x: &x_tensor,
            weight: &weight_tensor,
            residual: ptr::null(),
            residual_out: ptr::null_mut(),
            y: &mut y_tensor,
            eps: 1e-5,
            weight_offset: 0.0,
            round_before_weight: 0,
        };
        let run = kernel.run.expect("a table row has a kernel");
        let mut kernel_run = || {
            // SAFETY: the args and all that they point to are alive and as the interface says.
            let status = unsafe { run(ptr::from_ref(&args).cast()) };
            assert_eq!(status, TW_OK);
        };
        let mut memcpy = || {
            // SAFETY: both buffers have so many bytes, and are apart.
            unsafe {
                ptr::copy_nonoverlapping(x_tensor.data.cast::<u8>(), y_tensor.data.cast(), bytes)
            }
        };
        let repeats = (200_000_000 / (2 * bytes)).clamp(1, 20_000);
        let (mut times, mut ratios) = (Vec::new(), Vec::new());
        for _ in 0..15 {
            let (ours, theirs) = (
                seconds(repeats, &mut kernel_run),
                seconds(repeats, &mut memcpy),
            );
            times.push(ours);
            ratios.push(theirs / ours);
        }
        let time = median(&mut times);
        println!(
            "{rows:>5} {n:>6} {:>5}  {:7} {:>9.1} {:>12.0} {:>7.0}%",
            format!("{dtype:?}").to_lowercase(),
            name(kernel.tier),
            (2 * bytes) as f64 / time / 1e9,
            time * 1e9,
            100.0 * median(&mut ratios),
        );
    }
}
