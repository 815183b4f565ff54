//! How fast RMSNorm is, as a share of memcpy between the same two buffers.
//!
//!     cargo run --release -p tierwise-kernels --example rms_norm_ratio [rows n [f32|f16|bf16]]
//!
//! Every tier alternates with memcpy in one process, one thread; a line is the median of the ratios of
//! neighbours, so that what slows the machine down slows both. Bytes are one read and one write of every
//! element. Short calls are repeated until a sample takes a millisecond.

use std::ffi::CStr;
use std::ptr;
use std::slice;
use std::time::Instant;

use tierwise_abi::c::{DLDevice, DLTensor, TW_OK, TwCall, TwKernel, TwRmsNormArgs};
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
    for kernel in kernels() {
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

fn kernels() -> impl Iterator<Item = &'static TwKernel> {
    let library = tierwise_kernels::library();
    // SAFETY: the table has so many rows.
    let rows = unsafe { slice::from_raw_parts(library.kernels, library.kernel_count as usize) };
    rows.iter().rev().filter(|row| {
        let available = row.available.expect("a table row says where it runs");
        // SAFETY: it takes nothing.
        name(row.op) == "rms_norm" && unsafe { available() } == 1
    })
}

fn name(text: *const std::ffi::c_char) -> &'static str {
    // SAFETY: names in the table are C strings that live as long as the program.
    unsafe { CStr::from_ptr(text) }
        .to_str()
        .expect("names are ASCII")
}

fn tensor(data: *mut u8, dtype: Dtype, shape: &mut [i64]) -> DLTensor {
    DLTensor {
        data: data.cast(),
        device: DLDevice {
            device_type: 1,
            device_id: 0,
        },
        ndim: shape.len() as i32,
        dtype: dtype.to_dlpack(),
        shape: shape.as_mut_ptr(),
        strides: ptr::null_mut(),
        byte_offset: 0,
    }
}

/// Of one call.
fn seconds(repeats: usize, call: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..repeats {
        call();
    }
    start.elapsed().as_secs_f64() / repeats as f64
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
