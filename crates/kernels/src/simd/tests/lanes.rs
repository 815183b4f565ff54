//! What happens lane by lane, or moves lanes, against the same written plainly.

use std::array::from_fn;

use crate::simd::{self, Bf16, Element, F16, LANES, Simd, Work};
use crate::testing::{InTier, Numbers, in_every_tier};

type Vector = [f32; LANES];

/// Every operation on three vectors and a number of lanes.
struct All([Vector; 3], usize);

/// What came out, operation by operation.
struct Results {
    div: Vector,
    mac: Vector,
    max: Vector,
    tree_max: f32,
    select_less: Vector,
    select_first: Vector,
    into_exponent: Vector,
}

impl Work for All {
    type Output = Results;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Results {
        let Self([a, b, c], count) = self;
        // SAFETY: arrays of 16, here and below.
        let [a, b, c] = unsafe { [load(s, &a), load(s, &b), load(s, &c)] };
        let store = |v| {
            let mut lanes = [0.0; LANES];
            // SAFETY: as above.
            unsafe { s.store_f32(lanes.as_mut_ptr(), v) };
            lanes
        };
        Results {
            div: store(s.div(a, b)),
            mac: store(s.mac(a, b, c)),
            max: store(s.max(a, b)),
            tree_max: s.tree_max(s.max(a, s.splat(-1.0))),
            select_less: store(s.select(s.less(a, b), c, a)),
            select_first: store(s.select(s.first(count), a, b)),
            into_exponent: store(s.into_exponent(c)),
        }
    }
}

#[inline(always)]
unsafe fn load<S: Simd>(s: S, lanes: &Vector) -> S::F32 {
    // SAFETY: an array of 16.
    unsafe { s.load_f32(lanes.as_ptr()) }
}

/// Numbers of every size, and each special value now and then.
fn vector(numbers: &mut Numbers) -> Vector {
    const SPECIAL: [f32; 8] = [
        0.0,
        -0.0,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        f32::MAX,
        1e-45,
        f32::MIN_POSITIVE,
    ];
    from_fn(|_| match numbers.next() % 16 {
        special @ 0..8 => SPECIAL[special as usize],
        8..12 => f32::from_bits(numbers.next() as u32),
        _ => numbers.uniform() as f32,
    })
}

/// The bits, every NaN as one.
fn bits(lanes: Vector) -> [u32; LANES] {
    lanes.map(|lane| {
        if lane.is_nan() {
            u32::MAX
        } else {
            lane.to_bits()
        }
    })
}

#[test]
fn every_operation_on_every_kind_of_number() {
    struct Operations;
    impl InTier for Operations {
        fn run<S: Simd>(&self, s: S) {
            let mut numbers = Numbers(3);
            for round in 0..20_000 {
                let [a, b, c]: [Vector; 3] = from_fn(|_| vector(&mut numbers));
                let seen = s.vectorize(All([a, b, c], round % 20));
                let check = |what, seen, expected: &dyn Fn(usize) -> f32| {
                    let operands = (a, b, c);
                    let expected = bits(from_fn(expected));
                    assert_eq!(bits(seen), expected, "{:?}, {what}: {operands:?}", S::TIER);
                };
                let greater = |a: f32, b: f32| if a > b { a } else { b };
                check("div", seen.div, &|i| a[i] / b[i]);
                check("mac", seen.mac, &|i| match S::FUSED {
                    true => a[i].mul_add(b[i], c[i]),
                    false => a[i] * b[i] + c[i],
                });
                check("max", seen.max, &|i| greater(a[i], b[i]));
                let greatest = a.into_iter().fold(-1.0, |most, a| greater(a, most));
                check("tree_max", [seen.tree_max; LANES], &|_| greatest);
                check("select(less)", seen.select_less, &|i| {
                    if a[i] < b[i] { c[i] } else { a[i] }
                });
                check("select(first)", seen.select_first, &|i| {
                    if i < round % 20 { a[i] } else { b[i] }
                });
                check("into_exponent", seen.into_exponent, &|i| {
                    f32::from_bits(c[i].to_bits() << 23)
                });
            }
        }
    }
    in_every_tier(&Operations);
}

/// Columns of elements as they are stored, so many, with room between them.
struct TransposeTo<E>([[E; LANES]; LANES], usize);

const STRIDE: usize = LANES + 3;

impl<E: Element> Work for TransposeTo<E> {
    type Output = [[E; STRIDE]; LANES];

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        let Self(rows, count) = self;
        let mut columns = [[E::default(); STRIDE]; LANES];
        // SAFETY: arrays of 16.
        unsafe {
            let row = |k: usize| E::take(s, rows[k].as_ptr(), simd::All);
            E::transpose_to(s, row, count, columns.as_mut_ptr().cast(), STRIDE);
        }
        columns
    }
}

#[test]
fn the_first_columns_are_stored_and_nothing_else() {
    struct Columns;
    impl InTier for Columns {
        fn run<S: Simd>(&self, s: S) {
            for count in 0..=LANES {
                self.check::<S, f32>(s, count, |i| i as f32 + 1.0);
                self.check::<S, F16>(s, count, |i| F16(i as u16 + 1));
                self.check::<S, Bf16>(s, count, |i| Bf16(i as u16 + 1));
            }
        }
    }
    impl Columns {
        fn check<S: Simd, E: Element + PartialEq + std::fmt::Debug>(
            &self,
            s: S,
            count: usize,
            element: impl Fn(usize) -> E,
        ) {
            let rows = from_fn(|i| from_fn(|j| element(LANES * i + j)));
            let columns = s.vectorize(TransposeTo(rows, count));
            for (j, column) in columns.iter().enumerate() {
                for (i, &seen) in column.iter().enumerate() {
                    let due = match i < LANES && j < count {
                        true => rows[i][j],
                        false => E::default(),
                    };
                    assert_eq!(seen, due, "{:?}, {i}, {j} of {count}", S::TIER);
                }
            }
        }
    }
    in_every_tier(&Columns);
}

/// The lanes of 16 vectors, row by row.
struct Transpose([Vector; LANES]);

impl Work for Transpose {
    type Output = [Vector; LANES];

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        let Self(mut rows) = self;
        let mut vectors = [s.splat(0.0); LANES];
        for (vector, row) in vectors.iter_mut().zip(&rows) {
            // SAFETY: an array of 16.
            *vector = unsafe { load(s, row) };
        }
        for (row, column) in rows.iter_mut().zip(s.transpose(vectors)) {
            // SAFETY: an array of 16.
            unsafe { s.store_f32(row.as_mut_ptr(), column) };
        }
        rows
    }
}

#[test]
fn rows_become_columns() {
    struct Rows;
    impl InTier for Rows {
        fn run<S: Simd>(&self, s: S) {
            let rows = from_fn(|i| from_fn(|j| (LANES * i + j) as f32));
            let columns = s.vectorize(Transpose(rows));
            for i in 0..LANES {
                for j in 0..LANES {
                    assert_eq!(columns[j][i], rows[i][j], "{:?}, {i}, {j}", S::TIER);
                }
            }
        }
    }
    in_every_tier(&Rows);
}
