//! Bugs that leave a wrong answer show on their trigger, and nowhere else.

use tierwise_abi::c::TW_OK;

use super::FLOATS;
use super::case::{Buffer, Case, FILL, Random, args, call};
use crate::float::Float;
use crate::rms_norm::Rounding;
use crate::testing::named;

type Change = fn(&mut Case);

/// A dense case of unstructured numbers: ten rows of 100, with a weight and a residual.
fn plain(dtype: Float) -> Case {
    let mut random = Random(1);
    let mut values = |count: usize| {
        (0..count)
            .map(|_| dtype.round(random.next()))
            .collect::<Vec<_>>()
    };
    Case {
        dtype,
        residual: Some(values(1000)),
        weight: Some((Float::F32, values(100))),
        ..Case::plain(100, &values(1000))
    }
}

/// In each of these types the kernel is wrong on a case with the trigger, and gives the plain kernel's very
/// bits on one that is away from it.
fn assert_wrong(name: &str, floats: &[Float], trigger: Change, away: Change) {
    if !named("rms_norm", "broken").contains(&name) {
        return; // A tier that this CPU does not have.
    }
    for &dtype in floats {
        let mut shown = plain(dtype);
        trigger(&mut shown);
        assert!(
            shown.complaint(&shown.run(name)).is_some(),
            "{name} shows in {dtype:?}"
        );
        assert_eq!(shown.complaint(&shown.run("sequential")), None);
        let mut hidden = plain(dtype);
        away(&mut hidden);
        assert_eq!(
            hidden.run(name),
            hidden.run("sequential"),
            "{name} hides in {dtype:?}"
        );
    }
}

/// The first `n` columns of every row, and so many rows.
fn cut(case: &mut Case, rows: usize, n: usize) {
    let wide = case.n;
    case.x = narrowed(&case.x, wide, rows, n);
    case.residual = case
        .residual
        .as_deref()
        .map(|residual| narrowed(residual, wide, rows, n));
    case.weight = case
        .weight
        .take()
        .map(|(dtype, values)| (dtype, values[..n].to_vec()));
    case.n = n;
    case.strides = [[n, 1]; 2];
}

fn no_rows(case: &mut Case) {
    cut(case, 0, case.n);
}

/// Sums that no order changes: what a vector adds in lanes is then, bit for bit, what a loop adds.
fn whole_numbers(case: &mut Case) {
    case.residual = None;
    case.x
        .iter_mut()
        .enumerate()
        .for_each(|(i, x)| *x = (i % 7) as f32 - 3.0);
}

#[test]
fn broken_kernels_show_on_their_trigger_alone() {
    let all = &FLOATS[..];
    let (f16, narrow) = (&[Float::F16][..], &[Float::F16, Float::Bf16][..]);
    let rows: &[(&str, &[Float], Change, Change)] = &[
        ("returns-nan", all, |_| (), no_rows),
        ("writes-nothing", all, |_| (), no_rows),
        ("writes-past-end", all, |_| (), no_rows),
        ("ignores-eps", all, |c| c.eps = 1.0, |c| c.eps = 0.0),
        ("RN02-raw-rsqrtss", all, |_| (), no_rows),
        (
            "RN05-square-overflows-f16",
            f16,
            |c| c.x[3] = 300.0,
            |c| c.x[3] = 200.0,
        ),
        (
            "RN07-square-underflows-f16",
            f16,
            |c| {
                c.residual = None;
                c.x.iter_mut()
                    .for_each(|x| *x = Float::F16.round(*x * 1e-4));
                c.eps = 0.0;
            },
            |_| (),
        ),
        ("RN11-divides-by-inverse", all, |_| (), no_rows),
        (
            "RN17-partial-sums-dropped",
            all,
            |_| (),
            |c| {
                whole_numbers(c);
                cut(c, 10, 96);
            },
        ),
        (
            "RN25-rows-assumed-dense",
            all,
            |c| {
                cut(c, 10, 50);
                c.strides[0] = [60, 1];
            },
            |_| (),
        ),
        ("ME20-last-row-skipped", all, |c| cut(c, 9, 100), |_| ()),
        (
            "RN09-hard-coded-eps",
            all,
            |c| c.eps = 1e-2,
            |c| c.eps = f64::from(1e-6_f32),
        ),
        ("RN10-eps-outside-root", all, |c| c.eps = 1e-2, no_rows),
        ("RN12-weight-twice", all, |_| (), |c| c.weight = None),
        (
            "RN13-rounds-before-weight",
            narrow,
            |_| (),
            |c| c.rounding = Rounding::BeforeWeight,
        ),
        (
            "RN19-tail-store-runs-on",
            narrow,
            |c| cut(c, 10, 99),
            |_| (),
        ),
        (
            "RN23-one-mean-for-all-rows",
            all,
            |c| c.x[..100].iter_mut().for_each(|x| *x *= 8.0),
            |c| cut(c, 1, 100),
        ),
        (
            "RN31-adds-accumulator-twice",
            f16,
            |_| (),
            |c| {
                whole_numbers(c);
                cut(c, 10, 16);
            },
        ),
        (
            "RN33-fma-operands-swapped",
            all,
            |_| (),
            |c| c.weight = None,
        ),
        (
            "DS04-wrong-vector-length",
            all,
            |_| (),
            |c| {
                whole_numbers(c);
                cut(c, 10, 4);
            },
        ),
        (
            "DS14-mask-too-small",
            narrow,
            |c| cut(c, 10, 95),
            |c| {
                whole_numbers(c);
                cut(c, 10, 80);
            },
        ),
        (
            "ME08-reads-what-it-overwrote",
            all,
            |c| c.in_place = true,
            |_| (),
        ),
    ];
    for (name, floats, trigger, away) in rows {
        assert_wrong(name, floats, *trigger, *away);
    }
}

#[test]
fn the_higher_tier_in_a_tail_is_right_where_the_cpu_has_it() {
    for dtype in FLOATS {
        let mut case = plain(dtype);
        cut(&mut case, 10, 99);
        let name = "DS03-higher-tier-in-tail";
        assert_eq!(case.complaint(&case.run(name)), None);
    }
}

#[test]
fn writes_past_end_hits_the_element_after_the_last_row_and_no_other() {
    let mut x = Buffer::new(Float::F32, &[2, 3], &[5, 1]);
    let mut y = Buffer::new(Float::F32, &[2, 3], &[5, 1]);
    let (x_view, mut y_view) = (x.tensor(), y.tensor());
    assert_eq!(call("writes-past-end", &args(&x_view, &mut y_view)), TW_OK);
    assert_eq!(y.get(8), 0.0);
    y.set(8, FILL);
    assert!(y.gaps_are_whole());
    assert_eq!(y.values(), Case::plain(3, &[FILL; 6]).run("sequential").y);
}

/// The first `n` elements of the first rows.
fn narrowed(values: &[f32], wide: usize, rows: usize, n: usize) -> Vec<f32> {
    let rows = values.chunks(wide).take(rows);
    rows.flat_map(|row| &row[..n]).copied().collect()
}
