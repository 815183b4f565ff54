//! Calls by value.

use std::ptr;

use tierwise_abi::c::{DLDataType, DLDevice, DLTensor, TW_OK, TwCall, TwRopeArgs};

use crate::float::Float;
use crate::testing::call;

/// A call by value: x dense, y with a gap behind each head.
pub struct Case {
    /// Batches, tokens, heads, width.
    pub shape: [usize; 4],
    pub dtype: Float,
    pub rotary: u32,
    pub positions: Vec<i32>,
    /// Rows of the tables; 0: none.
    pub tables: usize,
    pub theta: f64,
    /// Elements between two heads of y.
    pub gap: usize,
}

impl Case {
    /// Two batches of three tokens, two heads of 20 elements, 12 of which turn by angles.
    pub fn plain() -> Self {
        Self {
            shape: [2, 3, 2, 20],
            dtype: Float::F32,
            rotary: 12,
            positions: vec![7, 3, 40, 1, 0, 9],
            tables: 0,
            theta: 1e4,
            gap: 0,
        }
    }

    /// What the kernel of that name leaves in y's memory, gaps included: bits.
    pub fn run(&self, name: &str) -> Vec<u8> {
        let [batches, tokens, heads, width] = self.shape;
        let count = batches * tokens * heads * width;
        let size = self.dtype.size();
        let mut x = vec![0_u64; count * size / 8 + 1];
        for i in 0..count {
            let value = (i as f32 * 0.37).sin();
            // SAFETY: x has room for so many elements.
            unsafe {
                self.dtype
                    .store(x.as_mut_ptr().cast::<u8>().add(i * size), value)
            };
        }
        let pitch = width + self.gap;
        let mut y =
            vec![0x5555_5555_5555_5555_u64; batches * tokens * heads * pitch * size / 8 + 64];
        let mut positions = self.positions.clone();
        let half = self.rotary as usize / 2;
        let mut cos: Vec<f32> = (0..self.tables * half).map(|i| (i as f32).cos()).collect();
        let mut sin: Vec<f32> = (0..self.tables * half).map(|i| (i as f32).sin()).collect();

        let (code, bits) = match self.dtype {
            Float::F32 => (2, 32),
            Float::F16 => (2, 16),
            Float::Bf16 => (4, 16),
        };
        let mut shape = self.shape.map(|size| size as i64);
        let strides = |pitch: usize| {
            [tokens * heads * pitch, heads * pitch, pitch, 1].map(|stride| stride as i64)
        };
        let (mut dense, mut gapped) = (strides(width), strides(pitch));
        let mut table_shape = [self.tables as i64, half as i64];
        let mut position_shape = [batches as i64, tokens as i64];
        let tensor = |data: *mut u8, (code, bits), shape: &mut [i64], strides: *mut i64| DLTensor {
            data: data.cast(),
            device: DLDevice {
                device_type: 1,
                device_id: 0,
            },
            ndim: shape.len() as i32,
            dtype: DLDataType {
                code,
                bits,
                lanes: 1,
            },
            shape: shape.as_mut_ptr(),
            strides,
            byte_offset: 0,
        };
        let none = ptr::null_mut();
        let x = tensor(
            x.as_mut_ptr().cast(),
            (code, bits),
            &mut shape,
            dense.as_mut_ptr(),
        );
        let mut out = tensor(
            y.as_mut_ptr().cast(),
            (code, bits),
            &mut shape,
            gapped.as_mut_ptr(),
        );
        let positions = tensor(
            positions.as_mut_ptr().cast(),
            (0, 32),
            &mut position_shape,
            none,
        );
        let cos = tensor(cos.as_mut_ptr().cast(), (2, 32), &mut table_shape, none);
        let sin = tensor(sin.as_mut_ptr().cast(), (2, 32), &mut table_shape, none);
        let table = |tensor| if self.tables > 0 { tensor } else { ptr::null() };
        let args = TwRopeArgs {
            call: TwCall {
                struct_size: size_of::<TwRopeArgs>() as u32,
                threads: 1,
                scratch: ptr::null_mut(),
                scratch_bytes: 0,
            },
            x: &x,
            positions: &positions,
            cos: table(&cos),
            sin: table(&sin),
            y: &mut out,
            rotary_dim: self.rotary,
            interleaved: 0,
            theta: self.theta,
            scaling: 0,
            original_max_positions: 0,
            factor: 0.0,
            low_freq_factor: 0.0,
            high_freq_factor: 0.0,
            beta_fast: 0.0,
            beta_slow: 0.0,
            attention_factor: 0.0,
        };
        assert_eq!(call("rope", name, &args), TW_OK, "{name}");
        y.into_iter().flat_map(u64::to_ne_bytes).collect()
    }
}
