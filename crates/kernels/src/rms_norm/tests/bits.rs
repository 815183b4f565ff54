//! The promises: one answer, whatever the tier, the threads, the neighbours and the memory.

use tierwise_abi::c::TW_OK;
use tierwise_abi::rms_norm::RmsNormCall;

use super::data;
use crate::rms_norm::call;
use crate::simd::Simd;
use crate::testing::{
    Asked, Case, Data, Edge, InTier, Layout, in_every_tier, in_turn, kernels, text,
};

const LENGTHS: [usize; 12] = [1, 2, 7, 16, 17, 31, 32, 33, 63, 65, 300, 543];

/// The answer that all others are held against: the first row of the table, dense, on one thread.
fn baseline(asked: Asked, rows: usize, n: usize, data: &Data) -> (Vec<u32>, Option<Vec<u32>>) {
    let mut case = Case::dense(asked, rows as i64, n as i64, data);
    case.run(kernels()[0]);
    case.bits()
}

/// Runs every variation of every call in every tier, and compares bits. `vary` makes the cases.
fn same_bits(rows: usize, vary: impl Fn(Asked, i64, &Data) -> Vec<(String, Case)>) {
    let kernels = kernels();
    for (turn, n) in LENGTHS.into_iter().enumerate() {
        for asked in in_turn(turn) {
            let data = data(asked, rows, n, n as u64);
            let expected = baseline(asked, rows, n, &data);
            for kernel in &kernels {
                for (what, mut case) in vary(asked, n as i64, &data) {
                    case.run(kernel);
                    let place = format!("{}, {what}, n = {n}, {asked:?}", text(kernel.tier));
                    assert!(case.bits() == expected, "{place}");
                    for output in [Some(case.y()), case.residual_out()].into_iter().flatten() {
                        assert!(
                            output.gaps_are_intact(),
                            "written between elements: {place}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn tiers() {
    same_bits(2, |asked, n, data| {
        vec![("dense".into(), Case::dense(asked, 2, n, data))]
    });
}

#[test]
fn threads() {
    same_bits(5, |asked, n, data| {
        let case = |threads| Case {
            threads,
            ..Case::dense(asked, 5, n, data)
        };
        [2, 3, 7]
            .map(|threads| (format!("{threads} threads"), case(threads)))
            .into()
    });
}

#[test]
fn in_place() {
    same_bits(3, |asked, n, data| {
        let both = Case::dense(asked, 3, n, data).in_place();
        let y = Case {
            y: None,
            ..Case::dense(asked, 3, n, data)
        };
        let residual = Case {
            residual_out: None,
            ..Case::dense(asked, 3, n, data)
        };
        vec![
            ("both in place".into(), both),
            ("y in place".into(), y),
            ("residualOut in place".into(), residual),
        ]
    });
}

#[test]
fn alignment() {
    same_bits(2, |asked, n, data| {
        let (matrix, weight) = (Layout::dense(&[2, n]), Layout::dense(&[n]));
        let case = |edge, shift| Case::new(asked, data, edge, shift, &matrix, &matrix, &weight);
        let at_start =
            (0..4).map(|shift| (format!("{shift} behind a page"), case(Edge::Start, shift)));
        let at_end = (1..4).map(|shift| (format!("{shift} more"), case(Edge::End, shift)));
        at_start.chain(at_end).collect()
    });
}

#[test]
fn strides() {
    same_bits(3, |asked, n, data| {
        let layouts = [
            ("rows apart", Layout::strided(&[3, n], &[n + 3, 1])),
            (
                "every second element",
                Layout::strided(&[3, n], &[2 * n + 5, 2]),
            ),
            ("columns", Layout::strided(&[3, n], &[1, 3])),
            ("dense", Layout::dense(&[3, n])),
        ];
        let mut cases = Vec::new();
        for (inputs_name, inputs) in &layouts {
            for (outputs_name, outputs) in &layouts {
                for weight_stride in [1, 2] {
                    let weight = Layout::strided(&[n], &[weight_stride]);
                    let what =
                        format!("{inputs_name} to {outputs_name}, weight at {weight_stride}");
                    cases.push((
                        what,
                        Case::new(asked, data, Edge::End, 0, inputs, outputs, &weight),
                    ));
                }
            }
        }
        cases
    });
}

/// Stride 0: one row for all, one element for a row, one weight for all columns.
#[test]
fn broadcast() {
    for (turn, n) in LENGTHS.into_iter().enumerate() {
        for asked in in_turn(turn) {
            for (row_stride, stride) in [(0, 1), (1, 0), (0, 0)] {
                let inputs = Layout::strided(&[3, n as i64], &[row_stride, stride]);
                let outputs = Layout::dense(&[3, n as i64]);
                let weight = Layout::strided(&[n as i64], &[stride]);
                let mut data = data(asked, 3, n, n as u64);
                let source = |i: usize| match (row_stride, stride) {
                    (0, 1) => i % n,
                    (1, 0) => i / n * n,
                    _ => 0,
                };
                data.x = (0..3 * n).map(|i| data.x[source(i)]).collect();
                data.residual = (0..3 * n).map(|i| data.residual[source(i)]).collect();
                if stride == 0 {
                    data.weight = vec![data.weight[0]; n];
                }
                let expected = baseline(asked, 3, n, &data);
                for kernel in kernels() {
                    let mut case =
                        Case::new(asked, &data, Edge::End, 0, &inputs, &outputs, &weight);
                    case.run(kernel);
                    let strides = [row_stride, stride];
                    assert!(
                        case.bits() == expected,
                        "{}, {strides:?}, n = {n}, {asked:?}",
                        text(kernel.tier)
                    );
                }
            }
        }
    }
}

#[test]
fn rows_alone_or_together() {
    for (turn, n) in LENGTHS.into_iter().enumerate() {
        for asked in in_turn(turn) {
            let rows = 4;
            let data = data(asked, rows, n, n as u64);
            let (y, residual_out) = baseline(asked, rows, n, &data);
            for row in 0..rows {
                let elements = row * n..(row + 1) * n;
                let alone = Data {
                    x: data.x[elements.clone()].to_vec(),
                    residual: data.residual[elements.clone()].to_vec(),
                    ..data.clone()
                };
                let expected = (
                    y[elements.clone()].to_vec(),
                    residual_out.as_ref().map(|out| out[elements].to_vec()),
                );
                for kernel in kernels() {
                    let mut case = Case::dense(asked, 1, n as i64, &alone);
                    case.run(kernel);
                    assert!(
                        case.bits() == expected,
                        "{}, row {row}, n = {n}, {asked:?}",
                        text(kernel.tier)
                    );
                }
            }
        }
    }
}

/// Past the caches, as calls are that no cache holds; here because the cache is said to hold nothing.
#[test]
fn streamed() {
    struct Streamed;
    impl InTier for Streamed {
        fn run<S: Simd>(&self, s: S) {
            for (turn, n) in LENGTHS.into_iter().enumerate() {
                for asked in in_turn(turn) {
                    let data = data(asked, 3, n, n as u64);
                    let expected = baseline(asked, 3, n, &data);
                    for (edge, shift) in [
                        (Edge::Start, 0),
                        (Edge::Start, 1),
                        (Edge::Start, 31),
                        (Edge::End, 0),
                    ] {
                        let (matrix, weight) =
                            (Layout::dense(&[3, n as i64]), Layout::dense(&[n as i64]));
                        let mut case =
                            Case::new(asked, &data, edge, shift, &matrix, &matrix, &weight);
                        let status = case.with_args(|args| {
                            // SAFETY: the args are as the interface says, and so is the call that was read.
                            unsafe {
                                let call =
                                    RmsNormCall::read(std::ptr::from_ref(args).cast()).unwrap();
                                call::run(s, &call, 0)
                            }
                        });
                        assert_eq!(status, TW_OK);
                        assert!(
                            case.bits() == expected,
                            "{:?}, {shift} from {edge:?}, n = {n}, {asked:?}",
                            S::TIER
                        );
                        assert!(case.y().gaps_are_intact());
                    }
                }
            }
        }
    }
    in_every_tier(&Streamed);
}
