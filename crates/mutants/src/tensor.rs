//! Tensors of a call, validated: what the arguments of every operator are made of.

use std::ffi::c_void;
use std::slice;

use tierwise_abi::c::{DLTensor, TW_INVALID, TW_UNSUPPORTED, TwCall, TwStatus};

use crate::float::Float;

/// Why a call is not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It breaks the contract.
    Invalid,
    /// It is legal, and not implemented here.
    Unsupported,
}

impl Refusal {
    /// The word of the interface.
    pub fn status(self) -> TwStatus {
        match self {
            Self::Invalid => TW_INVALID,
            Self::Unsupported => TW_UNSUPPORTED,
        }
    }

    /// `Ok` where `holds`.
    pub fn unless(self, holds: bool) -> Result<(), Self> {
        if holds { Ok(()) } else { Err(self) }
    }
}

/// The args struct of an operator, once its head is seen to be in order.
///
/// # Safety
/// `A` is an args struct of `kernel-abi.h`; `args` points to `struct_size` readable bytes that begin with a
/// `tw_call`, and outlive the result.
pub unsafe fn arguments<'a, A>(args: *const c_void) -> Result<&'a A, Refusal> {
    // SAFETY: every args struct begins with a tw_call.
    let call = unsafe { &*args.cast::<TwCall>() };
    Refusal::Invalid.unless(call.struct_size as usize >= size_of::<A>() && call.threads > 0)?;
    // SAFETY: the struct is there in full, as its size says.
    Ok(unsafe { &*args.cast::<A>() })
}

/// A view of memory with `D` dimensions.
///
/// Every element lies at an address that 64 bits hold and that is a multiple of its size. Strides of
/// dimensions of size 0 or 1 are 0, so two equal values name the same elements in the same places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tensor<const D: usize> {
    base: *mut u8,
    dtype: Float,
    shape: [usize; D],
    strides: [usize; D],
}

impl<const D: usize> Tensor<D> {
    /// Reads a tensor that may be absent.
    ///
    /// # Safety
    /// As [`Tensor::read`], or NULL.
    pub unsafe fn read_optional(raw: *const DLTensor) -> Result<Option<Self>, Refusal> {
        if raw.is_null() {
            return Ok(None);
        }
        // SAFETY: not NULL, so the caller's condition is the same.
        unsafe { Self::read(raw) }.map(Some)
    }

    /// Reads a tensor.
    ///
    /// # Safety
    /// `raw` is NULL or a `DLTensor` with `ndim` sizes and, unless NULL, strides, that names memory which is
    /// readable, and writable for an output, for as long as the value is used.
    pub unsafe fn read(raw: *const DLTensor) -> Result<Self, Refusal> {
        // SAFETY: the caller's condition.
        let raw = unsafe { raw.as_ref() }.ok_or(Refusal::Invalid)?;
        Refusal::Invalid.unless(raw.ndim as usize == D && !raw.shape.is_null())?;
        // SAFETY: there are `ndim` sizes.
        let shape = sizes(unsafe { slice::from_raw_parts(raw.shape, D) })?;
        let mut strides = if raw.strides.is_null() {
            contiguous(&shape)
        } else {
            // SAFETY: there are `ndim` strides.
            let strides: &[i64; D] = unsafe { &*raw.strides.cast() };
            // Where the size is 1 anything goes, negative strides too.
            sizes(&std::array::from_fn::<_, D, _>(|d| {
                if shape[d] > 1 { strides[d] } else { 0 }
            }))?
        };
        for d in 0..D {
            if shape[d] <= 1 {
                strides[d] = 0;
            }
        }
        let tensor = Self {
            base: raw.data.cast::<u8>().wrapping_add(raw.byte_offset as usize),
            dtype: Float::from_dlpack(raw.dtype).ok_or(Refusal::Invalid)?,
            shape,
            strides,
        };
        let addressable = tensor.is_empty()
            || !raw.data.is_null()
                && tensor.base.addr().is_multiple_of(tensor.dtype.size())
                && tensor.checked_end().is_some();
        Refusal::Invalid.unless(addressable)?;
        Ok(tensor)
    }

    /// Element type.
    pub fn dtype(&self) -> Float {
        self.dtype
    }

    /// Sizes.
    pub fn shape(&self) -> [usize; D] {
        self.shape
    }

    /// Strides, in elements; 0 where the size is 0 or 1.
    pub fn strides(&self) -> [usize; D] {
        self.strides
    }

