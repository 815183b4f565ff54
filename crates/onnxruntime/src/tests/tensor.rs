//! Tensors with memory of their own, in f32 or f16, read and written as f64.

use std::ffi::c_void;
use std::ptr;

use half::f16;
use tierwise_abi::c::{DLDevice, DLTensor};
use tierwise_abi::tensor::Dtype;

/// A tensor of `D` dimensions and what it points to.
pub struct Held<const D: usize> {
    bytes: Vec<u8>,
    pub dtype: Dtype,
    pub shape: [usize; D],
    sizes: [i64; D],
    strides: [i64; D],
}

impl<const D: usize> Held<D> {
    /// A dense one whose dimensions lie in memory in the given order, the outermost first. `value` gives the
    /// elements, by their number in C order.
    pub fn new(
        dtype: Dtype,
        shape: [usize; D],
        order: [usize; D],
        mut value: impl FnMut(usize) -> f64,
    ) -> Self {
        let mut strides = [0i64; D];
        let mut next = 1;
        for &axis in order.iter().rev() {
            strides[axis] = next;
            next *= shape[axis] as i64;
        }
        let count = shape.iter().product::<usize>();
        let mut held = Self {
            bytes: vec![0xff; count * dtype.size()],
            dtype,
            shape,
            sizes: shape.map(|size| size as i64),
            strides,
        };
        for index in 0..count {
            held.set(index, value(index));
        }
        held
    }

    /// A dense one in C order.
    pub fn dense(dtype: Dtype, shape: [usize; D], value: impl FnMut(usize) -> f64) -> Self {
        Self::new(dtype, shape, std::array::from_fn(|axis| axis), value)
    }

    /// The bytes behind it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// As the interface has it.
    pub fn raw(&mut self) -> DLTensor {
        DLTensor {
            data: self.bytes.as_mut_ptr().cast(),
            device: DLDevice {
                device_type: 1,
                device_id: 0,
            },
            ndim: D as i32,
            dtype: self.dtype.to_dlpack(),
            shape: self.sizes.as_mut_ptr(),
            strides: self.strides.as_mut_ptr(),
            byte_offset: 0,
        }
    }

    /// The element at a number in C order.
    pub fn get(&self, index: usize) -> f64 {
        let at = self.offset(index);
        match self.dtype {
            Dtype::F32 => f32::from_ne_bytes(self.at(at)).into(),
            Dtype::I32 => i32::from_ne_bytes(self.at(at)).into(),
            _ => f16::from_ne_bytes(self.at(at)).to_f64(),
        }
    }

    fn set(&mut self, index: usize, value: f64) {
        let at = self.offset(index);
        let place = &mut self.bytes[at..at + self.dtype.size()];
        match self.dtype {
            Dtype::F32 => place.copy_from_slice(&(value as f32).to_ne_bytes()),
            Dtype::I32 => place.copy_from_slice(&(value as i32).to_ne_bytes()),
            _ => place.copy_from_slice(&f16::from_f64(value).to_ne_bytes()),
        }
    }

    fn at<const N: usize>(&self, at: usize) -> [u8; N] {
        std::array::from_fn(|i| self.bytes[at + i])
    }

    fn offset(&self, mut index: usize) -> usize {
        let mut offset = 0;
        for axis in (0..D).rev() {
            offset += (index % self.shape[axis]) * self.strides[axis] as usize;
            index /= self.shape[axis];
        }
        offset * self.dtype.size()
    }
}

/// A copy of bytes in pages that can only be read.
pub struct ReadOnly {
    pub start: *mut c_void,
    bytes: usize,
}

impl ReadOnly {
    pub fn of(bytes: &[u8]) -> Self {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new private mapping, filled, then closed to writes.
        let start = unsafe {
            let start = libc::mmap(ptr::null_mut(), bytes.len(), access, flags, -1, 0);
            assert_ne!(start, libc::MAP_FAILED);
            ptr::copy_nonoverlapping(bytes.as_ptr(), start.cast(), bytes.len());
            assert_eq!(libc::mprotect(start, bytes.len(), libc::PROT_READ), 0);
            start
        };
        Self {
            start,
            bytes: bytes.len(),
        }
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        // SAFETY: its own mapping.
        unsafe { libc::munmap(self.start, self.bytes) };
    }
}

/// The largest difference between two values of an element; infinite where either is NaN.
pub fn worst<const D: usize>(shape: [usize; D], values: impl Fn(usize) -> (f64, f64)) -> f64 {
    (0..shape.iter().product())
        .map(values)
        .fold(0.0, |worst, (a, b)| match (a - b).abs() {
            error if error.is_nan() => f64::INFINITY,
            error => worst.max(error),
        })
}

/// A repeatable number in [-1, 1).
pub fn noise(seed: u64, index: usize) -> f64 {
    let mut word = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (index as u64 + 1);
    for _ in 0..3 {
        word ^= word >> 29;
        word = word.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    (word >> 11) as f64 / 2f64.powi(52) - 1.0
}
