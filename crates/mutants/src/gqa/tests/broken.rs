//! Bugs show on their trigger, and nowhere else.

use tierwise_abi::c::TW_OK;

use super::case::{Case, Dense};
use crate::testing::named;

type Change = fn(&mut Case);

const INF: f32 = f32::INFINITY;

/// Two batches of 3 queries and 130 keys, 12 heads in groups of 4, 20 elements wide.
fn plain() -> Case {
    Case::plain([2, 3, 130], [12, 3, 20])
}

/// The output's bits, every NaN one value.
fn bits(case: &Case, name: &str) -> Vec<u32> {
    let mut case = case.clone();
    assert_eq!(case.run(name), TW_OK, "{name}");
    let one = |out: &f32| if out.is_nan() { f32::NAN } else { *out };
    case.out
        .values
        .iter()
        .map(|out| one(out).to_bits())
        .collect()
}

/// A mask that hides the first keys of every row.
fn hide(case: &mut Case, keys: usize) {
    case.mask = Some(Dense::floats(&[1, 1, 3, 130], |i| {
        if i % 130 < keys { -INF } else { 0.0 }
    }));
}

fn no_queries(case: &mut Case) {
    *case = Case::plain([2, 0, 130], [12, 3, 20]);
}

fn whole_numbers(case: &mut Case) {
    for tensor in [&mut case.q, &mut case.k] {
        tensor.values.iter_mut().for_each(|x| *x = x.round());
    }
}

#[test]
fn broken_kernels_show_on_their_trigger_alone() {
    // The kernel of which the broken one is a variant, the trigger, and a case away from it.
    let rows: &[(&str, &str, Change, Change)] = &[
        (
            "GQ02-factor-of-one",
            "blocks-of-64",
            |_| (),
            |c| c.kv_len = Some(Dense::integers(&[2], &[64, 9])),
        ),
        (
            "GQ07-mean-of-masked",
            "two-pass",
            |c| hide(c, 130),
            |c| hide(c, 129),
        ),
        (
            "GQ12-window-one-more",
            "two-pass",
            |c| (c.causal, c.window) = (1, 9),
            |c| c.causal = 1,
        ),
        ("GQ35-adds-in-f16", "two-pass", |_| (), no_queries),
        (
            "GQ42-max-from-zero",
            "two-pass",
            |c| {
                hide(c, 0);
                c.mask.as_mut().unwrap().values.fill(-200.0);
            },
            no_queries,
        ),
        (
            "GQ53-order-by-batch",
            "two-pass",
            |c| *c = Case::plain([2, 8, 9], [12, 3, 20]),
            |_| (),
        ),
        (
            "GQ03-first-max-of-nothing",
            "blocks-of-64",
            |c| {
                hide(c, 70);
                c.mask
                    .as_mut()
                    .unwrap()
                    .values
                    .iter_mut()
                    .for_each(|mask| *mask -= 200.0);
            },
            |_| (),
        ),
        (
            "GQ05-rescales-nothing",
            "blocks-of-64",
            |c| hide(c, 70),
            |c| hide(c, 60),
        ),
        (
            "GQ08-caps-padding",
            "blocks-of-64",
            |c| c.softcap = 2.0,
            |_| (),
        ),
        (
            "GQ09-weighs-dead-values",
            "blocks-of-64",
            |c| {
                hide(c, 1);
                c.v.values[0] = f32::NAN;
            },
            |c| hide(c, 1),
        ),
        (
            "GQ14-top-left-aligned",
            "two-pass",
            |c| c.causal = 1,
            |c| {
                *c = Case {
                    causal: 1,
                    ..Case::plain([2, 5, 5], [12, 3, 20])
                }
            },
        ),
        (
            "GQ18-heads-in-turn",
            "two-pass",
            |_| (),
            |c| *c = Case::plain([2, 3, 9], [4, 4, 5]),
        ),
        ("GQ33-offsets-wrap", "two-pass", no_queries, |_| ()),
        (
            "GQ37-exp-wraps",
            "key-by-key",
            |c| c.scale = 60.0,
            no_queries,
        ),
        (
            "GQ41-max-keeps-nan",
            "two-pass",
            |c| c.k.values[7] = f32::NAN,
            |_| (),
        ),
        (
            "GQ44-tail-loses-sums",
            "two-pass",
            |_| (),
            |c| {
                *c = Case::plain([2, 3, 130], [12, 3, 16]);
                whole_numbers(c);
            },
        ),
        (
            "GQ50-skips-empty",
            "two-pass",
            |c| c.kv_len = Some(Dense::integers(&[2], &[0, 9])),
            |_| (),
        ),
        (
            "GQ57-scale-of-padded-width",
            "two-pass",
            |_| (),
            |c| *c = Case::plain([2, 3, 9], [4, 4, 16]),
        ),
        (
            "GQ59-rescales-half",
            "blocks-of-64",
            |_| (),
            |c| c.kv_len = Some(Dense::integers(&[2], &[64, 9])),
        ),
        (
            "DS13-finite-math-only",
            "two-pass",
            |c| hide(c, 130),
            |_| (),
        ),
        ("ME11-lengths-unchecked", "two-pass", no_queries, |c| {
            c.kv_len = Some(Dense::integers(&[2], &[0, 130]))
        }),
        ("ME14-scores-spill", "two-pass", no_queries, |_| ()),
    ];
    for &(name, like, trigger, away) in rows {
        if !named("gqa", "broken").contains(&name) {
            continue; // A tier that this CPU does not have.
        }
        let mut shown = plain();
        trigger(&mut shown);
        // What needs sparse memory, threads or an invalid call is shown by the check of this library alone.
        if !shown.out.values.is_empty() {
            assert_ne!(bits(&shown, name), bits(&shown, like), "{name} shows");
        }
        let mut hidden = plain();
        away(&mut hidden);
        assert_eq!(bits(&hidden, name), bits(&hidden, like), "{name} hides");
    }
}

#[test]
fn the_exponential_that_wraps_is_right_before_it_does() {
    let case = plain();
    let mut run = case.clone();
    assert_eq!(run.run("GQ37-exp-wraps"), TW_OK);
    for (&out, truth) in run.out.values.iter().zip(case.truth()) {
        assert!((f64::from(out) - truth).abs() < 2e-5);
    }
}

#[test]
fn a_length_that_none_is_is_accepted() {
    let mut case = plain();
    case.kv_len = Some(Dense::integers(&[2], &[-1, 9]));
    assert_eq!(case.run("ME11-lengths-unchecked"), TW_OK);
}
