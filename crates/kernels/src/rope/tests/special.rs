//! What contracts.md says of values at the edges.

use tierwise_abi::rope::Scaling;
use tierwise_abi::tensor::Dtype;

use crate::rope::Rope;
use crate::testing::{Layout, Placed, RopeCase, Turned, Turning, kernels_of, round, text};

/// One head of 64 with 24 pairs, by the position 1 of a table unless angles are computed.
fn calls() -> Vec<(Turning, Turned)> {
    let all = Turning::all([1, 1, 1, 64], 48, &[1]).into_iter();
    all.map(|asked| {
        let data = Turned::new(&asked, 5);
        (asked, data)
    })
    .collect()
}

fn run(asked: &Turning, data: &Turned) -> Vec<(&'static str, Vec<f64>)> {
    let answer = |kernel| {
        let mut case = RopeCase::dense(asked, data);
        case.run(kernel);
        case.y().values()
    };
    let kernels = kernels_of::<Rope>().into_iter();
    kernels
        .map(|kernel| (text(kernel.tier), answer(kernel)))
        .collect()
}

/// The other element of a pair.
fn partner(asked: &Turning, i: usize) -> usize {
    match asked.interleaved {
        true => i ^ 1,
        false => (i + 24) % 48,
    }
}

#[test]
fn a_nan_stays_in_its_pair() {
    for (asked, data) in calls() {
        for at in [0, 7, 24, 47] {
            let mut data = data.clone();
            data.x[at] = f64::NAN;
            for (tier, y) in run(&asked, &data) {
                let pair = [at, partner(&asked, at)];
                for (i, y) in y.into_iter().enumerate() {
                    assert_eq!(y.is_nan(), pair.contains(&i), "{tier}, {i}, {asked:?}");
                }
            }
        }
    }
}

/// An infinite element times a cosine or a sine of 0 is NaN, else an infinity; two of them may cancel to NaN.
#[test]
fn infinities_are_multiplied_like_numbers() {
    const INF: f64 = f64::INFINITY;
    let by_tables = calls()
        .into_iter()
        .filter(|(asked, _)| asked.scaling.is_none());
    for (asked, mut data) in by_tables {
        let (pair, a) = if asked.interleaved { (3, 6) } else { (3, 3) };
        let b = partner(&asked, a);
        let entry = asked.pairs() + pair;
        for (values, turn, expected) in [
            ([INF, 1.0], [0.5, 0.5], [INF, INF]),
            ([1.0, INF], [0.5, 0.5], [-INF, INF]),
            ([INF, INF], [0.5, 0.5], [f64::NAN, INF]),
            ([INF, 1.0], [0.0, 1.0], [f64::NAN, INF]),
            ([INF, 1.0], [1.0, 0.0], [INF, f64::NAN]),
            ([1.0, 1.0], [INF, 0.5], [INF, INF]),
            ([1.0, 1.0], [0.5, f64::NAN], [f64::NAN, f64::NAN]),
        ] {
            [data.x[a], data.x[b]] = values;
            [data.cos[entry], data.sin[entry]] = turn;
            for (tier, y) in run(&asked, &data) {
                for (seen, expected) in [y[a], y[b]].into_iter().zip(expected) {
                    let same = seen == expected || seen.is_nan() && expected.is_nan();
                    assert!(same, "{tier}, {seen} for {expected}, {asked:?}");
                }
            }
        }
    }
}

/// The rest keeps every bit: NaNs that signal, their payloads and signs, and numbers too small to be normal.
#[test]
fn the_rest_is_copied_bit_for_bit() {
    for (dtype, odd) in [
        (
            Dtype::F32,
            [0x7f80_0001u32, 0xffc0_1234, 0x8000_0001, 0x0000_0001],
        ),
        (Dtype::F16, [0x7c01, 0xfe12, 0x8001, 0x0001]),
        (Dtype::Bf16, [0x7f81, 0xffc3, 0x8001, 0x0001]),
    ] {
        for rotary_dim in [0, 2, 30, 48] {
            let all = Turning::all([1, 2, 3, 83], rotary_dim, &[1, 2]);
            for asked in all.into_iter().filter(|asked| asked.dtype == dtype) {
                let data = Turned::new(&asked, 6);
                let dense = Layout::dense(&[1, 2, 3, 83]);
                let apart = Layout::strided(&[1, 2, 3, 83], &[0, 600, 180, 2]);
                for (x, y) in [(&dense, &dense), (&dense, &apart), (&apart, &dense)] {
                    for kernel in kernels_of::<Rope>() {
                        let placed = Placed {
                            x: Some(x.clone()),
                            y: Some(y.clone()),
                            ..Placed::DENSE
                        };
                        let mut case = RopeCase::new(&asked, &data, &placed);
                        let bits: Vec<_> = (0..2 * 3 * 83).map(|i| odd[i * i % 7 % 4]).collect();
                        case.x.set_bits(&bits);
                        case.run(kernel);
                        let seen = case.y().raw_bits();
                        for (at, (seen, bits)) in seen.into_iter().zip(bits).enumerate() {
                            let copied = at % 83 >= rotary_dim;
                            let tier = text(kernel.tier);
                            assert!(!copied || seen == bits, "{tier}, {at}, {asked:?}");
                        }
                    }
                }
            }
        }
    }
}

/// Position 0 turns nothing, but for what yarn multiplies.
#[test]
fn position_0_is_the_identity() {
    for (mut asked, data) in calls() {
        asked.positions = vec![0];
        let factor = match asked.scaling {
            None => continue,
            Some(Scaling::Yarn {
                attention_factor, ..
            }) => attention_factor,
            Some(_) => 1.0,
        };
        let factor = |i| if i < asked.rotary_dim { factor } else { 1.0 };
        for (tier, y) in run(&asked, &data) {
            for (i, (y, x)) in y.into_iter().zip(&data.x).enumerate() {
                assert_eq!(
                    y,
                    round(asked.dtype, x * factor(i)),
                    "{tier}, {i}, {asked:?}"
                );
            }
        }
    }
}
