//! A tensor of a call, checked: its elements can be addressed, one by one, without a second look.

use std::slice;

use crate::c::{DLDataType, DLDevice, DLTensor};
use crate::invalid::{Dims, Invalid, MAX_DIMS, Rule, Value};

/// The element types that cross the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// IEEE binary32.
    F32,
    /// IEEE binary16.
    F16,
    /// The upper half of a binary32.
    Bf16,
    /// Two's complement, 32 bits.
    I32,
}

impl Dtype {
    /// Bytes in one element.
    pub const fn size(self) -> usize {
        match self {
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    /// The type that a DLPack triple names; `None` when the interface has no such type.
    pub const fn from_dlpack(t: DLDataType) -> Option<Self> {
        match (t.code, t.bits, t.lanes) {
            (2, 32, 1) => Some(Self::F32),
            (2, 16, 1) => Some(Self::F16),
            (4, 16, 1) => Some(Self::Bf16),
            (0, 32, 1) => Some(Self::I32),
            _ => None,
        }
    }

    /// The DLPack triple of this type.
    pub const fn to_dlpack(self) -> DLDataType {
        let (code, bits) = match self {
            Self::F32 => (2, 32),
            Self::F16 => (2, 16),
            Self::Bf16 => (4, 16),
            Self::I32 => (0, 32),
        };
        DLDataType {
            code,
            bits,
            lanes: 1,
        }
    }
}

/// A checked view of host memory.
///
/// Element `(i, j, ..)` lies `i * strides[0] + j * strides[1] + ..` elements behind `base`. Every such
/// address is aligned to the element and lies within the address space. The stride of a dimension of
/// size 0 or 1 is 0 here, whatever the caller passed, so that equal views compare equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// First element; may be NULL when there is none.
    pub base: *mut u8,
    /// Element type.
    pub dtype: Dtype,
    ndim: usize,
    shape: [usize; MAX_DIMS],
    strides: [usize; MAX_DIMS],
}

impl Tensor {
    /// Reads and checks the tensor that the caller passed as `name`, which must have `ndim` dimensions.
    ///
    /// # Errors
    /// [`Invalid`] for a NULL or foreign tensor, a wrong number of dimensions, negative sizes or strides,
    /// an unknown type, and elements without memory, misaligned, or beyond the address space.
    ///
    /// # Safety
    /// `raw` is NULL or points to a `DLTensor` whose `shape` and `strides` are NULL or hold `ndim` values.
    pub unsafe fn read(
        name: &'static str,
        raw: *const DLTensor,
        ndim: usize,
    ) -> Result<Self, Invalid> {
        debug_assert!(ndim <= MAX_DIMS);
        let refuse = |value, rule| Err(Invalid::new(name, value, rule));
        // SAFETY: NULL or a DLTensor, by this function's own condition.
        let Some(raw) = (unsafe { raw.as_ref() }) else {
            return refuse(Value::Null, Rule::Missing);
        };
        if raw.ndim < 0 || raw.ndim as usize != ndim {
            return refuse(Value::Dimensions(raw.ndim), Rule::Dimensions(ndim));
        }
        let DLDevice {
            device_type,
            device_id,
        } = raw.device;
        if (device_type, device_id) != (1, 0) {
            return refuse(Value::Device(device_type, device_id), Rule::Device);
        }
        let Some(dtype) = Dtype::from_dlpack(raw.dtype) else {
            return refuse(Value::Type(raw.dtype), Rule::UnknownType);
        };
        if raw.shape.is_null() {
            return refuse(Value::Null, Rule::NoShape);
        }
        // SAFETY: not NULL, so it holds `ndim` sizes, by this function's own condition.
        let sizes = unsafe { slice::from_raw_parts(raw.shape, ndim) };
        if sizes.iter().any(|&size| size < 0) {
            return refuse(Value::Shape(Dims::new(sizes)), Rule::NegativeSize);
        }
        let mut shape = [1; MAX_DIMS];
        for (to, &size) in shape.iter_mut().zip(sizes) {
            *to = size as usize;
        }
        let mut tensor = Self {
            base: raw.data.cast(),
            dtype,
            ndim,
            shape,
            strides: [0; MAX_DIMS],
        };
        if raw.strides.is_null() {
            tensor.set_contiguous();
        } else {
            // SAFETY: not NULL, so it holds `ndim` strides, by this function's own condition.
            let strides = unsafe { slice::from_raw_parts(raw.strides, ndim) };
            for (axis, &stride) in strides.iter().enumerate() {
                if shape[axis] == 1 {
                    continue;
                }
                if stride < 0 {
                    return refuse(Value::Strides(Dims::new(strides)), Rule::NegativeStride);
                }
                if shape[axis] > 1 {
                    tensor.strides[axis] = stride as usize;
                }
            }
        }
        tensor.locate(name, raw.byte_offset)?;
        Ok(tensor)
    }

