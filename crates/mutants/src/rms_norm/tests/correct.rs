//! Correct kernels keep the contract, on every path that it has.

use super::FLOATS;
use super::case::{Case, Random};
use crate::float::Float;
use crate::testing::named;

#[test]
fn correct_kernels_keep_the_contract() {
    let mut random = Random(1);
    for dtype in FLOATS {
        for (k, n) in (1..=200).chain([256, 1023, 4099, 20_000]).enumerate() {
            for k in [k, k + 1000] {
                let case = Case::generic(dtype, n, k, &mut random);
                for name in named("rms_norm", "correct") {
                    let complaint = case.complaint(&case.run(name));
                    assert_eq!(complaint, None, "{name}, {dtype:?}, n {n}, k {k}");
                }
            }
        }
    }
}

#[test]
fn correct_kernels_are_right_on_constant_and_very_small_and_large_rows() {
    for magnitude in [-60.0, -30.0, 0.0, 30.0, 55.0].map(f32::exp2) {
        for n in [1, 2, 7, 64, 1000, 16_384] {
            let case = Case {
                eps: 0.0,
                ..Case::plain(n, &vec![1.7 * magnitude; n])
            };
            for name in named("rms_norm", "correct") {
                let complaint = case.complaint(&case.run(name));
                assert_eq!(complaint, None, "{name}, {n} of {magnitude:e}");
            }
        }
    }
}

#[test]
fn correct_kernels_are_right_where_f32_squares_overflow() {
    let x = [
        3e38,
        -1e30,
        0.0,
        1e10,
        f32::MAX,
        f32::MAX,
        f32::MAX,
        -f32::MAX,
    ];
    let case = Case {
        weight: Some((Float::F32, vec![2.0, -1.0, 0.5, 3.0])),
        ..Case::plain(4, &x)
    };
    for name in named("rms_norm", "correct") {
        let mut answer = case.run(name);
        // A zero is as good as the true value.
        let truth = case.run("f64").y;
        for (y, truth) in answer.y.iter_mut().zip(truth) {
            *y = if *y == 0.0 { truth } else { *y };
        }
        assert_eq!(case.complaint(&answer), None, "{name}");
    }
}

#[test]
fn special_values_stay_where_they_belong() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let rows = [
        [1.0, nan, 2.0],
        [inf, 1.0, -2.0],
        [0.0, -0.0, 0.0],
        [nan, inf, 0.0],
        [3.0, 0.0, nan],
    ];
    for dtype in FLOATS {
        for name in named("rms_norm", "correct") {
            let y = Case {
                dtype,
                ..Case::plain(3, &rows.concat())
            }
            .run(name)
            .y;
            let (finite, rest) = y.split_at(9);
            assert!(
                finite[..3].iter().all(|y| y.is_nan()),
                "{name}: a NaN takes its row"
            );
            assert!(
                finite[3].is_nan() && finite[4..] == [0.0; 5],
                "{name}: an infinity zeroes its row"
            );
            assert!(
                rest.iter().all(|y| y.is_nan()),
                "{name}: a NaN takes its row"
            );

            let weight = Some((Float::F32, vec![1.0, nan, 1.0]));
            let y = Case {
                weight,
                dtype,
                ..Case::plain(3, &[1.0; 6])
            }
            .run(name)
            .y;
            let nans: Vec<_> = y.iter().map(|y| y.is_nan()).collect();
            assert_eq!(
                nans,
                [false, true, false, false, true, false],
                "{name}: a NaN takes its column"
            );
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_weaker_class_takes_and_leaves_subnormals_as_zeros() {
    let least = f32::MIN_POSITIVE;
    let case = Case {
        weight: Some((Float::F32, vec![1.0, 1.0, least / 2.0, least])),
        ..Case::plain(4, &[least / 2.0, 1.0, 1.0, 0.25])
    };
    let [kept, flushed] = ["sequential", "flushing"].map(|name| case.run(name).y);
    assert!(kept[0] > 0.0 && kept[2] > 0.0 && kept[3] > 0.0);
    assert_eq!(flushed, [0.0, kept[1], 0.0, 0.0]);
}
