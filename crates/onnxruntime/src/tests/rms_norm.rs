//! RMSNorm against f64. What else it does and declines is the harness's to check.

use std::ptr;

use tierwise_abi::c::{TW_OK, TwRmsNormArgs};
use tierwise_abi::tensor::Dtype;

use super::tensor::{Held, noise, worst};
use super::{head, row, run};

#[test]
fn answers_as_f64_does() {
    let Some(row) = row(c"rms_norm") else { return };
    let (rows, n, eps) = (3, 37, 1e-5);
    for (dtype, limit) in [(Dtype::F32, 1e-6), (Dtype::F16, 2e-3)] {
        for form in 0..8 {
            let [weighted, residual, written] = [1, 2, 4].map(|bit| form & bit != 0);
            if written && !residual {
                continue;
            }
            let mut x = Held::dense(dtype, [rows, n], |i| noise(1, i));
            let mut weight = Held::dense(dtype, [n], |i| noise(2, i));
            let mut added = Held::dense(dtype, [rows, n], |i| noise(3, i));
            let mut sum = Held::dense(dtype, [rows, n], |_| f64::NAN);
            let mut y = Held::dense(dtype, [rows, n], |_| f64::NAN);
            let (mut x_, mut weight_, mut added_) = (x.raw(), weight.raw(), added.raw());
            let (mut sum_, mut y_) = (sum.raw(), y.raw());
            let given = |present: bool, tensor| if present { tensor } else { ptr::null_mut() };
            let mut args = TwRmsNormArgs {
                call: head::<TwRmsNormArgs>(),
                x: &mut x_,
                weight: given(weighted, &raw mut weight_),
                residual: given(residual, &raw mut added_),
                residual_out: given(written, &raw mut sum_),
                y: &mut y_,
                eps,
                weight_offset: 0.0,
                round_before_weight: 0,
            };
            // SAFETY: every tensor has its memory.
            let status = unsafe { run(&row, &mut args, 0) };
            assert_eq!(status, TW_OK, "{dtype:?} {form}");
            let h = |i: usize| x.get(i) + if residual { added.get(i) } else { 0.0 };
            let mean = |row: usize| (0..n).map(|j| h(row * n + j).powi(2)).sum::<f64>() / n as f64;
            let error = worst([rows, n], |i| {
                let w = if weighted { weight.get(i % n) } else { 1.0 };
                (y.get(i), h(i) / (mean(i / n) + eps).sqrt() * w)
            });
            assert!(error < limit, "{dtype:?} {form}: {error:e}");
            if written {
                assert!(
                    worst([rows, n], |i| (sum.get(i), h(i))) < limit,
                    "{dtype:?} {form}"
                );
            }
        }
    }
}
