//! The promises: one answer, whatever the tier, the threads, the neighbours and the memory.

use std::ptr;

use tierwise_abi::rope::RopeCall;

use crate::rope::Rope;
use crate::rope::call;
use crate::rope::plan::{Limits, Plan};
use crate::simd::Simd;
use crate::testing::{
    Edge, InTier, Layout, Placed, RopeCase, Turned, Turning, in_every_tier, kernels_of, text,
};

/// Pairs, and elements behind them.
const WIDTHS: [(usize, usize); 11] = [
    (0, 5),
    (1, 0),
    (3, 2),
    (8, 0),
    (15, 1),
    (16, 0),
    (17, 3),
    (32, 16),
    (40, 0),
    (48, 7),
    (64, 0),
];

const POSITIONS: [i32; 6] = [9, 70_000, 0, 3, 12, 1];

/// Two batches of three tokens of two heads, in every combination of types, pairings and angles, in turn.
fn calls() -> impl Iterator<Item = (Turning, Turned)> {
    WIDTHS
        .into_iter()
        .enumerate()
        .flat_map(|(turn, (pairs, rest))| {
            let shape = [2, 3, 2, 2 * pairs + rest];
            let all = Turning::all(shape, 2 * pairs, &POSITIONS);
            let some = all.into_iter().skip(turn % 2).step_by(2);
            some.map(move |mut asked| {
                if asked.scaling.is_none() {
                    // A table of 20 rows will do.
                    asked
                        .positions
                        .iter_mut()
                        .for_each(|position| *position %= 20);
                }
                let data = Turned::new(&asked, turn as u64);
                (asked, data)
            })
        })
}

/// The answer that all others are held against: the first row of the table, dense, on one thread.
fn baseline(asked: &Turning, data: &Turned) -> Vec<u32> {
    let mut case = RopeCase::dense(asked, data);
    case.run(kernels_of::<Rope>()[0]);
    case.y().bits()
}

/// Runs every variation of every call in every tier, and compares bits.
fn same_bits(vary: impl Fn(&Turning, &Turned) -> Vec<(String, RopeCase)>) {
    for (asked, data) in calls() {
        let expected = baseline(&asked, &data);
        for kernel in kernels_of::<Rope>() {
            for (what, mut case) in vary(&asked, &data) {
                case.run(kernel);
                let place = format!("{}, {what}, {asked:?}", text(kernel.tier));
                assert!(case.y().bits() == expected, "{place}");
                assert!(
                    case.y().gaps_are_intact(),
                    "written between elements: {place}"
                );
            }
        }
    }
}

#[test]
fn tiers_in_place_and_not() {
    same_bits(|asked, data| {
        let dense = RopeCase::dense(asked, data);
        let in_place = RopeCase::dense(asked, data).in_place();
        vec![("dense".into(), dense), ("in place".into(), in_place)]
    });
}

#[test]
fn alignment() {
    same_bits(|asked, data| {
        let places = [
            (Edge::Start, 0),
            (Edge::Start, 1),
            (Edge::Start, 7),
            (Edge::End, 3),
        ];
        let case = |(edge, shift)| {
            let placed = Placed {
                edge,
                shift,
                ..Placed::DENSE
            };
            (
                format!("{shift} from {edge:?}"),
                RopeCase::new(asked, data, &placed),
            )
        };
        places.map(case).into()
    });
}

#[test]
fn strides() {
    same_bits(|asked, data| {
        let shape = asked.shape.map(|size| size as i64);
        let [batch, tokens, heads, n] = shape;
        let strided = |strides: [i64; 4]| Some(Layout::strided(&shape, &strides));
        let layouts = [
            None,
            strided([heads * tokens * n, n, tokens * n, 1]),
            strided([heads * tokens * (n + 3), heads * (n + 3), n + 3, 1]),
            strided([2 * heads * tokens * n, 2 * heads * n, 2 * n, 2]),
            strided([1, batch, batch * tokens, batch * tokens * heads]),
        ];
        let mut cases = Vec::new();
        for (from, x) in layouts.iter().enumerate() {
            for (to, y) in layouts.iter().enumerate() {
                let placed = Placed {
                    x: x.clone(),
                    y: y.clone(),
                    inner: 1 + (from + to) % 3,
                    ..Placed::DENSE
                };
                let case = RopeCase::new(asked, data, &placed);
                cases.push((format!("layout {from} to {to}"), case));
            }
        }
        cases
    });
}

