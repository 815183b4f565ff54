//! Every tier against a plain f64 computation, and against each other.

mod bits;
mod refusals;
mod special;
mod truth;

use crate::testing::{Asked, Data, Numbers, round};

/// Unstructured numbers whose rows differ in size, exact in the types asked for.
fn data(asked: Asked, rows: usize, n: usize, seed: u64) -> Data {
    let mut numbers = Numbers(seed);
    let mut matrix = |scale: f64| -> Vec<f64> {
        (0..rows * n)
            .map(|i| round(asked.dtype, numbers.uniform() * scale * (1 + i / n) as f64))
            .collect()
    };
    let (x, residual) = (matrix(1.5), matrix(0.3));
    let weight = asked.weight.unwrap_or(asked.dtype);
    let weight = (0..n)
        .map(|_| round(weight, numbers.uniform() * 2.0))
        .collect();
    Data {
        x,
        weight,
        residual,
    }
}
