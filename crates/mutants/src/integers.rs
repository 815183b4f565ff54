//! Tensors of int32: lengths, block numbers, positions.

use tierwise_abi::c::{DLDataType, DLTensor};

use crate::tensor::{Refusal, Tensor};

const INT32: (u8, u8, u16) = (0, 32, 1);
/// What has the size and the alignment of an int32.
const FLOAT32: DLDataType = DLDataType {
    code: 2,
    bits: 32,
    lanes: 1,
};

/// A view of int32 elements with `D` dimensions.
#[derive(Clone, Copy, Debug)]
pub struct Integers<const D: usize> {
    /// The same view of the same memory as f32: for where its elements lie, not for what they hold.
    pub place: Tensor<D>,
}

impl<const D: usize> Integers<D> {
    /// Reads a tensor that may be absent.
    ///
    /// # Safety
    /// As [`Tensor::read`], or NULL.
    pub unsafe fn read_optional(raw: *const DLTensor) -> Result<Option<Self>, Refusal> {
        // SAFETY: the caller's condition.
        let Some(raw) = (unsafe { raw.as_ref() }) else {
            return Ok(None);
        };
        let dtype = (raw.dtype.code, raw.dtype.bits, raw.dtype.lanes);
        Refusal::Invalid.unless(dtype == INT32)?;
        let place = DLTensor {
            dtype: FLOAT32,
            ..*raw
        };
        // SAFETY: the caller's condition: the memory is the same.
        let place = unsafe { Tensor::read(&place) }?;
        Ok(Some(Self { place }))
    }

    /// Sizes.
    pub fn shape(&self) -> [usize; D] {
        self.place.shape()
    }

    /// The element at `index`.
    pub fn get(&self, index: [usize; D]) -> i32 {
        assert!((0..D).all(|d| index[d] < self.shape()[d]));
        // SAFETY: an element that the tensor names is readable and aligned.
        unsafe { self.place.address(index).cast::<i32>().read() }
    }
}
