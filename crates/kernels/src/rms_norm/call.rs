//! From a checked call to the one function that its types and layout ask for.

use std::marker::PhantomData;
use std::ops::Range;

use tierwise_abi::c::{TW_OK, TW_UNSUPPORTED, TwStatus};
use tierwise_abi::rms_norm::{RmsNormCall, Rounding};
use tierwise_abi::tensor::{Dtype, Tensor};

use super::RmsNorm;
use super::row::{
    Input, Output, Plain, Summed, Unweighted, Weight, Weighted, inverse_rms, sum_of_squares,
};
use crate::access::{Dense, Layout, Rows, Streamed, Strided};
use crate::simd::{Bf16, Element, F16, Simd, Work};
use crate::{cpu, executed, parallel};

/// Does the call.
///
/// # Safety
/// The memory that the call's tensors name may be read, and its outputs written.
pub unsafe fn run<S: Simd>(s: S, call: &RmsNormCall) -> TwStatus {
    match call.x.dtype {
        Dtype::F32 => of_type::<S, f32>(s, call),
        Dtype::F16 => of_type::<S, F16>(s, call),
        Dtype::Bf16 => of_type::<S, Bf16>(s, call),
        Dtype::I32 => TW_UNSUPPORTED,
    }
}

/// x is of type `E`, and so must be all but the weight.
fn of_type<S: Simd, E: Element>(s: S, call: &RmsNormCall) -> TwStatus {
    let same = |tensor: Option<&Tensor>| tensor.is_none_or(|tensor| tensor.dtype == E::DTYPE);
    if !(same(Some(&call.y)) && same(call.residual.as_ref()) && same(call.residual_out.as_ref())) {
        return TW_UNSUPPORTED;
    }
    let offset = call.weight_offset;
    match &call.weight {
        None => with_weight::<S, E, _>(s, call, Unweighted),
        Some(weight) if weight.dtype == E::DTYPE => {
            let weight = Rows::<E>::of(weight);
            with_weight::<S, E, _>(s, call, Weighted { weight, offset })
        }
        Some(weight) if weight.dtype == Dtype::F32 => {
            let weight = Rows::<f32>::of(weight);
            with_weight::<S, E, _>(s, call, Weighted { weight, offset })
        }
        Some(_) => TW_UNSUPPORTED,
    }
}

fn with_weight<S: Simd, E: Element, W: Weight>(s: S, call: &RmsNormCall, weight: W) -> TwStatus {
    let x = Rows::<E>::of(&call.x);
    match &call.residual {
        None => with_input::<S, E, W, _>(s, call, weight, Plain(x)),
        Some(residual) => {
            let residual = Rows::<E>::of(residual);
            with_input::<S, E, W, _>(s, call, weight, Summed(x, residual))
        }
    }
}

fn with_input<S: Simd, E: Element, W: Weight, H: Input>(
    s: S,
    call: &RmsNormCall,
    weight: W,
    h: H,
) -> TwStatus {
    if !is_dense(call) {
        with_layout::<S, E, W, H, Strided>(s, call, weight, h)
    } else if S::STREAMS && streams(call) {
        with_layout::<S, E, W, H, Streamed>(s, call, weight, h)
    } else {
        with_layout::<S, E, W, H, Dense>(s, call, weight, h)
    }
}

fn with_layout<S: Simd, E: Element, W: Weight, H: Input, L: Layout>(
    s: S,
    call: &RmsNormCall,
    weight: W,
    h: H,
) -> TwStatus {
    let job = Job::<E, H, W, L> {
        h,
        weight,
        residual_out: call.residual_out.as_ref().map(Rows::of),
        y: Rows::of(&call.y),
        n: call.x.shape()[1],
        eps: call.eps,
        rounding: call.rounding,
        layout: PhantomData,
    };
    parallel::divide(call.x.shape()[0], call.threads, |rows| {
        s.vectorize(Part { job: &job, rows });
    });
    TW_OK
}

fn tensors(call: &RmsNormCall) -> impl Iterator<Item = &Tensor> {
    let optional = [&call.weight, &call.residual, &call.residual_out];
    [&call.x, &call.y]
        .into_iter()
        .chain(optional.into_iter().flatten())
}

/// Whether the elements of every row, and of the weight, are adjacent.
fn is_dense(call: &RmsNormCall) -> bool {
    call.x.shape()[1] == 1 || tensors(call).all(|tensor| tensor.strides().last() == Some(&1))
}

/// Whether y should go past the caches: the call's bytes outgrow the last level. A plain store would read
/// each line of y from memory before it overwrites it; not so in place, where x brings the line anyway.
fn streams(call: &RmsNormCall) -> bool {
    let bytes = |tensor: &Tensor| {
        let elements: usize = tensor.shape().iter().product();
        tensor.span().min(elements * tensor.dtype.size()) as u64
    };
    call.y.base != call.x.base && tensors(call).map(bytes).sum::<u64>() > cpu::streaming_threshold()
}

/// A call, its types and layout known when compiled.
struct Job<E, H, W, L> {
    h: H,
    weight: W,
    residual_out: Option<Rows<E>>,
    y: Rows<E>,
    n: usize,
    eps: f64,
    rounding: Rounding,
    layout: PhantomData<L>,
}

/// Some of its rows.
struct Part<'a, E, H, W, L> {
    job: &'a Job<E, H, W, L>,
    rows: Range<usize>,
}

impl<E: Element, H: Input, W: Weight, L: Layout> Work for Part<'_, E, H, W, L> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        executed::record::<RmsNorm, S>();
        let Self { job, rows } = self;
        for row in rows.clone() {
            let output = Output {
                h: job.h.at(row),
                next: job.h.at((row + 1).min(rows.end - 1)),
                weight: job.weight,
                residual_out: job.residual_out.map(|residual_out| residual_out.at(row)),
                y: job.y.at(row),
                n: job.n,
                rounding: job.rounding,
            };
            // SAFETY: the call was checked, so every row has n elements in memory that the call may use, and
            // rows of an output share none; the layout was chosen by looking at every tensor.
            unsafe {
                let sum = sum_of_squares::<S, L>(s, output.h, job.n);
                output.write::<S, L>(s, inverse_rms(sum, job.n, job.eps));
            }
        }
        if L::STREAMS {
            s.fence();
        }
    }
}
