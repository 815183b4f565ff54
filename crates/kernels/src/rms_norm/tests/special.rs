//! What contracts.md says of values at the edges.

use tierwise_abi::tensor::Dtype;

use crate::rms_norm::row::inverse_rms;
use crate::testing::{Asked, Case, Data, kernels, text};

const PLAIN: Asked = Asked {
    dtype: Dtype::F32,
    weight: Some(Dtype::F32),
    residual: false,
    residual_out: false,
    offset: 0.0,
    before_weight: false,
    eps: 1e-5,
};

/// Three rows of `n`, all 1 but for what `change` puts in them.
fn run(asked: Asked, n: usize, change: impl Fn(&mut Data)) -> Vec<(&'static str, Vec<f64>)> {
    let mut data = Data {
        x: vec![1.0; 3 * n],
        weight: vec![1.0; n],
        residual: vec![0.0; 3 * n],
    };
    change(&mut data);
    let answer = |kernel| {
        let mut case = Case::dense(asked, 3, n as i64, &data);
        case.run(kernel);
        case.y().values()
    };
    kernels()
        .into_iter()
        .map(|kernel| (text(kernel.tier), answer(kernel)))
        .collect()
}

const TYPES: [Dtype; 3] = [Dtype::F32, Dtype::F16, Dtype::Bf16];

#[test]
fn a_nan_stays_in_its_row() {
    for dtype in TYPES {
        for at in [0, 33, 69] {
            for (tier, y) in run(Asked { dtype, ..PLAIN }, 70, |data| {
                data.x[70 + at] = f64::NAN
            }) {
                assert!(y[70..140].iter().all(|y| y.is_nan()), "{tier}");
                assert!(
                    !y[..70].iter().chain(&y[140..]).any(|y| y.is_nan()),
                    "{tier}"
                );
            }
        }
    }
}

#[test]
fn an_infinity_makes_its_row_zero_and_itself_nan() {
    for dtype in TYPES {
        for infinity in [f64::INFINITY, f64::NEG_INFINITY] {
            for (tier, y) in run(Asked { dtype, ..PLAIN }, 70, |data| {
                data.x[70 + 33] = infinity
            }) {
                for (i, y) in y.into_iter().enumerate() {
                    match i {
                        103 => assert!(y.is_nan(), "{tier}"),
                        70..140 => assert_eq!(y, 0.0, "{tier}"),
                        _ => assert!((y - 1.0).abs() < 1e-2, "{tier}"),
                    }
                }
            }
        }
    }
}

/// f32(x) + f32(residual) beyond f32 is an infinite h, though both are finite.
#[test]
fn a_sum_with_the_residual_may_overflow() {
    let asked = Asked {
        residual: true,
        ..PLAIN
    };
    for (tier, y) in run(asked, 40, |data| {
        (data.x[0], data.residual[0]) = (3e38, 3e38)
    }) {
        assert!(
            y[0].is_nan() && y[1..40].iter().all(|&y| y == 0.0),
            "{tier}"
        );
    }
}

#[test]
fn a_nan_in_the_weight_stays_in_its_column() {
    for dtype in TYPES {
        for (tier, y) in run(Asked { dtype, ..PLAIN }, 50, |data| {
            data.weight[17] = f64::NAN
        }) {
            assert!(
                y.iter()
                    .enumerate()
                    .all(|(i, y)| y.is_nan() == (i % 50 == 17)),
                "{tier}"
            );
        }
    }
}

/// Rows whose sum of squares is 2^127 or more: the true value or zero, never NaN.
#[test]
fn sums_that_overflow() {
    for dtype in [Dtype::F32, Dtype::Bf16] {
        for exponent in [60, 61, 62, 63, 64, 100, 127] {
            let x = 2f64.powi(exponent);
            for (tier, y) in run(Asked { dtype, ..PLAIN }, 70, |data| data.x[70..140].fill(x)) {
                assert!(
                    y[70..140]
                        .iter()
                        .all(|&y| y == 0.0 || (y - 1.0).abs() < 1e-6),
                    "{tier}, 2^{exponent}: {y:?}"
                );
                // 70 squares of 2^60 are below 2^127.
                assert!(exponent > 60 || y[70] != 0.0, "{tier}");
            }
        }
    }
}

/// Squares of f16 in f16 would overflow above 255 and vanish below 2^-12.
#[test]
fn squares_are_taken_in_f32() {
    for x in [6e4, 300.0, 1e-4, 6e-8] {
        let asked = Asked {
            dtype: Dtype::F16,
            eps: 0.0,
            ..PLAIN
        };
        for (tier, y) in run(asked, 64, |data| data.x.fill(x)) {
            assert!(y.iter().all(|&y| y == 1.0), "{tier}, {x}: {y:?}");
        }
    }
}

#[test]
fn zeros_and_a_large_eps() {
    for (tier, y) in run(PLAIN, 33, |data| data.x.fill(0.0)) {
        assert!(y.iter().all(|&y| y == 0.0), "{tier}");
    }
    for (tier, y) in run(Asked { eps: 3.0, ..PLAIN }, 33, |_| ()) {
        assert!(y.iter().all(|&y| y == 0.5), "{tier}");
    }
}

#[test]
fn any_finite_offset() {
    for (tier, y) in run(
        Asked {
            offset: -3.5,
            eps: 3.0,
            ..PLAIN
        },
        33,
        |_| (),
    ) {
        assert!(y.iter().all(|&y| y == -1.25), "{tier}");
    }
}

#[test]
fn no_rows_is_no_work() {
    for kernel in kernels() {
        let data = Data {
            x: vec![],
            weight: vec![1.0; 5],
            residual: vec![],
        };
        Case {
            threads: 3,
            ..Case::dense(PLAIN, 0, 5, &data)
        }
        .run(kernel);
    }
}

/// A length is taken exactly, also where no f32 holds it.
#[test]
fn the_inverse_of_rows_of_any_length() {
    for n in [1, 3, (1 << 24) + 1, (1 << 31) + 1, (1 << 40) + 1] {
        for sum in [1.5f32, 3e8, f32::MAX, f32::MIN_POSITIVE] {
            let eps = 1e-6;
            let exact = 1.0 / (f64::from(sum) / n as f64 + eps).sqrt();
            let seen = f64::from(inverse_rms(sum, n, eps));
            assert!(
                (seen - exact).abs() <= exact / f64::from(1 << 24),
                "{sum} over {n}"
            );
        }
    }
    assert_eq!(inverse_rms(f32::INFINITY, 3, 1e-6), 0.0);
    assert!(inverse_rms(f32::NAN, 3, 1e-6).is_nan());
}