    /// The tensor that its memory would hold with other strides: what a kernel sees that goes by others than
    /// it was given.
    pub fn with_strides(mut self, strides: [usize; D]) -> Self {
        self.strides = strides;
        self
    }

    /// Whether it has no element.
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// Where the element at `index` lies, or would.
    pub fn address(&self, index: [usize; D]) -> *mut u8 {
        let offset: usize = (0..D).map(|d| index[d] * self.strides[d]).sum();
        self.base.wrapping_add(offset * self.dtype.size())
    }

    /// Where the element after the last one would lie, were the innermost dimension one longer and dense.
    pub fn behind(&self) -> *mut u8 {
        self.address(self.shape.map(|size| size - 1))
            .wrapping_add(self.dtype.size())
    }

    /// The element at `index`.
    pub fn get(&self, index: [usize; D]) -> f32 {
        assert!((0..D).all(|d| index[d] < self.shape[d]));
        // SAFETY: an element that the tensor names is readable and aligned.
        unsafe { self.dtype.load(self.address(index)) }
    }

    /// The element at `index`, wherever that leads: for planted bugs that leave their memory.
    pub fn peek(&self, index: [usize; D]) -> f32 {
        self.peek_at((0..D).map(|d| index[d] * self.strides[d]).sum())
    }

    /// The same, by the elements between it and the first.
    pub fn peek_at(&self, offset: usize) -> f32 {
        let address = self
            .base
            .wrapping_add(offset.wrapping_mul(self.dtype.size()));
        // SAFETY: none, this is the bug. Volatile, so the load happens.
        unsafe {
            match self.dtype {
                Float::F32 => f32::from_bits(address.cast::<u32>().read_volatile()),
                dtype => {
                    let bits = address.cast::<u16>().read_volatile();
                    dtype.load((&raw const bits).cast())
                }
            }
        }
    }

    /// Writes the element at `index`, rounded once to the tensor's type.
    pub fn set(&self, index: [usize; D], value: f32) {
        assert!((0..D).all(|d| index[d] < self.shape[d]));
        // SAFETY: an element that an output names is writable and aligned.
        unsafe { self.dtype.store(self.address(index), value) }
    }

    /// Copies the element at `index` from one of the same shape and type, bit for bit.
    pub fn copy(&self, from: &Self, index: [usize; D]) {
        assert!((0..D).all(|d| index[d] < self.shape[d] && index[d] < from.shape[d]));
        // SAFETY: both tensors name the element, it is readable there and writable here. It may be the same.
        unsafe { std::ptr::copy(from.address(index), self.address(index), self.dtype.size()) }
    }

    /// Whether the strides nest: in ascending order each exceeds all that the smaller ones span.
    pub fn nests(&self) -> bool {
        let mut axes = self.axes();
        axes.reverse();
        let mut span = 0_usize;
        axes.iter().all(|&(stride, size)| {
            let nested = stride > span;
            span = span.saturating_add(stride.saturating_mul(size - 1));
            nested
        })
    }

    /// Whether an element of this tensor, whose strides nest, shares a byte with one of `other`.
    pub fn overlaps<const E: usize>(&self, other: &Tensor<E>) -> bool {
        let apart = self.is_empty()
            || other.is_empty()
            || self.end() <= other.base.addr()
            || other.end() <= self.base.addr();
        if apart {
            return false;
        }
        let axes = self.axes();
        // All addresses are multiples of the smaller of the two sizes.
        let step = self.dtype.size().min(other.dtype.size());
        other.any_offset(|offset| {
            let address = other.base.addr() + offset * other.dtype.size();
            let mut bytes = (address..address + other.dtype.size()).step_by(step);
            bytes.any(|byte| self.holds(byte, &axes))
        })
    }

    /// Whether the byte at `address` belongs to an element of this tensor, whose axes nest.
    fn holds(&self, address: usize, axes: &[(usize, usize)]) -> bool {
        let Some(bytes) = address.checked_sub(self.base.addr()) else {
            return false;
        };
        let offset = bytes / self.dtype.size();
        let rest = axes.iter().fold(offset, |rest, &(stride, size)| {
            rest - (rest / stride).min(size - 1) * stride
        });
        rest == 0
    }

