//! Against float64, within the hard bound of bounds.md.

use super::data;
use crate::testing::{Asked, Case, Data, kernels, round, text};

const U: f64 = 1.0 / (1u64 << 24) as f64;

/// Checks what a case wrote against the contract.
fn check(case: &Case, data: &Data, rows: usize, n: usize) {
    let Asked {
        dtype,
        weight,
        residual,
        offset,
        before_weight,
        eps,
        ..
    } = case.asked;
    let y = case.y().values();
    for row in 0..rows {
        let at = |i: usize| row * n + i;
        let h: Vec<f64> = (0..n)
            .map(|i| match residual {
                true => f64::from((data.x[at(i)] + data.residual[at(i)]) as f32),
                false => data.x[at(i)],
            })
            .collect();
        let mean = h.iter().map(|h| h * h).sum::<f64>() / n as f64;
        let r = 1.0 / (mean + eps).sqrt();
        let relative = 0.5 * (n as f64 + 2.0) * U * mean / (mean + eps) + 5.0 * U;
        for i in 0..n {
            let w = weight.map_or(1.0, |_| data.weight[i] + f64::from(offset));
            // What lies between the two ends of the bound may round to either end, or between.
            let (low, high) = (h[i] * r * (1.0 - relative), h[i] * r * (1.0 + relative));
            let ends = [low, high].map(|z| match before_weight {
                true if weight.is_some() => round(dtype, z) * w * (1.0 - 2.0 * U),
                _ => z * w,
            });
            let widened = ends.map(|z| [z, z * (1.0 + 4.0 * U)]).concat();
            let ends: Vec<f64> = widened.into_iter().map(|z| round(dtype, z)).collect();
            let (low, high) = (
                ends.iter().copied().fold(f64::INFINITY, f64::min),
                ends.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            );
            let seen = y[at(i)];
            assert!(
                low <= seen && seen <= high,
                "row {row} of {rows}, element {i} of {n}: {seen} not in {low} .. {high}, {:?}",
                case.asked
            );
            if let Some(residual_out) = case.residual_out() {
                assert_eq!(
                    residual_out.values()[at(i)],
                    round(dtype, h[i]),
                    "residualOut, {:?}",
                    case.asked
                );
            }
        }
    }
}

#[test]
fn every_length_up_to_130() {
    for kernel in kernels() {
        for asked in Asked::all() {
            for n in 1..=130 {
                let data = data(asked, 2, n, n as u64);
                let mut case = Case::dense(asked, 2, n as i64, &data);
                case.run(kernel);
                check(&case, &data, 2, n);
                assert!(
                    case.x.gaps_are_intact() && case.y().gaps_are_intact(),
                    "{}",
                    text(kernel.tier)
                );
            }
        }
    }
}
