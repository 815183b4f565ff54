//! Correct kernels keep the contract, on every path that it has.

use tierwise_abi::c::TW_OK;

use super::case::{Case, Dense};
use crate::testing::named;

const INF: f32 = f32::INFINITY;

/// Every correct kernel is near the truth.
fn hold(what: &str, case: &Case) {
    let truth = case.truth();
    for name in named("gqa", "correct") {
        let mut case = case.clone();
        assert_eq!(case.run(name), TW_OK, "{name}, {what}");
        for (i, (&out, truth)) in case.out.values.iter().zip(&truth).enumerate() {
            let near = (f64::from(out) - truth).abs() <= 2e-5;
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
