//! What every operator's arguments have in common: the head of the struct, and optional parts.

use std::ffi::c_void;
use std::mem::size_of;

use crate::c::{DLTensor, TwCall};
use crate::invalid::{Invalid, Rule, Value};
use crate::tensor::Tensor;

/// An args struct of `kernel-abi.h`.
///
/// # Safety
/// The type is `repr(C)` and begins with a [`TwCall`].
pub unsafe trait Args {}

/// Checks the head of an args struct, and that all of the struct is there.
///
/// # Errors
/// [`Invalid`] for NULL, a `struct_size` below the struct's, and no threads.
///
/// # Safety
/// `args` is NULL or points to `struct_size` readable bytes that begin with a [`TwCall`].
pub unsafe fn read<'a, A: Args>(args: *const c_void) -> Result<&'a A, Invalid> {
    if args.is_null() {
        return Err(Invalid::new("args", Value::Null, Rule::Missing));
    }
    // SAFETY: every args struct begins with its size.
    let struct_size = unsafe { args.cast::<u32>().read() };
    if (struct_size as usize) < size_of::<A>() {
        let rule = Rule::StructSize(size_of::<A>());
        return Err(Invalid::new("struct_size", u64::from(struct_size), rule));
    }
    // SAFETY: the struct is all there, and begins with a TwCall by the condition of `Args`.
    let call = unsafe { &*args.cast::<TwCall>() };
    if call.threads == 0 {
        return Err(Invalid::new("threads", 0u64, Rule::NoThreads));
    }
    // SAFETY: the struct is all there.
    Ok(unsafe { &*args.cast::<A>() })
}

impl TwCall {
    /// Refuses scratch that is smaller than `bytes` or not 64-byte aligned. Needing none accepts anything.
    ///
    /// # Errors
    /// [`Invalid`] for `scratch` and `scratch_bytes`.
    pub fn require_scratch(&self, bytes: u64) -> Result<(), Invalid> {
        if bytes == 0 {
            return Ok(());
        }
        if self.scratch_bytes < bytes {
            let rule = Rule::ScratchSize(bytes);
            return Err(Invalid::new("scratch_bytes", self.scratch_bytes, rule));
        }
        if self.scratch.is_null() {
            return Err(Invalid::new("scratch", Value::Null, Rule::Missing));
        }
        let address = self.scratch.addr();
        if !address.is_multiple_of(64) {
            let value = Value::Address(address);
            return Err(Invalid::new("scratch", value, Rule::ScratchAddress));
        }
        Ok(())
    }
}

/// Reads a tensor that may be absent.
///
/// # Errors
/// As [`Tensor::read`], but for NULL.
///
/// # Safety
/// As [`Tensor::read`].
#[inline(always)]
pub unsafe fn optional<const D: usize>(
    name: &'static str,
    raw: *const DLTensor,
) -> Result<Option<Tensor<D>>, Invalid> {
    if raw.is_null() {
        return Ok(None);
    }
    // SAFETY: the same condition.
    unsafe { Tensor::read(name, raw) }.map(Some)
}

/// Reads a flag.
///
/// # Errors
/// [`Rule::Flag`] for anything but 0 and 1.
pub fn flag(name: &'static str, value: u32) -> Result<bool, Invalid> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Invalid::new(name, u64::from(value), Rule::Flag)),
    }
}

/// Refuses NaN and infinities.
///
/// # Errors
/// [`Rule::NotFinite`].
pub fn finite(name: &'static str, value: f64) -> Result<f64, Invalid> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(Invalid::new(name, value, Rule::NotFinite))
    }
}
