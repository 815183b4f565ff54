//! Against float64, within the hard bound of bounds.md.

use std::f64::consts::TAU;

use tierwise_abi::rope::Scaling;

use crate::rope::Rope;
use crate::testing::{RopeCase, Turned, Turning, kernels_of, round, text};

const U: f64 = 1.0 / (1u64 << 24) as f64;

/// The frequency of a pair, as contracts.md words it.
fn frequency(asked: &Turning, i: usize) -> f64 {
    let (i, rotary_dim) = (i as f64, asked.rotary_dim as f64);
    let f = asked.theta.powf(-2.0 * i / rotary_dim);
    match asked.scaling.unwrap_or(Scaling::None) {
        Scaling::None => f,
        Scaling::Linear { factor } => f / factor,
        Scaling::Llama3 {
            factor,
            low_freq_factor: low,
            high_freq_factor: high,
            original_max_positions,
        } => {
            let (l, o) = (TAU / f, f64::from(original_max_positions));
            if l < o / high {
                f
            } else if l > o / low {
                f / factor
            } else {
                let s = (o / l - low) / (high - low);
                (1.0 - s) * f / factor + s * f
            }
        }
        Scaling::Yarn {
            factor,
            beta_fast,
            beta_slow,
            original_max_positions,
            ..
        } => {
            let o = f64::from(original_max_positions);
            let c = |b: f64| rotary_dim * (o / (TAU * b)).ln() / (2.0 * asked.theta.ln());
            let low = c(beta_fast).floor().max(0.0);
            let mut high = c(beta_slow).ceil().min(rotary_dim - 1.0);
            if low == high {
                high += 0.001;
            }
            let g = ((i - low) / (high - low)).clamp(0.0, 1.0);
            f * (1.0 - g) + f / factor * g
        }
    }
}

/// Cosine, sine, the attention factor, and the angle that the bound grows with.
fn angle(asked: &Turning, data: &Turned, position: i32, i: usize) -> (f64, f64, f64, f64) {
    let attention = match asked.scaling {
        None => {
            let at = position as usize * asked.pairs() + i;
            return (data.cos[at], data.sin[at], 1.0, 0.0);
        }
        Some(Scaling::Yarn {
            attention_factor, ..
        }) => attention_factor,
        Some(_) => 1.0,
    };
    let angle = f64::from(position) * frequency(asked, i);
    (
        angle.cos() * attention,
        angle.sin() * attention,
        attention,
        angle,
    )
}

/// Every element of y, and how far from it another one may lie before it is rounded.
fn expected(asked: &Turning, data: &Turned) -> Vec<(f64, f64)> {
    let [_, _, heads, n] = asked.shape;
    let mut y: Vec<_> = data.x.iter().map(|&x| (x, 0.0)).collect();
    for (row, y) in y.chunks_mut(n.max(1)).enumerate() {
        let position = asked.position(row / heads);
        for i in 0..asked.pairs() {
            let [at_a, at_b] = match asked.interleaved {
                true => [2 * i, 2 * i + 1],
                false => [i, i + asked.pairs()],
            };
            let (cos, sin, attention, angle) = angle(asked, data, position, i);
            let (a, b) = (y[at_a].0, y[at_b].0);
            let bound = attention * (a.abs() + b.abs()) * (8.0 * U + 3.0 / 2f64.powi(53) * angle)
                + 2f64.powi(-149);
            y[at_a] = (a * cos - b * sin, bound);
            y[at_b] = (b * cos + a * sin, bound);
        }
    }
    y
}

fn check(asked: &Turning, seed: u64) {
    let data = Turned::new(asked, seed);
    let expected = expected(asked, &data);
    for kernel in kernels_of::<Rope>() {
        let mut case = RopeCase::dense(asked, &data);
        case.run(kernel);
        for (i, (seen, (y, bound))) in case.y().values().into_iter().zip(&expected).enumerate() {
            let range = round(asked.dtype, y - bound)..=round(asked.dtype, y + bound);
            let tier = text(kernel.tier);
            assert!(
                range.contains(&seen),
                "{tier}, {asked:?}: {i} is {seen}, not {y}"
            );
        }
    }
}

#[test]
fn every_rotary_width_with_and_without_a_rest() {
    for pairs in (0..=40).chain([63, 64, 65, 128]) {
        for rest in [0, 1, 18] {
            let turn = pairs + rest;
            let shape = [2, 2, 2, 2 * pairs + rest];
            let all = Turning::all(shape, 2 * pairs, &[3, 0, 40, 7]);
            for asked in all.into_iter().skip(turn % 7).step_by(7) {
                check(&asked, turn as u64);
            }
        }
    }
}

#[test]
fn far_positions() {
    let positions = [i32::MAX, 1 << 30, 131_071, 100_000, 65_537];
    for asked in Turning::all([1, 5, 2, 128], 128, &positions) {
        for theta in [1.5, 1e4, 5e5, 1e6, 1e7] {
            if asked.scaling.is_some() {
                let asked = Turning {
                    theta,
                    ..asked.clone()
                };
                check(&asked, 1);
            }
        }
    }
}

#[test]
fn tables_of_every_row() {
    let positions: Vec<i32> = (0..100).rev().collect();
    for asked in Turning::all([1, 100, 1, 10], 6, &positions) {
        check(&asked, 2);
    }
}
