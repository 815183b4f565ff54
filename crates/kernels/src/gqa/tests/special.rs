//! What contracts.md says of values at the edges.

use tierwise_abi::tensor::Dtype;

use crate::gqa::Gqa;
use crate::testing::{Attended, Attending, GqaCase, TYPES, kernels_of, text};

/// One query head of 20, of which it sees all of 40 keys.
fn plain(types: [Dtype; 2]) -> (Attending, Attended) {
    let asked = Attending {
        types,
        batch: 1,
        q_len: 1,
        kv_cap: 40,
        heads: [1, 1],
        dims: 20,
        kv_len: None,
        page: None,
        mask: None,
        scale: 0.25,
        softcap: 0.0,
        window: 0,
        causal: false,
    };
    let data = Attended::new(&asked, 9);
    (asked, data)
}

/// What every tier makes of it.
fn run(asked: &Attending, data: &Attended) -> Vec<(&'static str, Vec<f64>)> {
    let answer = |kernel| {
        let mut case = GqaCase::dense(asked, data);
        case.run(kernel);
        case.out.values()
    };
    let kernels = kernels_of::<Gqa>().into_iter();
    kernels
        .map(|kernel| (text(kernel.tier), answer(kernel)))
        .collect()
}

#[test]
fn who_sees_nothing_gets_plus_zero() {
    for types in TYPES {
        let (asked, data) = plain(types);
        let by_length = Attending {
            kv_len: Some(vec![0]),
            ..asked.clone()
        };
        let by_mask = Attending {
            mask: Some([1, 1]),
            ..asked.clone()
        };
        let before_all = Attending {
            q_len: 1,
            kv_len: Some(vec![0]),
            causal: true,
            ..asked.clone()
        };
        for asked in [by_length, by_mask, before_all] {
            let mut data = data.clone();
            data.mask = vec![f64::NEG_INFINITY; 40];
            data.v.fill(f64::NAN);
            for (tier, out) in run(&asked, &data) {
                let zero = out.iter().all(|out| out.to_bits() == 0);
                assert!(zero, "{tier}, {out:?}, {asked:?}");
            }
        }
    }
}

#[test]
fn a_nan_in_a_live_score_makes_its_row_nan() {
    for types in TYPES {
        let (asked, mut data) = plain(types);
        data.k[7 * 20 + 3] = f64::NAN;
        for (tier, out) in run(&asked, &data) {
            assert!(out.iter().all(|out| out.is_nan()), "{tier}, {out:?}");
        }
    }
}

/// Even where its weight underflows.
#[test]
fn a_nan_in_a_live_value_stays_in_its_column() {
    for types in TYPES {
        let (mut asked, mut data) = plain(types);
        asked.scale = 60.0;
        for key in 0..40 {
            let at = key * 20 + 3;
            let before = std::mem::replace(&mut data.v[at], f64::NAN);
            for (tier, out) in run(&asked, &data) {
                for (d, out) in out.into_iter().enumerate() {
                    assert_eq!(out.is_nan(), d == 3, "{tier}, {key}, {d}");
                }
            }
            data.v[at] = before;
        }
    }
}

/// Scores all about finfo.min: the hull of the values, or +0.
#[test]
fn a_row_of_least_scores_is_not_nan() {
    let (mut asked, mut data) = plain(TYPES[0]);
    asked.mask = Some([1, 1]);
    for least in [f32::MIN, -3e38, -1e35, -2f32.powi(101)] {
        data.mask = vec![least.into(); 40];
        for (tier, out) in run(&asked, &data) {
            let inside = out.iter().all(|out| out.abs() <= 3.0);
            assert!(inside, "{tier}, {least}, {out:?}");
        }
    }
}

/// Scores that leave the range are unspecified, but no fault; what a row makes of them stays in the row.
#[test]
fn infinite_scores_stay_in_their_row() {
    let (mut asked, data) = plain(TYPES[0]);
    (asked.q_len, asked.scale) = (3, 1e30);
    let data = Attended {
        q: Attended::new(&asked, 1).q,
        ..data
    };
    let expected = run(&asked, &data);
    let mut broken = data.clone();
    broken.q[20..40].fill(1e30);
    for ((tier, out), (_, expected)) in run(&asked, &broken).into_iter().zip(expected) {
        let others = [0..20, 40..60];
        for range in others {
            assert_eq!(out[range.clone()], expected[range], "{tier}");
        }
    }
}