    /// Whether `is` holds for the offset of any element from the first. What stride 0 repeats is asked once.
    fn any_offset(&self, mut is: impl FnMut(usize) -> bool) -> bool {
        fn any(at: usize, axes: &[(usize, usize)], is: &mut impl FnMut(usize) -> bool) -> bool {
            match axes {
                [] | [(0, _), ..] => is(at),
                [(stride, size), inner @ ..] => (0..*size).any(|i| any(at + i * stride, inner, is)),
            }
        }
        any(0, &self.axes(), &mut is)
    }

    /// (stride, size) of the dimensions of size > 1, the largest stride first.
    fn axes(&self) -> Vec<(usize, usize)> {
        let all = self.strides.into_iter().zip(self.shape);
        let mut axes: Vec<_> = all.filter(|&(_, size)| size > 1).collect();
        axes.sort_unstable_by(|a, b| b.cmp(a));
        axes
    }

    /// The address after the last byte of the last element.
    fn end(&self) -> usize {
        self.behind().addr()
    }

    /// The same, where 64 bits hold it.
    fn checked_end(&self) -> Option<usize> {
        let mut elements = 1_usize;
        for (stride, size) in self.axes() {
            elements = elements.checked_add(stride.checked_mul(size - 1)?)?;
        }
        self.base
            .addr()
            .checked_add(elements.checked_mul(self.dtype.size())?)
    }
}

impl Tensor<1> {
    /// So many rows that are all this one.
    pub fn repeated(&self, rows: usize) -> Tensor<2> {
        Tensor {
            base: self.base,
            dtype: self.dtype,
            shape: [rows, self.shape[0]],
            strides: [0, self.strides[0]],
        }
    }
}

/// Sizes or strides, none of them negative.
fn sizes<const D: usize>(raw: &[i64]) -> Result<[usize; D], Refusal> {
    Refusal::Invalid.unless(raw.iter().all(|&size| size >= 0))?;
    Ok(std::array::from_fn(|d| raw[d] as usize))
}

/// Row-major strides; a size of 0 counts as 1, so that those of an empty output nest too. They saturate where they mean nothing: the end is out of reach as well then.
fn contiguous<const D: usize>(shape: &[usize; D]) -> [usize; D] {
    let inner = |d: usize| shape[d + 1..].iter();
    std::array::from_fn(|d| {
        inner(d).fold(1, |product: usize, &size| {
            product.saturating_mul(size.max(1))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// All small tensors of two dimensions, at a few places of a small buffer.
    fn small_tensors(dtype: Float, buffer: *mut u8) -> Vec<Tensor<2>> {
        let mut tensors = vec![];
        for code in 0..4 * 3 * 3 * 5 * 5 {
            let digits = [4, 3, 3, 5, 5].iter().scan(code, |rest, base| {
                let digit = *rest % base;
                *rest /= base;
                Some(digit)
            });
            let [at, rows, n, row, column] = digits.collect::<Vec<_>>().try_into().unwrap();
            tensors.push(Tensor {
                base: buffer.wrapping_add(at * dtype.size()),
                dtype,
                shape: [rows, n],
                strides: [
                    if rows > 1 { row } else { 0 },
                    if n > 1 { column } else { 0 },
                ],
            });
        }
        tensors
    }

    fn indices(tensor: &Tensor<2>) -> impl Iterator<Item = [usize; 2]> {
        let [rows, n] = tensor.shape;
        (0..rows).flat_map(move |i| (0..n).map(move |j| [i, j]))
    }

    fn bytes(tensor: &Tensor<2>) -> HashSet<usize> {
        let elements = indices(tensor).map(|index| tensor.address(index).addr());
        elements
            .flat_map(|at| at..at + tensor.dtype.size())
            .collect()
    }

    #[test]
    fn overlap_is_a_byte_in_common() {
        let mut buffer = [0_u64; 8];
        let wide = small_tensors(Float::F32, buffer.as_mut_ptr().cast());
        let narrow = small_tensors(Float::F16, buffer.as_mut_ptr().cast());
        for outputs in [&wide, &narrow] {
            for output in outputs.iter().filter(|output| output.nests()).step_by(7) {
                let written = bytes(output);
                assert_eq!(written.len(), indices(output).count() * output.dtype.size());
                for other in wide.iter().chain(&narrow).step_by(5) {
                    let shared = !written.is_disjoint(&bytes(other));
                    assert_eq!(output.overlaps(other), shared, "{output:?}, {other:?}");
                }
            }
        }
    }
}