    /// Row-major strides. They saturate: what they name is then refused as beyond the address space, or
    /// is empty.
    fn set_contiguous(&mut self) {
        let mut stride = 1usize;
        for axis in (0..self.ndim).rev() {
            if self.shape[axis] > 1 {
                self.strides[axis] = stride;
                stride = stride.saturating_mul(self.shape[axis]);
            }
        }
    }

    /// Adds the byte offset to the base, and checks that every element lies in memory and on its alignment.
    fn locate(&mut self, name: &'static str, byte_offset: u64) -> Result<(), Invalid> {
        if self.is_empty() {
            return Ok(());
        }
        if self.base.is_null() {
            return Err(Invalid::new(name, Value::Null, Rule::NullData));
        }
        let beyond = Invalid::new(name, Value::Address(self.base.addr()), Rule::Unaddressable);
        let span = self.checked_span().ok_or(beyond)?;
        let offset = usize::try_from(byte_offset).map_err(|_| beyond)?;
        let start = self.base.addr().checked_add(offset).ok_or(beyond)?;
        let end = start.checked_add(span).ok_or(beyond)?;
        if end > isize::MAX as usize {
            return Err(beyond);
        }
        let size = self.dtype.size();
        if !start.is_multiple_of(size) {
            return Err(Invalid::new(
                name,
                Value::Address(start),
                Rule::Misaligned(size),
            ));
        }
        self.base = self.base.wrapping_add(offset);
        Ok(())
    }

    /// Bytes from the first of the lowest element to the last of the highest; `None` when they do not fit
    /// 64 bits.
    fn checked_span(&self) -> Option<usize> {
        let mut last = 0usize;
        for (&size, &stride) in self.shape().iter().zip(self.strides()) {
            last = last.checked_add((size - 1).checked_mul(stride)?)?;
        }
        last.checked_add(1)?.checked_mul(self.dtype.size())
    }

    /// Sizes.
    pub fn shape(&self) -> &[usize] {
        &self.shape[..self.ndim]
    }

    /// Strides in elements; 0 where the size is 0 or 1.
    pub fn strides(&self) -> &[usize] {
        &self.strides[..self.ndim]
    }

    /// Whether it names no element.
    pub fn is_empty(&self) -> bool {
        self.shape().contains(&0)
    }

    /// Bytes from the first of the lowest element to the last of the highest; 0 when empty.
    pub fn span(&self) -> usize {
        if self.is_empty() {
            return 0;
        }
        self.checked_span().unwrap_or(usize::MAX)
    }

    /// Refuses integers.
    ///
    /// # Errors
    /// [`Rule::NotFloat`].
    pub fn require_float(&self, name: &'static str) -> Result<(), Invalid> {
        match self.dtype {
            Dtype::I32 => {
                let value = Value::Type(self.dtype.to_dlpack());
                Err(Invalid::new(name, value, Rule::NotFloat))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a shape other than the one that `whose` asks for.
    ///
    /// # Errors
    /// [`Rule::ShapeDisagrees`].
    pub fn require_shape(
        &self,
        name: &'static str,
        shape: &[usize],
        whose: &'static str,
    ) -> Result<(), Invalid> {
        if self.shape() == shape {
            return Ok(());
        }
        let value = Value::Shape(self.dims(&self.shape));
        Err(Invalid::new(name, value, Rule::ShapeDisagrees(whose)))
    }

    /// Refuses strides that do not nest: over the dimensions of size above 1 in ascending order of stride,
    /// each stride must exceed the sum of (size - 1) * stride of the smaller ones. An output needs it, so
    /// that each element has an address of its own.
    ///
    /// # Errors
    /// [`Rule::StridesDoNotNest`].
    pub fn require_nested(&self, name: &'static str) -> Result<(), Invalid> {
        let mut axes = [(0usize, 0usize); MAX_DIMS];
        let axes = &mut axes[..self.ndim];
        for (axis, to) in axes.iter_mut().enumerate() {
            *to = (self.strides[axis], self.shape[axis]);
        }
        axes.sort_unstable();
        let mut reach = 0usize;
        for &(stride, size) in axes.iter().filter(|(_, size)| *size > 1) {
            if stride <= reach {
                let value = Value::Strides(self.dims(&self.strides));
                return Err(Invalid::new(name, value, Rule::StridesDoNotNest));
            }
            reach = reach.saturating_add((size - 1).saturating_mul(stride));
        }
        Ok(())
    }

    fn dims(&self, values: &[usize; MAX_DIMS]) -> Dims {
        Dims::new(&values.map(|value| value as i64)[..self.ndim])
    }
}
