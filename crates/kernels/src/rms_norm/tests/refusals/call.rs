//! A legal call whose every part can be spoiled.

use std::ptr;

use tierwise_abi::c::{TwCall, TwRmsNormArgs, TwStatus};
use tierwise_abi::tensor::Dtype;

use crate::rms_norm::RmsNorm;
use crate::testing::{Part, answer};

/// A call of 3 rows of 4 f32, legal before it is changed.
pub struct Call {
    pub struct_size: usize,
    pub threads: u32,
    pub x: Option<Part>,
    pub weight: Option<Part>,
    pub residual: Option<Part>,
    pub residual_out: Option<Part>,
    pub y: Option<Part>,
    pub eps: f64,
    pub offset: f32,
    pub before_weight: u32,
}

pub const MEMORY: usize = 1024;

impl Call {
    pub fn legal() -> Self {
        let part = |at, shape: &[i64]| Some(Part::dense(at, shape, Dtype::F32));
        Self {
            struct_size: size_of::<TwRmsNormArgs>(),
            threads: 1,
            x: part(0, &[3, 4]),
            weight: part(64, &[4]),
            residual: part(128, &[3, 4]),
            residual_out: part(192, &[3, 4]),
            y: part(256, &[3, 4]),
            eps: 1e-5,
            offset: 0.0,
            before_weight: 0,
        }
    }

    /// Every tensor that is there.
    pub fn parts(&mut self) -> impl Iterator<Item = &mut Part> {
        let all = [
            &mut self.x,
            &mut self.weight,
            &mut self.residual,
            &mut self.residual_out,
            &mut self.y,
        ];
        all.into_iter().flatten()
    }

    /// Every tensor `[rows, n]`.
    pub fn reshape(&mut self, rows: i64, n: i64) {
        for part in self.parts() {
            let matrix = part.shape.len() == 2;
            part.shape = if matrix { vec![rows, n] } else { vec![n] };
        }
    }

    /// Hands the args to `use_args`, all tensors in `memory`.
    pub fn with_args<R>(
        &mut self,
        memory: &mut [u64],
        use_args: impl FnOnce(&TwRmsNormArgs) -> R,
    ) -> R {
        let base = memory.as_mut_ptr().cast::<u8>();
        let mut tensors = [
            &mut self.x,
            &mut self.weight,
            &mut self.residual,
            &mut self.residual_out,
            &mut self.y,
        ]
        .map(|part| part.as_mut().map(|part| part.dl(base)));
        let [x, weight, residual, residual_out, y] = tensors
            .each_mut()
            .map(|tensor| tensor.as_mut().map_or(ptr::null_mut(), ptr::from_mut));
        use_args(&TwRmsNormArgs {
            call: TwCall {
                struct_size: self.struct_size as u32,
                threads: self.threads,
                scratch: ptr::null_mut(),
                scratch_bytes: 0,
            },
            x,
            weight,
            residual,
            residual_out,
            y,
            eps: self.eps,
            weight_offset: self.offset,
            round_before_weight: self.before_weight,
        })
    }

    /// What every tier answers, and whether anything was written.
    pub fn run(&mut self) -> (TwStatus, bool) {
        let memory = vec![0x3f80_0000_3f80_0000; MEMORY / 8];
        answer::<RmsNorm>(&memory, |kernel, memory| {
            // SAFETY: the args are as the interface says, but for what must be refused.
            self.with_args(memory, |args| unsafe {
                kernel.run.unwrap()(ptr::from_ref(args).cast())
            })
        })
    }
}
