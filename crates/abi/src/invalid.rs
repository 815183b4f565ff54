//! Why a call is refused: the argument, the value that it had, and the rule that the value breaks.

use std::fmt;

use thiserror::Error;

use crate::c::DLDataType;

/// The most dimensions that any tensor of the interface has.
pub const MAX_DIMS: usize = 4;

/// A call that breaks the contract. Nothing was read but the arguments themselves, nothing written.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("{argument} = {value}: {rule}")]
pub struct Invalid {
    /// Name of the argument, as in `kernel-abi.h`.
    pub argument: &'static str,
    /// What the caller passed.
    pub value: Value,
    /// What it should have been.
    pub rule: Rule,
}

impl Invalid {
    /// The refusal of `argument`, which was `value`, by `rule`.
    pub fn new(argument: &'static str, value: impl Into<Value>, rule: Rule) -> Self {
        let value = value.into();
        Self {
            argument,
            value,
            rule,
        }
    }
}

/// The rules of the contract that a call can break. Operators share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rule {
    /// A required pointer is NULL.
    #[error("is required")]
    Missing,
    /// `struct_size` is below the struct's own.
    #[error("must be at least {0}, the size of the struct")]
    StructSize(usize),
    /// `threads` is 0.
    #[error("must be at least 1")]
    NoThreads,
    /// Scratch is smaller than `scratch_size` said.
    #[error("must be at least {0} bytes")]
    ScratchSize(u64),
    /// Scratch is not where it must be.
    #[error("must be a multiple of 64")]
    ScratchAddress,
    /// The tensor lives on another device.
    #[error("must be host memory, device {{1, 0}}")]
    Device,
    /// The number of dimensions.
    #[error("must have {0} dimensions")]
    Dimensions(usize),
    /// Shape or strides array is NULL though the tensor has dimensions.
    #[error("must have a shape")]
    NoShape,
    /// A negative size.
    #[error("sizes must not be negative")]
    NegativeSize,
    /// A negative stride.
    #[error("strides must not be negative")]
    NegativeStride,
    /// An element type that the interface does not know.
    #[error("must be f32, f16, bf16 or int32")]
    UnknownType,
    /// An integer where a number of the operator's storage types belongs.
    #[error("must be f32, f16 or bf16")]
    NotFloat,
    /// Elements without memory.
    #[error("has elements, so it needs memory")]
    NullData,
    /// The address is not a multiple of the element size.
    #[error("must be a multiple of the element size, {0} bytes")]
    Misaligned(usize),
    /// Another element type than the argument has to have.
    #[error("must be {0}")]
    OtherType(&'static str),
    /// Sizes and strides name bytes that no address reaches.
    #[error("names elements beyond the address space")]
    Unaddressable,
    /// Two shapes that should be one.
    #[error("must be the shape that {0} asks for")]
    ShapeDisagrees(&'static str),
    /// An output's strides name an element twice, or may.
    #[error("strides of an output must nest")]
    StridesDoNotNest,
    /// An output shares bytes with another tensor, in a way that the operator does not allow.
    #[error("must not overlap {0}")]
    Overlaps(&'static str),
    /// A size that must not be 0.
    #[error("must be at least 1")]
    Zero,
    /// Something optional is absent that another argument needs.
    #[error("is needed by {0}")]
    Needed(&'static str),
    /// A flag that is neither 0 nor 1.
    #[error("must be 0 or 1")]
    Flag,
    /// A parameter that is NaN or infinite.
    #[error("must be finite")]
    NotFinite,
    /// An epsilon outside its range.
    #[error("must be 0 or a normal f32 above 0")]
    Epsilon,
    /// A size that must be even.
    #[error("must be even")]
    Odd,
    /// A number above another argument.
    #[error("must be at most {0}")]
    Above(&'static str),
    /// A number below another argument.
    #[error("must be at least {0}")]
    Below(&'static str),
    /// A number below 0.
    #[error("must not be negative")]
    Negative,
    /// A factor of 0 or below.
    #[error("must be above 0")]
    NotPositive,
    /// A base of powers that is 1 or below.
    #[error("must be above 1")]
    NotAboveOne,
    /// A scaling that the interface does not know.
    #[error("must be 0 none, 1 linear, 2 llama3 or 3 yarn")]
    UnknownScaling,
    /// A position that the tables have no row for.
    #[error("must be below {0}, the rows of cos and sin")]
    OutsideTable(usize),
    /// A number that another argument does not divide.
    #[error("must be a multiple of {0}")]
    NotMultiple(&'static str),
    /// Blocks that together have room for more positions than 63 bits count.
    #[error("must have room for less than 2^63 positions")]
    TooManyPositions,
    /// A length that k and v have no room for.
    #[error("must be at most {0}, the positions of k and v")]
    OutsideCapacity(usize),
    /// A block number that k and v have no block for.
    #[error("must be below {0}, the blocks of k and v")]
    OutsideBlocks(usize),
}

/// A value as the caller passed it, kept without allocating.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A NULL pointer.
    Null,
    /// An integer argument.
    Integer(u64),
    /// An integer that may be negative.
    Signed(i64),
    /// A floating-point argument.
    Float(f64),
    /// An address.
    Address(usize),
    /// A number of dimensions.
    Dimensions(i32),
    /// Sizes.
    Shape(Dims),
    /// Strides, in elements.
    Strides(Dims),
    /// An element type.
    Type(DLDataType),
    /// A device, type and id.
    Device(i32, i32),
}

/// Up to [`MAX_DIMS`] sizes or strides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dims {
    values: [i64; MAX_DIMS],
    count: usize,
}

impl Dims {
    /// The first [`MAX_DIMS`] of `values`.
    pub fn new(values: &[i64]) -> Self {
        let count = values.len().min(MAX_DIMS);
        let mut dims = Self {
            values: [0; MAX_DIMS],
            count,
        };
        dims.values[..count].copy_from_slice(&values[..count]);
        dims
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => write!(f, "NULL"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Signed(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Address(address) => write!(f, "address {address:#x}"),
            Self::Dimensions(count) => write!(f, "{count} dimensions"),
            Self::Shape(dims) => write!(f, "shape {dims}"),
            Self::Strides(dims) => write!(f, "strides {dims}"),
            Self::Type(t) => write!(f, "type {{{}, {}, {}}}", t.code, t.bits, t.lanes),
            Self::Device(kind, id) => write!(f, "device {{{kind}, {id}}}"),
        }
    }
}

impl fmt::Display for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.values[..self.count]).finish()
    }
}
