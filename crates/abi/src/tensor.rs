//! A tensor of a call, checked: its elements can be addressed, one by one, without a second look.

use std::array;

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

    /// The type's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::I32 => "int32",
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

/// A checked view of host memory, of `D` dimensions.
///
/// Element `(i, j, ..)` lies `i * strides[0] + j * strides[1] + ..` elements behind `base`. Every such
/// address is aligned to the element and lies within the address space. The stride of a dimension of
/// size 0 or 1 is 0 here, whatever the caller passed, so that equal views compare equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tensor<const D: usize> {
    /// First element; may be NULL when there is none.
    pub base: *mut u8,
    /// Element type.
    pub dtype: Dtype,
    /// Sizes.
    pub shape: [usize; D],
    /// Strides in elements.
    pub strides: [usize; D],
    /// Bytes from the first of the lowest element to the last of the highest; 0 when empty.
    pub span: usize,
}

impl<const D: usize> Tensor<D> {
    /// Reads and checks the tensor that the caller passed as `name`.
    ///
    /// # Errors
    /// [`Invalid`] for a NULL or foreign tensor, a wrong number of dimensions, negative sizes or strides,
    /// an unknown type, and elements without memory, misaligned, or beyond the address space.
    ///
    /// # Safety
    /// `raw` is NULL or points to a `DLTensor` whose `shape` and `strides` are NULL or hold `ndim` values.
    #[inline(always)]
    pub unsafe fn read(name: &'static str, raw: *const DLTensor) -> Result<Self, Invalid> {
        const { assert!(D <= MAX_DIMS) };
        let refuse = |value, rule| Err(Invalid::new(name, value, rule));
        // SAFETY: NULL or a DLTensor, by this function's own condition.
        let Some(raw) = (unsafe { raw.as_ref() }) else {
            return refuse(Value::Null, Rule::Missing);
        };
        if usize::try_from(raw.ndim) != Ok(D) {
            return refuse(Value::Dimensions(raw.ndim), Rule::Dimensions(D));
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
        // SAFETY: NULL or as many sizes as dimensions, by this function's own condition.
        let Some(sizes) = (unsafe { raw.shape.cast::<[i64; D]>().as_ref() }) else {
            return refuse(Value::Null, Rule::NoShape);
        };
        if sizes.iter().any(|&size| size < 0) {
            return refuse(Value::Shape(Dims::new(sizes)), Rule::NegativeSize);
        }
        let shape = sizes.map(|size| size as usize);
        // SAFETY: NULL or as many strides as dimensions, by this function's own condition.
        let strides = match unsafe { raw.strides.cast::<[i64; D]>().as_ref() } {
            None => contiguous(&shape),
            Some(strides) => named(&shape, strides).ok_or_else(|| {
                Invalid::new(
                    name,
                    Value::Strides(Dims::new(strides)),
                    Rule::NegativeStride,
                )
            })?,
        };
        let mut tensor = Self {
            base: raw.data.cast(),
            dtype,
            shape,
            strides,
            span: 0,
        };
        if tensor.is_empty() {
            return Ok(tensor);
        }
        if tensor.base.is_null() {
            return refuse(Value::Null, Rule::NullData);
        }
        tensor.base = tensor.base.wrapping_add(raw.byte_offset as usize);
        let start = tensor.base.addr();
        let size = dtype.size();
        match checked_span(&shape, &strides, size) {
            Some(span) if is_addressable(raw.data.addr(), raw.byte_offset, span) => {
                tensor.span = span
            }
            _ => return refuse(Value::Address(start), Rule::Unaddressable),
        }
        if !start.is_multiple_of(size) {
            return refuse(Value::Address(start), Rule::Misaligned(size));
        }
        Ok(tensor)
    }

    /// Whether it names no element.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// Refuses integers.
    ///
    /// # Errors
    /// [`Rule::NotFloat`].
    #[inline]
    pub fn require_float(&self, name: &'static str) -> Result<(), Invalid> {
        match self.dtype {
            Dtype::I32 => {
                let value = Value::Type(self.dtype.to_dlpack());
                Err(Invalid::new(name, value, Rule::NotFloat))
            }
            _ => Ok(()),
        }
    }

    /// Refuses another type.
    ///
    /// # Errors
    /// [`Rule::OtherType`].
    #[inline]
    pub fn require_type(&self, name: &'static str, dtype: Dtype) -> Result<(), Invalid> {
        if self.dtype == dtype {
            return Ok(());
        }
        let value = Value::Type(self.dtype.to_dlpack());
        Err(Invalid::new(name, value, Rule::OtherType(dtype.name())))
    }

    /// Refuses a shape other than the one that `whose` asks for.
    ///
    /// # Errors
    /// [`Rule::ShapeDisagrees`].
    #[inline]
    pub fn require_shape(
        &self,
        name: &'static str,
        shape: [usize; D],
        whose: &'static str,
    ) -> Result<(), Invalid> {
        if self.shape == shape {
            return Ok(());
        }
        let value = Value::Shape(Dims::new(&self.shape.map(|size| size as i64)));
        Err(Invalid::new(name, value, Rule::ShapeDisagrees(whose)))
    }

    /// Refuses strides that do not nest: over the dimensions of size above 1 in ascending order of stride,
    /// each stride must exceed the sum of (size - 1) * stride of the smaller ones. An output needs it, so
    /// that each element has an address of its own.
    ///
    /// # Errors
    /// [`Rule::StridesDoNotNest`].
    #[inline]
    pub fn require_nested(&self, name: &'static str) -> Result<(), Invalid> {
        let mut axes: [_; D] = array::from_fn(|axis| (self.strides[axis], self.shape[axis]));
        // Row-major tensors are in order as they are, from the last dimension to the first.
        axes.reverse();
        if nest(&axes) {
            return Ok(());
        }
        axes.sort_unstable();
        if nest(&axes) {
            return Ok(());
        }
        let value = Value::Strides(Dims::new(&self.strides.map(|stride| stride as i64)));
        Err(Invalid::new(name, value, Rule::StridesDoNotNest))
    }
}

/// Row-major strides. They saturate: what they name is then refused as beyond the address space, or empty.
#[inline]
fn contiguous<const D: usize>(shape: &[usize; D]) -> [usize; D] {
    let mut strides = [0; D];
    let mut stride = 1usize;
    for axis in (0..D).rev() {
        if shape[axis] > 1 {
            strides[axis] = stride;
            stride = stride.saturating_mul(shape[axis]);
        }
    }
    strides
}

/// Strides as the caller named them, those of size-1 dimensions ignored; `None` when one is negative.
#[inline]
fn named<const D: usize>(shape: &[usize; D], raw: &[i64; D]) -> Option<[usize; D]> {
    let mut strides = [0; D];
    for axis in 0..D {
        match (shape[axis], usize::try_from(raw[axis])) {
            (1, _) => {}
            (_, Err(_)) => return None,
            (0, Ok(_)) => {}
            (_, Ok(stride)) => strides[axis] = stride,
        }
    }
    Some(strides)
}

/// Bytes from the first of the lowest element to the last of the highest, of a tensor that has elements;
/// `None` when they do not fit 64 bits.
#[inline]
fn checked_span<const D: usize>(
    shape: &[usize; D],
    strides: &[usize; D],
    element: usize,
) -> Option<usize> {
    let mut last = 0usize;
    for axis in 0..D {
        last = last.checked_add((shape[axis] - 1).checked_mul(strides[axis])?)?;
    }
    last.checked_add(1)?.checked_mul(element)
}

/// Whether `span` bytes behind an offset behind an address are addresses.
#[inline]
fn is_addressable(data: usize, byte_offset: u64, span: usize) -> bool {
    let end = || {
        data.checked_add(usize::try_from(byte_offset).ok()?)?
            .checked_add(span)
    };
    end().is_some_and(|end| end <= isize::MAX as usize)
}

/// Whether each stride of (stride, size) exceeds the reach of those before it.
#[inline]
fn nest(axes: &[(usize, usize)]) -> bool {
    let mut reach = 0usize;
    for &(stride, size) in axes.iter().filter(|(_, size)| *size > 1) {
        if stride <= reach {
            return false;
        }
        reach = reach.saturating_add((size - 1).saturating_mul(stride));
    }
    true
}
