//! Calls by value: what is asked, the memory that it is asked on, and whether the answer is right.

use std::ptr;

use tierwise_abi::c::{DLDataType, DLDevice, DLTensor, TW_OK, TwCall, TwRmsNormArgs, TwStatus};

use crate::float::Float;
use crate::rms_norm::Rounding;
use crate::testing;

/// What the outputs hold before the call.
pub const FILL: f32 = -77.0;

/// Calls the kernel of that name.
pub fn call(name: &str, args: &TwRmsNormArgs) -> TwStatus {
    testing::call("rms_norm", name, args)
}

/// Memory with a view of it.
pub struct Buffer {
    memory: Vec<u64>,
    pub dtype: Float,
    shape: Vec<i64>,
    strides: Vec<i64>,
}

impl Buffer {
    pub fn new(dtype: Float, shape: &[usize], strides: &[usize]) -> Self {
        let last: usize = shape
            .iter()
            .zip(strides)
            .map(|(&n, &s)| n.saturating_sub(1) * s)
            .sum();
        // Eight bytes more than the view: what lies behind it.
        let mut buffer = Self {
            memory: vec![0; ((last + 1) * dtype.size()).div_ceil(8) + 1],
            dtype,
            shape: shape.iter().map(|&size| size as i64).collect(),
            strides: strides.iter().map(|&stride| stride as i64).collect(),
        };
        for slot in 0..buffer.slots() {
            buffer.set(slot, FILL);
        }
        buffer
    }

    /// Elements that fit the memory.
    pub fn slots(&self) -> usize {
        self.memory.len() * 8 / self.dtype.size()
    }

    pub fn get(&self, slot: usize) -> f32 {
        assert!(slot < self.slots());
        // SAFETY: within the memory.
        unsafe {
            self.dtype.load(
                self.memory
                    .as_ptr()
                    .cast::<u8>()
                    .add(slot * self.dtype.size()),
            )
        }
    }

    pub fn set(&mut self, slot: usize, value: f32) {
        assert!(slot < self.slots());
        let memory = self.memory.as_mut_ptr().cast::<u8>();
        // SAFETY: within the memory.
        unsafe {
            self.dtype
                .store(memory.add(slot * self.dtype.size()), value)
        }
    }

    /// The slots of the view, in row-major order.
    pub fn view(&self) -> Vec<usize> {
        let axes = self.shape.iter().zip(&self.strides);
        axes.fold(vec![0], |outer, (&size, &stride)| {
            let along = |at: usize| (0..size).map(move |i| at + (i * stride) as usize);
            outer.into_iter().flat_map(along).collect()
        })
    }

    pub fn fill(&mut self, values: &[f32]) {
        for (slot, &value) in self.view().into_iter().zip(values) {
            self.set(slot, value);
        }
    }

    pub fn values(&self) -> Vec<f32> {
        self.view().into_iter().map(|slot| self.get(slot)).collect()
    }

    /// Whether every slot that the view does not name still holds the fill.
    pub fn gaps_are_whole(&self) -> bool {
        let mut whole: Vec<_> = (0..self.slots())
            .map(|slot| self.get(slot) == FILL)
            .collect();
        self.view().into_iter().for_each(|slot| whole[slot] = true);
        !whole.contains(&false)
    }

    pub fn tensor(&mut self) -> DLTensor {
        DLTensor {
            data: self.memory.as_mut_ptr().cast(),
            device: DLDevice {
                device_type: 1,
                device_id: 0,
            },
            ndim: self.shape.len() as i32,
            dtype: dlpack(self.dtype),
            shape: self.shape.as_mut_ptr(),
            strides: self.strides.as_mut_ptr(),
            byte_offset: 0,
        }
    }
}

pub fn dlpack(dtype: Float) -> DLDataType {
    let (code, bits) = match dtype {
        Float::F32 => (2, 32),
        Float::F16 => (2, 16),
        Float::Bf16 => (4, 16),
    };
    DLDataType {
        code,
        bits,
        lanes: 1,
    }
}

