//! Bugs that leave a wrong answer show on their trigger, and nowhere else.

use tierwise_abi::c::TW_OK;

use super::FLOATS;
use super::case::{Buffer, Case, FILL, Random, args, call};
use crate::float::Float;

/// In each type, the kernel is wrong on a generic case with the trigger, and gives the plain kernel's very
/// bits on one that is away from it, where there is such a case.
fn assert_wrong(name: &str, trigger: fn(&mut Case), away: Option<fn(&mut Case)>) {
    for dtype in FLOATS {
        let mut random = Random(1);
        let x: Vec<_> = (0..1000).map(|_| dtype.round(random.next())).collect();
        let case = Case {
            dtype,
            ..Case::plain(100, &x)
        };
        let mut shown = case.clone();
        trigger(&mut shown);
        assert!(
            shown.complaint(&shown.run(name)).is_some(),
            "{name} shows in {dtype:?}"
        );
        assert_eq!(shown.complaint(&shown.run("sequential")), None);
        if let Some(away) = away {
            let mut hidden = case.clone();
            away(&mut hidden);
            assert_eq!(
                hidden.run(name),
                hidden.run("sequential"),
                "{name} hides in {dtype:?}"
            );
        }
    }
}

#[test]
fn broken_kernels_show_on_their_trigger_alone() {
    let no_rows = |case: &mut Case| case.x.clear();
    assert_wrong("returns-nan", |_| (), Some(no_rows));
    assert_wrong("writes-nothing", |_| (), Some(no_rows));
    assert_wrong("writes-past-end", |_| (), Some(no_rows));
    assert_wrong(
        "ignores-eps",
        |case| case.eps = 1.0,
        Some(|case| case.eps = 0.0),
    );
    assert_wrong(
        "ignores-eps",
        |case| case.x.fill(0.0),
        Some(|case| case.eps = 0.0),
    );
    #[cfg(target_arch = "x86_64")]
    assert_wrong("raw-rsqrtss", |_| (), None);
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
