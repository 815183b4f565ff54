//! Against every byte of both tensors, and calls that no enumeration could answer.

use std::collections::HashSet;

use super::overlap;
use crate::tensor::{Dtype, Tensor};

fn tensor<const D: usize>(
    base: usize,
    dtype: Dtype,
    shape: [usize; D],
    strides: [usize; D],
) -> Tensor<D> {
    let reach: usize = (0..D)
        .map(|axis| shape[axis].saturating_sub(1) * strides[axis])
        .sum();
    let span = if shape.contains(&0) {
        0
    } else {
        (reach + 1) * dtype.size()
    };
    Tensor {
        base: base as *mut u8,
        dtype,
        shape,
        strides,
        span,
    }
}

fn bytes<const D: usize>(tensor: &Tensor<D>) -> HashSet<usize> {
    let mut starts = vec![tensor.base.addr()];
    for axis in 0..D {
        let step = |start: usize| {
            (0..tensor.shape[axis])
                .map(move |i| start + i * tensor.strides[axis] * tensor.dtype.size())
        };
        starts = starts.into_iter().flat_map(step).collect();
    }
    starts
        .into_iter()
        .flat_map(|start| start..start + tensor.dtype.size())
        .collect()
}

/// Numbers that look random and are the same every time (xorshift64).
fn below(state: &mut u64, bound: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 33) as usize % bound
}

/// A tensor whose strides nest or are anything, axes in any order.
fn random<const D: usize>(state: &mut u64, nested: bool) -> Tensor<D> {
    let dtype = [Dtype::F32, Dtype::F16][below(state, 2)];
    let shape: [usize; D] = std::array::from_fn(|_| below(state, 5));
    let mut strides = [0; D];
    let mut reach = 0;
    let first = below(state, D);
    for k in 0..D {
        let axis = (first + k) % D;
        strides[axis] = if nested {
            reach + 1 + below(state, 4)
        } else {
            below(state, 12)
        };
        reach += shape[axis].saturating_sub(1) * strides[axis];
    }
    tensor(
        4096 + below(state, 40) * dtype.size(),
        dtype,
        shape,
        strides,
    )
}

#[test]
fn agrees_with_every_byte_of_both() {
    let mut state = 1;
    let mut seen = [0; 2];
    let mut check = |agrees: bool, shared: bool| {
        seen[usize::from(shared)] += 1;
        assert!(agrees);
    };
    for _ in 0..20_000 {
        let (output, matrix) = (
            random::<2>(&mut state, true),
            random::<2>(&mut state, false),
        );
        let shared = !bytes(&output).is_disjoint(&bytes(&matrix));
        check(overlap(&output, &matrix) == shared, shared);
        let (output, other) = (
            random::<4>(&mut state, true),
            random::<3>(&mut state, false),
        );
        let shared = !bytes(&output).is_disjoint(&bytes(&other));
        check(overlap(&output, &other) == shared, shared);
    }
    assert!(
        seen.iter().all(|&count| count > 5_000),
        "one answer dominates: {seen:?}"
    );
}

#[test]
fn empty_tensors_overlap_nothing() {
    let full = tensor(4096, Dtype::F32, [4, 4], [4, 1]);
    let empty = tensor(4096, Dtype::F32, [0, 4], [4, 1]);
    assert!(!overlap(&full, &empty) && !overlap(&empty, &full) && overlap(&full, &full));
}

/// Decided without looking at elements: these have 2^40 and more.
#[test]
fn interleaved_slices_of_any_size() {
    const ROWS: usize = 1 << 28;
    let slice =
        |column: usize, n: usize| tensor(4096 + 4 * column, Dtype::F32, [ROWS, n], [3 * 4096, 1]);
    assert!(!overlap(&slice(0, 4096), &slice(4096, 4096)));
    assert!(!overlap(&slice(8192, 4096), &slice(4096, 4096)));
    assert!(overlap(&slice(0, 4097), &slice(4096, 4096)));
    let every_second = |first: usize| tensor(4096 + 4 * first, Dtype::F32, [ROWS, 4096], [8192, 2]);
    assert!(
        !overlap(&every_second(0), &every_second(1)) && overlap(&every_second(0), &every_second(2))
    );
}