pub fn args(x: &DLTensor, y: &mut DLTensor) -> TwRmsNormArgs {
    TwRmsNormArgs {
        call: TwCall {
            struct_size: size_of::<TwRmsNormArgs>() as u32,
            threads: 1,
            scratch: ptr::null_mut(),
            scratch_bytes: 0,
        },
        x,
        weight: ptr::null(),
        residual: ptr::null(),
        residual_out: ptr::null_mut(),
        y,
        eps: 1e-5,
        weight_offset: 0.0,
        round_before_weight: 0,
    }
}

/// A call by value.
#[derive(Clone, Debug)]
pub struct Case {
    pub n: usize,
    pub dtype: Float,
    pub x: Vec<f32>,
    pub weight: Option<(Float, Vec<f32>)>,
    pub residual: Option<Vec<f32>>,
    pub eps: f64,
    pub weight_offset: f32,
    pub rounding: Rounding,
    pub in_place: bool,
    /// Strides of x and residual, and of the outputs unless in place.
    pub strides: [[usize; 2]; 2],
}

#[derive(Debug, PartialEq)]
pub struct Answer {
    pub status: TwStatus,
    pub y: Vec<f32>,
    pub residual_out: Vec<f32>,
    pub gaps_are_whole: bool,
}

impl Case {
    /// A dense f32 call with nothing but x.
    pub fn plain(n: usize, x: &[f32]) -> Self {
        Self {
            n,
            dtype: Float::F32,
            x: x.to_vec(),
            weight: None,
            residual: None,
            eps: 1e-5,
            weight_offset: 0.0,
            rounding: Rounding::Once,
            in_place: false,
            strides: [[n, 1]; 2],
        }
    }

    /// Call number `k` of those that `random` leads to: all the combinations, one after the other.
    pub fn generic(dtype: Float, n: usize, k: usize, random: &mut Random) -> Self {
        let rows = 1 + k % 3;
        let scale = [1.0, 0.01, 30.0][k / 2 % 3];
        let mut values = |count| -> Vec<f32> {
            (0..count)
                .map(|_| dtype.round(scale * random.next()))
                .collect()
        };
        let mut case = Self {
            dtype,
            ..Self::plain(n, &values(rows * n))
        };
        case.residual = (k % 5 < 2).then(|| values(rows * n));
        case.weight = [None, Some(dtype), Some(Float::F32)][k % 3].map(|weight| {
            (
                weight,
                (0..n).map(|_| weight.round(2.0 * random.next())).collect(),
            )
        });
        case.eps = f64::from([1e-5_f32, 0.0, 1e-6, 0.5][k % 4]);
        case.weight_offset = (k / 3 % 2) as f32;
        case.rounding = [Rounding::Once, Rounding::BeforeWeight][k / 7 % 2];
        case.in_place = k % 11 < 3;
        case.strides = [
            [[n, 1], [n + 3, 1]],
            [[2 * n + 1, 2], [n, 1]],
            [[1, rows], [1, rows + 1]],
        ][k / 4 % 3];
        case
    }

    pub fn rows(&self) -> usize {
        self.x.len() / self.n
    }

