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
use crate::{executed, parallel};

/// Does the call. Where its rows outgrow `cache` bytes, y goes past the caches.
///
/// # Safety
/// The memory that the call's tensors name may be read, and its outputs written.
pub unsafe fn run<S: Simd>(s: S, call: &RmsNormCall, cache: u64) -> TwStatus {
    let asked = Asked {
        s,
        call,
        placement: Placement::of(call, S::STREAMS.then_some(cache)),
    };
    match call.x.dtype {
        Dtype::F32 => asked.of_type::<f32>(),
        Dtype::F16 => asked.of_type::<F16>(),
        Dtype::Bf16 => asked.of_type::<Bf16>(),
        Dtype::I32 => TW_UNSUPPORTED,
    }
}

/// What decides between the layouts.
#[derive(Clone, Copy)]
enum Placement {
    Dense,
    Streamed,
    Strided,
}

impl Placement {
    /// A plain store reads each line of y from memory before it overwrites it, so what outgrows the cache is
    /// streamed; not so in place, where x brings the line anyway.
    fn of(call: &RmsNormCall, cache: Option<u64>) -> Self {
        let dense = |tensor: &Tensor<2>| tensor.strides[1] == 1;
        let all_dense = dense(&call.x)
            && dense(&call.y)
            && call.weight.is_none_or(|weight| weight.strides == [1])
            && call.residual.as_ref().is_none_or(dense)
            && call.residual_out.as_ref().is_none_or(dense);
        if !all_dense && call.x.shape[1] > 1 {
            return Self::Strided;
        }
        let [rows, n] = call.y.shape;
        let matrices =
            2 + u64::from(call.residual.is_some()) + u64::from(call.residual_out.is_some());
        let bytes = matrices.saturating_mul((rows * n * call.y.dtype.size()) as u64);
        match cache {
            Some(cache) if bytes > cache && call.y.base != call.x.base => Self::Streamed,
            _ => Self::Dense,
        }
    }
}

/// A call on its way to the function for its types: each step decides one of them.
#[derive(Clone, Copy)]
struct Asked<'a, S> {
    s: S,
    call: &'a RmsNormCall,
    placement: Placement,
}

impl<S: Simd> Asked<'_, S> {
    /// x is of type `E`, and so must be all but the weight.
    fn of_type<E: Element>(self) -> TwStatus {
        let Self { call, .. } = self;
        let same = |tensor: &Tensor<2>| tensor.dtype == E::DTYPE;
        let all_same = same(&call.y)
            && call.residual.as_ref().is_none_or(same)
            && call.residual_out.as_ref().is_none_or(same);
        if !all_same {
            return TW_UNSUPPORTED;
        }
        let offset = call.weight_offset;
        match &call.weight {
            None => self.with_weight::<E, _>(Unweighted),
            Some(weight) if weight.dtype == E::DTYPE => {
                let weight = Rows::<E>::of_vector(weight);
                self.with_weight::<E, _>(Weighted { weight, offset })
            }
            Some(weight) if weight.dtype == Dtype::F32 => {
                let weight = Rows::<f32>::of_vector(weight);
                self.with_weight::<E, _>(Weighted { weight, offset })
            }
            Some(_) => TW_UNSUPPORTED,
        }
    }

    fn with_weight<E: Element, W: Weight>(self, weight: W) -> TwStatus {
        let x = Rows::<E>::of(&self.call.x);
        match &self.call.residual {
            None => self.with_input::<E, W, _>(weight, Plain(x)),
            Some(residual) => self.with_input::<E, W, _>(weight, Summed(x, Rows::of(residual))),
        }
    }

    fn with_input<E: Element, W: Weight, H: Input>(self, weight: W, h: H) -> TwStatus {
        match self.placement {
            Placement::Dense => self.with_layout::<E, W, H, Dense>(weight, h),
            Placement::Streamed => self.with_layout::<E, W, H, Streamed>(weight, h),
            Placement::Strided => self.with_layout::<E, W, H, Strided>(weight, h),
        }
    }

    fn with_layout<E: Element, W: Weight, H: Input, L: Layout>(self, weight: W, h: H) -> TwStatus {
        let Self { s, call, .. } = self;
        let [rows, n] = call.x.shape;
        let job = Job::<E, H, W, L> {
            h,
            weight,
            residual_out: call.residual_out.as_ref().map(Rows::of),
            y: Rows::of(&call.y),
            n,
            eps: call.eps,
            rounding: call.rounding,
            layout: PhantomData,
        };
        parallel::divide(rows, call.threads, |rows| {
            s.vectorize(Part { job: &job, rows });
        });
        TW_OK
    }
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
