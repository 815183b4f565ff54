//! Calls that are to be broken: tensors whose every part can be spoiled, all in one memory.

use std::ptr;

use tierwise_abi::c::{DLDataType, DLDevice, DLTensor, TwKernel, TwStatus};
use tierwise_abi::tensor::Dtype;

use super::kernels_of;
use crate::table::Op;

/// A tensor of a call that is to be broken.
#[derive(Clone)]
pub struct Part {
    /// Bytes into the memory; `None`: NULL.
    pub at: Option<usize>,
    pub shape: Vec<i64>,
    pub strides: Option<Vec<i64>>,
    pub dtype: DLDataType,
    pub device: (i32, i32),
    pub byte_offset: u64,
}

impl Part {
    pub fn dense(at: usize, shape: &[i64], dtype: Dtype) -> Self {
        Self {
            at: Some(at),
            shape: shape.to_vec(),
            strides: None,
            dtype: dtype.to_dlpack(),
            device: (1, 0),
            byte_offset: 0,
        }
    }

    /// As the interface has it, in memory at `base`; alive as long as `self`.
    pub fn dl(&mut self, base: *mut u8) -> DLTensor {
        let data = self.at.map_or(ptr::null_mut(), |at| base.wrapping_add(at));
        let (device_type, device_id) = self.device;
        let strides = self.strides.as_mut();
        DLTensor {
            data: data.cast(),
            device: DLDevice {
                device_type,
                device_id,
            },
            ndim: self.shape.len() as i32,
            dtype: self.dtype,
            shape: self.shape.as_mut_ptr(),
            strides: strides.map_or(ptr::null_mut(), |strides| strides.as_mut_ptr()),
            byte_offset: self.byte_offset,
        }
    }
}

/// What every tier of an operator answers, and whether anything of the memory was written.
pub fn answer<O: Op>(
    memory: &[u64],
    mut run: impl FnMut(&TwKernel, &mut [u64]) -> TwStatus,
) -> (TwStatus, bool) {
    let answers = kernels_of::<O>().into_iter().map(|kernel| {
        let mut used = memory.to_vec();
        (run(kernel, &mut used), used != memory)
    });
    let answers: Vec<_> = answers.collect();
    let all_same = answers.iter().all(|&answer| answer == answers[0]);
    assert!(all_same, "tiers differ: {answers:?}");
    answers[0]
}
