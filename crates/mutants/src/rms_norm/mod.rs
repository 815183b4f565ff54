//! RMSNorm: a plain kernel, cut where a variant may differ from it.

mod broken;
mod call;
mod correct;
#[cfg(target_arch = "x86_64")]
mod rsqrtss;
#[cfg(test)]
mod tests;

use std::ffi::c_void;

use tierwise_abi::c::{TW_NUMERICS_F32, TW_OK, TwStatus};

pub use broken::*;
pub use call::{Call, Rounding};
pub use correct::*;
#[cfg(target_arch = "x86_64")]
pub use rsqrtss::*;

/// The plain kernel. A variant overrides the step that it does in another way, and keeps the rest.
///
/// The steps of one row, from the outside in: [`run`](Self::run), [`row`](Self::row),
/// [`normaliser`](Self::normaliser), [`sum_of_squares`](Self::sum_of_squares), [`eps`](Self::eps),
/// [`inverse_root`](Self::inverse_root); then, for each element, [`weighted`](Self::weighted).
pub trait RmsNorm {
    /// Promises of bits.md.
    const PROMISES: u32 = 0;

    /// Numerics class.
    const NUMERICS: u32 = TW_NUMERICS_F32;

    /// Bytes of scratch that a call needs.
    fn scratch(_: &Call) -> usize {
        0
    }

    /// The whole call.
    fn run(call: &Call) {
        for row in 0..call.rows {
            Self::row(call, row);
        }
    }

    /// One row. Every element is read before it is written, so in place needs no care.
    fn row(call: &Call, row: usize) {
        let normalise = Self::normaliser(call, row);
        for j in 0..call.n {
            let h = call.h(row, j);
            if let Some(residual_out) = call.residual_out {
                residual_out.set([row, j], h);
            }
            call.y
                .set([row, j], Self::weighted(call, normalise(h), call.weight(j)));
        }
    }

    /// What takes an element h of the row to h * r.
    fn normaliser(call: &Call, row: usize) -> impl Fn(f32) -> f32 {
        let mean = Self::sum_of_squares(call, row) / call.n as f32;
        let r = Self::inverse_root(mean + Self::eps(call));
        move |h| h * r
    }

    /// The sum of h * h over a row.
    fn sum_of_squares(call: &Call, row: usize) -> f32 {
        (0..call.n).fold(0.0, |sum, j| {
            let h = call.h(row, j);
            sum + h * h
        })
    }

    /// What is added to the mean square.
    fn eps(call: &Call) -> f32 {
        call.eps as f32
    }

    /// 1 / sqrt(value).
    fn inverse_root(value: f32) -> f32 {
        1.0 / value.sqrt()
    }

    /// The output of a normalised element and its weight, before the last rounding.
    fn weighted(call: &Call, normalised: f32, weight: f32) -> f32 {
        match call.rounding {
            Rounding::Once => normalised * weight,
            Rounding::BeforeWeight => call.y.dtype().round(normalised) * weight,
        }
    }
}

/// Validates the arguments and runs a variant on them.
///
/// # Safety
/// `args` points to a `tw_rms_norm_args` whose tensors hold what they say until the call returns.
pub unsafe fn run<Variant: RmsNorm>(args: *const c_void) -> TwStatus {
    // SAFETY: the caller's condition.
    let read = unsafe { Call::read(args) };
    match read.and_then(|call| call.means.suffice(Variant::scratch(&call)).map(|()| call)) {
        Ok(call) => {
            Variant::run(&call);
            TW_OK
        }
        Err(refusal) => refusal.status(),
    }
}

/// Bytes of scratch that a variant needs for a call; 0 where it refuses.
///
/// # Safety
/// As [`run`].
pub unsafe fn scratch_size<Variant: RmsNorm>(args: *const c_void) -> usize {
    // SAFETY: the caller's condition.
    unsafe { Call::read(args) }.map_or(0, |call| Variant::scratch(&call))
}

/// A variant's promises.
pub const fn promises<Variant: RmsNorm>() -> u32 {
    Variant::PROMISES
}

/// A variant's numerics class.
pub const fn numerics<Variant: RmsNorm>() -> u32 {
    Variant::NUMERICS
}