    /// Runs a kernel on memory of its own.
    pub fn run(&self, name: &str) -> Answer {
        let shape = [self.rows(), self.n];
        let mut x = Buffer::new(self.dtype, &shape, &self.strides[0]);
        let mut y = Buffer::new(self.dtype, &shape, &self.strides[1]);
        let mut residual = Buffer::new(self.dtype, &shape, &self.strides[0]);
        let mut residual_out = Buffer::new(self.dtype, &shape, &self.strides[1]);
        let (weight_type, weight_values) = self.weight.clone().unwrap_or((Float::F32, vec![]));
        let mut weight = Buffer::new(weight_type, &[self.n], &[1]);
        x.fill(&self.x);
        residual.fill(self.residual.as_deref().unwrap_or_default());
        weight.fill(&weight_values);

        let (x_view, mut y_view, weight_view) = (x.tensor(), y.tensor(), weight.tensor());
        let (residual_view, mut residual_out_view) = (residual.tensor(), residual_out.tensor());
        if self.in_place {
            (y_view, residual_out_view) = (x_view, residual_view);
        }
        let mut args = args(&x_view, &mut y_view);
        if self.weight.is_some() {
            args.weight = &weight_view;
        }
        if self.residual.is_some() {
            args.residual = &residual_view;
            args.residual_out = &mut residual_out_view;
        }
        args.eps = self.eps;
        args.weight_offset = self.weight_offset;
        args.round_before_weight = (self.rounding == Rounding::BeforeWeight).into();

        let status = call(name, &args);
        let (y, residual_out) = if self.in_place {
            (x, residual)
        } else {
            (y, residual_out)
        };
        Answer {
            status,
            y: y.values(),
            residual_out: residual_out.values(),
            gaps_are_whole: y.gaps_are_whole() && residual_out.gaps_are_whole(),
        }
    }

    /// The row as it is normalised, in f32.
    pub fn h(&self, row: usize) -> Vec<f32> {
        let at = row * self.n..(row + 1) * self.n;
        let x = self.x[at.clone()].iter();
        match &self.residual {
            None => x.copied().collect(),
            Some(residual) => x.zip(&residual[at]).map(|(x, r)| x + r).collect(),
        }
    }

    /// What is wrong with an answer, by the contract in f64 and the bound for any order of f32 arithmetic.
    pub fn complaint(&self, answer: &Answer) -> Option<String> {
        if answer.status != TW_OK {
            return Some(format!("status {}", answer.status));
        }
        if !answer.gaps_are_whole {
            return Some("a gap was written".to_string());
        }
        (0..self.rows()).find_map(|row| self.complaint_of_row(answer, row))
    }

    /// The bound: |ref| (0.5 ((n+2) u ms + 2^-149) / (ms + eps) + 5u) + 2^-149 (1 + |w|).
    pub fn complaint_of_row(&self, answer: &Answer, row: usize) -> Option<String> {
        let (u, tiny) = (f64::exp2(-24.0), f64::exp2(-149.0));
        let round = |value: f64| f64::from(self.dtype.round(value as f32));
        let h = self.h(row);
        let mean = h.iter().map(|&h| f64::from(h).powi(2)).sum::<f64>() / self.n as f64;
        let r = 1.0 / (mean + self.eps).sqrt();
        let relative = 0.5 * ((self.n + 2) as f64 * u * mean + tiny) / (mean + self.eps) + 5.0 * u;
        for (j, &h) in h.iter().enumerate() {
            let at = row * self.n + j;
            let w = self.weight.as_ref().map_or(1.0, |(_, weight)| {
                f64::from(weight[j]) + f64::from(self.weight_offset)
            });
            let z = f64::from(h) * r;
            // In f32 the product h * r is rounded either way, and the bound has room for it. In 16 bits the
            // rounding of any value near z will do: these five skip none while n is at most 20,000.
            let truths = if self.rounding == Rounding::Once || self.dtype == Float::F32 {
                [z * w; 5]
            } else {
                let z_hard = z.abs() * relative + tiny;
                [-1.0, -0.5, 0.0, 0.5, 1.0].map(|side| round(z + side * z_hard) * w)
            };
            let hard = (z * w).abs() * relative + tiny * (1.0 + w.abs());
            let y = f64::from(answer.y[at]);
            let near = |truth: &f64| (round(truth - hard)..=round(truth + hard)).contains(&y);
            if !truths.iter().any(near) {
                return Some(format!("y[{row}, {j}] is {y:e}, not {:e}", truths[0]));
            }
            let residual_out = answer.residual_out[at];
            if self.residual.is_some() && residual_out != self.dtype.round(h) {
                return Some(format!(
                    "residual_out[{row}, {j}] is {residual_out:e}, not {h:e}"
                ));
            }
        }
        None
    }
}

/// Uniform in (-1, 1), from xorshift64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}