/// Stride 0 in x: one batch, token, head or element for all.
#[test]
fn broadcast() {
    for (asked, data) in calls() {
        let shape = asked.shape.map(|size| size as i64);
        for axis in 0..4 {
            let mut layout = Layout::dense(&shape);
            layout.strides[axis] = 0;
            let source = layout.offsets();
            let repeated = Turned {
                x: source.iter().map(|&at| data.x[at]).collect(),
                ..data.clone()
            };
            let expected = baseline(&asked, &repeated);
            let placed = Placed {
                x: Some(layout),
                ..Placed::DENSE
            };
            for kernel in kernels_of::<Rope>() {
                let mut case = RopeCase::new(&asked, &repeated, &placed);
                case.run(kernel);
                let tier = text(kernel.tier);
                assert!(
                    case.y().bits() == expected,
                    "{tier}, axis {axis}, {asked:?}"
                );
            }
        }
    }
}

#[test]
fn tokens_alone_or_together() {
    for (asked, data) in calls() {
        let [batch, tokens, heads, n] = asked.shape;
        let expected = baseline(&asked, &data);
        for token in 0..batch * tokens {
            let elements = token * heads * n..(token + 1) * heads * n;
            let alone = Turning {
                shape: [1, 1, heads, n],
                positions: vec![asked.position(token)],
                ..asked.clone()
            };
            let rows = alone.table_rows() * alone.pairs();
            let data = Turned {
                x: data.x[elements.clone()].to_vec(),
                cos: data.cos[..rows].to_vec(),
                sin: data.sin[..rows].to_vec(),
            };
            for kernel in kernels_of::<Rope>() {
                let mut case = RopeCase::dense(&alone, &data);
                case.run(kernel);
                let tier = text(kernel.tier);
                assert!(
                    case.y().bits() == expected[elements.clone()],
                    "{tier}, {token}, {asked:?}"
                );
            }
        }
    }
}

/// As calls are that no cache holds, or that are worth threads; here because the limits say so.
fn same_bits_within(limits: Limits, threads: u32, places: &[(Edge, usize)]) {
    struct Within<'a>(Limits, u32, &'a [(Edge, usize)]);
    impl InTier for Within<'_> {
        fn run<S: Simd>(&self, s: S) {
            let &Self(limits, threads, places) = self;
            for (asked, data) in calls() {
                let expected = baseline(&asked, &data);
                for &(edge, shift) in places {
                    let placed = Placed {
                        edge,
                        shift,
                        ..Placed::DENSE
                    };
                    let case = RopeCase::new(&asked, &data, &placed);
                    let mut case = case.with_threads(threads);
                    // SAFETY: the args are as the interface says, and so is the call that was read.
                    let read = |args| unsafe { RopeCall::read(args) }.unwrap();
                    case.run_with(
                        |args| Plan::of(&read(args), limits).scratch(),
                        // SAFETY: as above.
                        |args| unsafe { call::run(s, &read(ptr::from_ref(args).cast()), limits) },
                    );
                    let place = format!("{:?}, {shift} from {edge:?}, {asked:?}", S::TIER);
                    assert!(case.y().bits() == expected, "{place}");
                    assert!(case.y().gaps_are_intact(), "{place}");
                }
            }
        }
    }
    in_every_tier(&Within(limits, threads, places));
}

#[test]
fn streamed() {
    let limits = Limits {
        cache: 0,
        ..Limits::here()
    };
    let places = [
        (Edge::Start, 0),
        (Edge::Start, 1),
        (Edge::Start, 2),
        (Edge::Start, 31),
        (Edge::End, 0),
    ];
    same_bits_within(limits, 1, &places);
}

#[test]
fn threads() {
    let limits = Limits {
        thread: 1,
        ..Limits::here()
    };
    for threads in [2, 3, 5, 7] {
        same_bits_within(limits, threads, &[(Edge::End, 0)]);
    }
}
