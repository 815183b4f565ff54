//! The variants as a caller meets them: bugs show on their trigger, and nowhere else.

mod case;

use case::Case;

use crate::float::Float;

type Change = fn(&mut Case);

/// On a case with the trigger each broken kernel differs from the plain one, on a case away from it in no bit.
#[test]
fn broken_kernels_show_on_their_trigger_alone() {
    let origin: Change = |c| c.positions.fill(0);
    let rows: &[(&str, Change, Change)] = &[
        ("RP04-other-pairing", |_| (), origin),
        ("RP06-input-strides-for-output", |c| c.gap = 3, |_| ()),
        (
            "RP11-position-in-bf16",
            |c| {
                c.dtype = Float::Bf16;
                c.positions[0] = 257;
            },
            |c| c.dtype = Float::Bf16,
        ),
        (
            "RP19-first-batch-for-all",
            |_| (),
            |c| c.positions = vec![7, 3, 40, 7, 3, 40],
        ),
        (
            "RP13-turns-in-bf16",
            |c| c.dtype = Float::Bf16,
            |c| c.dtype = Float::F16,
        ),
        ("RP18-hard-coded-theta", |c| c.theta = 5e5, |_| ()),
        (
            "RP20-counts-tokens",
            |_| (),
            |c| c.positions = vec![0, 1, 2, 0, 1, 2],
        ),
        (
            "RP22-table-not-sliced",
            |c| {
                c.tables = 50;
                c.shape[1] = 1;
                c.positions = vec![7, 40];
            },
            |c| c.tables = 50,
        ),
        ("RP30-pairs-rounded-up", |_| (), |c| c.rotary = 16),
        ("RP36-turns-back", |_| (), origin),
        ("ME18-whole-vector-at-end", |c| c.shape[1] = 0, |_| ()),
    ];
    for &(name, trigger, away) in rows {
        let mut shown = Case::plain();
        trigger(&mut shown);
        // What takes the end of a page to show is shown by the check of this library alone.
        if shown.shape[1] > 0 {
            assert_ne!(shown.run(name), shown.run("plain"), "{name} shows");
        }
        let mut hidden = Case::plain();
        away(&mut hidden);
        assert_eq!(hidden.run(name), hidden.run("plain"), "{name} hides");
    }
}
