//! Rotation against f64, and what the adapter declines.

use std::ptr;

use tierwise_abi::c::{TW_INVALID, TW_OK, TW_UNSUPPORTED, TwRopeArgs, TwStatus};
use tierwise_abi::tensor::Dtype;

use super::tensor::{Held, noise, worst};
use super::{head, row, run};

/// A call, by what can vary in it.
#[derive(Clone, Copy, Debug)]
struct Case {
    dtype: Dtype,
    head_dim: usize,
    rotary_dim: usize,
    interleaved: bool,
    /// Heads before tokens, in x and in y.
    head_major: [bool; 2],
    tables: bool,
    in_place: bool,
    /// One row of positions for all batches.
    shared: bool,
}

const PLAIN: Case = Case {
    dtype: Dtype::F32,
    head_dim: 32,
    rotary_dim: 32,
    interleaved: false,
    head_major: [false; 2],
    tables: true,
    in_place: false,
    shared: false,
};
const BATCH: usize = 2;
const TOKENS: usize = 5;
const HEADS: usize = 3;
const ROWS: usize = 50;

/// Status, and the largest error; where the call was not done, 1 if y was written.
fn see(case: &Case, spare: i64) -> Option<(TwStatus, f64)> {
    let row = row(c"rope")?;
    let Case {
        dtype,
        head_dim,
        rotary_dim,
        ..
    } = *case;
    let order = case
        .head_major
        .map(|major| if major { [0, 2, 1, 3] } else { [0, 1, 2, 3] });
    let shape = [BATCH, TOKENS, HEADS, head_dim];
    let mut x = Held::new(dtype, shape, order[0], |i| noise(1, i));
    let mut y = Held::new(dtype, shape, order[1], |_| f64::NAN);
    let mut cos = Held::dense(Dtype::F32, [ROWS, rotary_dim / 2], |i| noise(2, i));
    let mut sin = Held::dense(Dtype::F32, [ROWS, rotary_dim / 2], |i| noise(3, i));
    let at = |b: usize, t: usize| (b * 17 + t * t) % ROWS;
    let mut one = Held::dense(Dtype::I32, [TOKENS], |t| at(0, t) as f64);
    let mut each = Held::dense(Dtype::I32, [BATCH, TOKENS], |i| {
        at(i / TOKENS, i % TOKENS) as f64
    });
    let [mut x_, mut y_] = [x.raw(), y.raw()];
    let [mut cos_, mut sin_] = [cos.raw(), sin.raw()];
    let mut positions = if case.shared { one.raw() } else { each.raw() };
    let table = |table| if case.tables { table } else { ptr::null() };
    let mut args = TwRopeArgs {
        call: head::<TwRopeArgs>(),
        x: &mut x_,
        positions: &mut positions,
        cos: table(&raw mut cos_),
        sin: table(&raw mut sin_),
        y: if case.in_place { &mut x_ } else { &mut y_ },
        rotary_dim: rotary_dim as u32,
        interleaved: case.interleaved.into(),
        theta: 1e4,
        scaling: 0,
        original_max_positions: 0,
        factor: 1.0,
        low_freq_factor: 1.0,
        high_freq_factor: 1.0,
        beta_fast: 1.0,
        beta_slow: 1.0,
        attention_factor: 1.0,
    };
    let before = x.bytes().to_vec();
    // SAFETY: every tensor has its memory.
    let status = unsafe { run(&row, &mut args, spare) };
    assert_eq!(before, x.bytes(), "{case:?} wrote x");
    let error = match status {
        TW_OK => worst(shape, |index| {
            let batch = index / head_dim / HEADS / TOKENS;
            let position = at(
                if case.shared { 0 } else { batch },
                index / head_dim / HEADS % TOKENS,
            );
            (y.get(index), rotated(case, &x, &cos, &sin, position, index))
        }),
        _ => worst(shape, |index| {
            (f64::from(u8::from(!y.get(index).is_nan())), 0.0)
        }),
    };
    Some((status, error))
}

/// Element `index` of y, by contracts.md.
fn rotated(
    case: &Case,
    x: &Held<4>,
    cos: &Held<2>,
    sin: &Held<2>,
    position: usize,
    index: usize,
) -> f64 {
    let (start, d) = (index - index % case.head_dim, index % case.head_dim);
    let half = case.rotary_dim / 2;
    if d >= case.rotary_dim {
        return x.get(index);
    }
    let (pair, first) = if case.interleaved {
        (d / 2, d % 2 == 0)
    } else {
        (d % half, d < half)
    };
    let (a, b) = if case.interleaved {
        (2 * pair, 2 * pair + 1)
    } else {
        (pair, pair + half)
    };
    let (a, b) = (x.get(start + a), x.get(start + b));
    let (c, s) = (
        cos.get(position * half + pair),
        sin.get(position * half + pair),
    );
    if first { a * c - b * s } else { b * c + a * s }
}

#[test]
fn answers_as_f64_does() {
    for interleaved in [false, true] {
        for (head_dim, rotary_dim) in [
            (32, 32),
            (2, 2),
            (6, 6),
            (80, 80),
            (32, 8),
            (32, 18),
            (20, 2),
            (19, 6),
        ] {
            for head_major in [[false; 2], [true; 2]] {
                for shared in [false, true] {
                    let case = Case {
                        head_dim,
                        rotary_dim,
                        interleaved,
                        head_major,
                        shared,
                        ..PLAIN
                    };
                    let Some((status, error)) = see(&case, 0) else {
                        return;
                    };
                    // Two products and a sum in f32, of values of at most 1.
                    assert!(
                        status == TW_OK && error < 3e-7,
                        "{case:?}: {status}, {error:e}"
                    );
                }
            }
        }
    }
}

#[test]
fn declines_what_the_operator_has_no_words_for() {
    for case in [
        Case {
            tables: false,
            ..PLAIN
        },
        // The operator's tables have x's type.
        Case {
            dtype: Dtype::F16,
            ..PLAIN
        },
        Case {
            head_major: [true, false],
            ..PLAIN
        },
        Case {
            in_place: true,
            ..PLAIN
        },
        Case {
            rotary_dim: 0,
            ..PLAIN
        },
    ] {
        let Some(seen) = see(&case, 0) else { return };
        assert_eq!(seen, (TW_UNSUPPORTED, 0.0), "{case:?}");
    }
}

#[test]
fn refuses_too_little_scratch() {
    let Some(seen) = see(&PLAIN, -1) else { return };
    assert_eq!(seen, (TW_INVALID, 0.0));
}
