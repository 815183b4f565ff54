//! Test tensors: a layout, and the guarded buffer that it lies in.

use std::cmp::Ordering;

use half::{bf16, f16};
use tierwise_abi::c::{DLDevice, DLTensor};
use tierwise_abi::tensor::Dtype;

use super::{Edge, Guarded};

/// Sizes, and strides in elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    pub shape: Vec<i64>,
    pub strides: Vec<i64>,
}

impl Layout {
    pub fn dense(shape: &[i64]) -> Self {
        let mut strides = vec![1; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis].max(1);
        }
        Self {
            shape: shape.to_vec(),
            strides,
        }
    }

    pub fn strided(shape: &[i64], strides: &[i64]) -> Self {
        Self {
            shape: shape.to_vec(),
            strides: strides.to_vec(),
        }
    }

    /// Offsets of all elements, row-major.
    pub fn offsets(&self) -> Vec<usize> {
        let mut offsets = vec![0];
        for (&size, &stride) in self.shape.iter().zip(&self.strides) {
            let step = |offset: usize| (0..size).map(move |i| offset + (i * stride) as usize);
            offsets = offsets.into_iter().flat_map(step).collect();
        }
        offsets
    }

    /// Elements from the lowest to the highest.
    pub fn reach(&self) -> usize {
        self.offsets().into_iter().max().map_or(0, |last| last + 1)
    }
}

/// A tensor in a buffer of its own, whose gaps hold a pattern that must stay.
pub struct Buffer {
    pub dtype: Dtype,
    pub layout: Layout,
    memory: Guarded,
    shift: usize,
}

/// What every byte holds before: a NaN in every type.
const POISON: u8 = 0xff;

impl Buffer {
    /// Memory that lies `shift` elements away from the guarded edge.
    pub fn new(dtype: Dtype, layout: Layout, edge: Edge, shift: usize) -> Self {
        let bytes = (layout.reach() + shift) * dtype.size();
        let mut memory = Guarded::new(bytes, edge);
        memory.bytes_mut().fill(POISON);
        let shift = if edge == Edge::Start { shift } else { 0 };
        Self {
            dtype,
            layout,
            memory,
            shift,
        }
    }

    /// Holds `values`, rounded, row-major.
    pub fn fill(mut self, values: &[f64]) -> Self {
        let bits: Vec<_> = values
            .iter()
            .map(|&value| encode(self.dtype, value))
            .collect();
        self.set_bits(&bits);
        self
    }

    /// Sets the elements as stored, row-major.
    pub fn set_bits(&mut self, bits: &[u32]) {
        let size = self.dtype.size();
        for (offset, &bits) in self.layout.offsets().into_iter().zip(bits) {
            let at = (self.shift + offset) * size;
            self.memory.bytes_mut()[at..at + size].copy_from_slice(&bits.to_le_bytes()[..size]);
        }
    }

    /// The elements, exactly, row-major.
    pub fn values(&self) -> Vec<f64> {
        self.bits()
            .into_iter()
            .map(|bits| decode(self.dtype, bits))
            .collect()
    }

    /// The elements as stored, every NaN as one, row-major.
    pub fn bits(&self) -> Vec<u32> {
        let one_nan = |bits| match decode(self.dtype, bits).is_nan() {
            true => u32::MAX,
            false => bits,
        };
        self.raw_bits().into_iter().map(one_nan).collect()
    }

    /// The elements as stored, row-major.
    pub fn raw_bits(&self) -> Vec<u32> {
        let size = self.dtype.size();
        let read = |offset: usize| {
            let mut bits = [0; 4];
            let at = (self.shift + offset) * size;
            bits[..size].copy_from_slice(&self.memory.bytes()[at..at + size]);
            u32::from_le_bytes(bits)
        };
        self.layout.offsets().into_iter().map(read).collect()
    }

    /// Every byte of the memory.
    pub fn bytes(&self) -> Vec<u8> {
        self.memory.bytes().to_vec()
    }

    /// Whether all bytes that belong to no element hold what they held before anything was written.
    pub fn gaps_are_intact(&self) -> bool {
        let size = self.dtype.size();
        let mut bytes = self.bytes();
        for offset in self.layout.offsets() {
            let at = (self.shift + offset) * size;
            bytes[at..at + size].fill(POISON);
        }
        bytes.iter().all(|&byte| byte == POISON)
    }

    /// As the interface has it; alive as long as `self`.
    pub fn dl(&mut self) -> DLTensor {
        DLTensor {
            data: self.memory.as_ptr().cast(),
            device: DLDevice {
                device_type: 1,
                device_id: 0,
            },
            ndim: self.layout.shape.len() as i32,
            dtype: self.dtype.to_dlpack(),
            shape: self.layout.shape.as_mut_ptr(),
            strides: self.layout.strides.as_mut_ptr(),
            byte_offset: (self.shift * self.dtype.size()) as u64,
        }
    }
}

/// The bits of `value` in a type, rounded once. By way of an f32 that is rounded to odd, which keeps every tie
/// apart from its neighbours; `half`'s own conversions from f64 drop the lower 32 bits unseen.
fn encode(dtype: Dtype, value: f64) -> u32 {
    let nearest = value as f32;
    let odd = match f64::from(nearest).abs().partial_cmp(&value.abs()) {
        Some(Ordering::Greater) => f32::from_bits((nearest.to_bits() - 1) | 1),
        Some(Ordering::Less) => f32::from_bits(nearest.to_bits() | 1),
        _ => nearest,
    };
    match dtype {
        Dtype::F32 => nearest.to_bits(),
        Dtype::F16 => f16::from_f32(odd).to_bits().into(),
        Dtype::Bf16 => bf16::from_f32(odd).to_bits().into(),
        Dtype::I32 => value as i32 as u32,
    }
}

/// The value of bits in a type.
fn decode(dtype: Dtype, bits: u32) -> f64 {
    match dtype {
        Dtype::F32 => f32::from_bits(bits).into(),
        Dtype::F16 => f16::from_bits(bits as u16).to_f64(),
        Dtype::Bf16 => bf16::from_bits(bits as u16).to_f64(),
        Dtype::I32 => f64::from(bits as i32),
    }
}

/// `value`, rounded to a type once.
pub fn round(dtype: Dtype, value: f64) -> f64 {
    decode(dtype, encode(dtype, value))
}
