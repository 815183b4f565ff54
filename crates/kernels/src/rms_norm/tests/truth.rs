//! Against float64, within the hard bound of bounds.md.

use std::ops::RangeInclusive;

use super::data;
use crate::testing::{Asked, Case, Data, in_turn, kernels, round, text};

const U: f64 = 1.0 / (1u64 << 24) as f64;

/// What a call may answer.
struct Expected {
    y: Vec<RangeInclusive<f64>>,
    residual_out: Vec<f64>,
}

impl Expected {
    fn of(asked: Asked, data: &Data, n: usize) -> Self {
        let h: Vec<f64> = match asked.residual {
            true => data
                .x
                .iter()
                .zip(&data.residual)
                .map(|(x, residual)| f64::from((x + residual) as f32))
                .collect(),
            false => data.x.clone(),
        };
        let y = h
            .chunks(n)
            .flat_map(|h| row(asked, h, &data.weight))
            .collect();
        Self {
            y,
            residual_out: h.iter().map(|&h| round(asked.dtype, h)).collect(),
        }
    }

    fn check(&self, case: &Case, tier: &str) {
        let asked = case.asked;
        for (i, (seen, expected)) in case.y().values().into_iter().zip(&self.y).enumerate() {
            assert!(
                expected.contains(&seen),
                "{tier}, {asked:?}: element {i} is {seen}, not within {expected:?}"
            );
        }
        if let Some(residual_out) = case.residual_out() {
            assert_eq!(
                residual_out.values(),
                self.residual_out,
                "{tier}, {asked:?}: residualOut"
            );
        }
        assert!(case.y().gaps_are_intact(), "{tier}, {asked:?}");
    }
}

/// Where each element of a row of y may lie: whatever rounds from within the bound.
fn row(asked: Asked, h: &[f64], weight: &[f64]) -> Vec<RangeInclusive<f64>> {
    let n = h.len() as f64;
    let mean = h.iter().map(|h| h * h).sum::<f64>() / n;
    let r = 1.0 / (mean + asked.eps).sqrt();
    let hard = 0.5 * (n + 2.0) * U * mean / (mean + asked.eps) + 5.0 * U;
    let rounded = |z: f64| round(asked.dtype, z);
    let range = |i: usize| {
        let ends = [h[i] * r * (1.0 - hard), h[i] * r * (1.0 + hard)];
        let ends = match asked.weight {
            None => ends.map(rounded),
            Some(_) => {
                let w = weight[i] + f64::from(asked.offset);
                // The sum with the offset and the last product are rounded to f32 as well.
                let product = |z: f64| {
                    if asked.before_weight {
                        rounded(z) * w
                    } else {
                        z * w
                    }
                };
                let [a, b] = ends.map(product);
                [rounded(a * (1.0 - 2.0 * U)), rounded(b * (1.0 + 2.0 * U))]
            }
        };
        ends[0].min(ends[1])..=ends[0].max(ends[1])
    };
    (0..h.len()).map(range).collect()
}

#[test]
fn every_length_up_to_130_and_long_rows() {
    let kernels = kernels();
    for n in (1..=130).chain(4093..=4097) {
        for asked in in_turn(n) {
            let rows = if n < 100 { 2 } else { 1 };
            let data = data(asked, rows, n, n as u64);
            let expected = Expected::of(asked, &data, n);
            for kernel in &kernels {
                let mut case = Case::dense(asked, rows as i64, n as i64, &data);
                case.run(kernel);
                expected.check(&case, text(kernel.tier));
            }
        }
    }
}
