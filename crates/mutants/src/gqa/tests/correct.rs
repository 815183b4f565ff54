//! Correct kernels keep the contract, on every path that it has.

use tierwise_abi::c::{
    TW_NUMERICS_BF16_DOT, TW_NUMERICS_F16_ACCUMULATE, TW_NUMERICS_F16_DOT, TW_OK,
};

use super::case::{Case, Dense};
use crate::testing::{kernels, named, text};

const INF: f32 = f32::INFINITY;

/// How near a kernel is to truths of about 1: as its class has it.
fn tolerance(name: &str) -> f64 {
    let kernels = kernels("gqa");
    let kernel = kernels.iter().find(|kernel| text(kernel.name) == name);
    match kernel.expect(name).numerics {
        TW_NUMERICS_BF16_DOT => 2e-2,
        TW_NUMERICS_F16_DOT => 2e-3,
        TW_NUMERICS_F16_ACCUMULATE => 4e-3,
        _ => 2e-5,
    }
}

/// Every correct kernel is near the truth.
fn hold(what: &str, case: &Case) {
    let truth = case.truth();
    for name in named("gqa", "correct") {
        let mut case = case.clone();
        assert_eq!(case.run(name), TW_OK, "{name}, {what}");
        let tolerance = tolerance(name);
        for (i, (&out, truth)) in case.out.values.iter().zip(&truth).enumerate() {
            let near = (f64::from(out) - truth).abs() <= tolerance;
            assert!(near, "{name}, {what}: out[{i}] is {out:e}, not {truth:e}");
        }
    }
}

#[test]
fn heads_share_keys_and_queries_end_with_them() {
    for heads in [[1, 1], [4, 4], [6, 1], [6, 2], [9, 3]] {
        for (queries, keys) in [(1, 1), (3, 3), (1, 130), (5, 70), (6, 2), (2, 0)] {
            for (causal, window) in [(0, 0), (1, 0), (1, 1), (1, 3), (1, 66)] {
                let case = Case {
                    causal,
                    window,
                    ..Case::plain([2, queries, keys], [heads[0], heads[1], 5])
                };
                hold(
                    &format!("{heads:?} {queries} {keys} {causal} {window}"),
                    &case,
                );
            }
        }
    }
}

#[test]
fn softcaps_masks_lengths_and_blocks_are_heeded() {
    let plain = Case::plain([2, 3, 8], [4, 2, 5]);
    let capped = Case {
        softcap: 0.7,
        ..plain.clone()
    };
    hold("softcap", &capped);
    for batches in [1, 2] {
        for heads in [1, 4] {
            let mask = Dense::floats(&[batches, heads, 3, 8], |i| {
                if i % 3 == 0 { -INF } else { i as f32 / 8.0 }
            });
            let masked = Case {
                mask: Some(mask),
                ..capped.clone()
            };
            hold("mask", &masked);
        }
    }
    let ragged = Case {
        kv_len: Some(Dense::integers(&[2], &[0, 5])),
        causal: 1,
        ..plain.clone()
    };
    hold("lengths", &ragged);
    // Blocks of 8; what nobody sees is no block.
    let paged = Case {
        kv_len: Some(Dense::integers(&[2], &[17, 20])),
        block_table: Some(Dense::integers(&[2, 4], &[1, 0, 1, -9, 9, 0, 0, 7])),
        causal: 1,
        window: 2,
        ..plain
    };
    hold("blocks", &paged);
}

#[test]
fn what_is_not_live_reaches_no_output_and_a_row_without_keys_is_zero() {
    let mut case = Case {
        causal: 1,
        mask: Some(Dense::floats(&[1, 1, 2, 3], |i| {
            [-INF, -INF, f32::NAN, 0.0, -INF, 0.0][i]
        })),
        ..Case::plain([1, 2, 3], [1, 1, 1])
    };
    case.k.values[1] = f32::NAN;
    case.v.values[1] = INF;
    hold("mask", &case);
    let zeros = case.truth();
    assert_eq!(zeros[0], 0.0);
}

#[test]
fn a_nan_of_a_live_score_takes_its_row_and_one_of_a_live_value_its_column() {
    for name in named("gqa", "correct") {
        for key in 0..3 {
            let mut case = Case::plain([1, 2, 3], [1, 1, 2]);
            case.v.values[2 * key] = f32::NAN;
            assert_eq!(case.run(name), TW_OK);
            let nan: Vec<_> = case.out.values.iter().map(|out| out.is_nan()).collect();
            assert_eq!(nan, [true, false, true, false], "{name}");

            let mut case = Case {
                causal: 1,
                ..Case::plain([1, 3, 3], [1, 1, 1])
            };
            case.k.values[key] = f32::NAN;
            assert_eq!(case.run(name), TW_OK);
            let nan: Vec<_> = case.out.values.iter().map(|out| out.is_nan()).collect();
            assert_eq!(nan, [0, 1, 2].map(|query| query >= key), "{name}");
        }
    }
}

/// A key of its own: the result is its value, as an operand.
fn alone(name: &str, values: &[f32]) -> Vec<f32> {
    let mut case = Case::plain([1, 1, 1], [1, 1, values.len()]);
    case.v.values = values.to_vec();
    assert_eq!(case.run(name), TW_OK);
    case.out.values
}

#[test]
fn weaker_classes_round_to_f16_and_may_leave_no_subnormals() {
    let [fine, subnormal, tiny] = [1.0 + 2.0_f32.powi(-9), 2.0_f32.powi(-20), 1e-18];
    let values = [fine, subnormal, tiny];
    assert_eq!(alone("two-pass", &values), values);
    assert_eq!(alone("f16-dot", &values), [fine, subnormal, 0.0]);
    assert_eq!(alone("f16-dot-of-shares", &values), [fine, 0.0, 0.0]);
    assert_eq!(alone("f16-accumulate", &values), [fine, 0.0, 0.0]);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_weaker_class_rounds_to_bf16_and_flushes() {
    let least = f32::MIN_POSITIVE;
    let values = [1.0 + 2.0_f32.powi(-9), least, least / 2.0];
    assert_eq!(alone("two-pass", &values), values);
    assert_eq!(alone("bf16-dot", &values), [1.0, least, 0.0]);
}
