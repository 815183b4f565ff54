//! A legal call whose every part can be spoiled.

use std::ptr;

use tierwise_abi::c::{TwCall, TwRopeArgs, TwStatus};
use tierwise_abi::tensor::Dtype;

use crate::rope::{Rope, scratch_size};
use crate::testing::{Part, answer};

/// A call of two batches of three tokens of two heads of 4 f32, by tables of 5 rows, legal before it is changed.
pub struct Call {
    /// Parameters; tensors and scratch are set when it is made.
    pub args: TwRopeArgs,
    /// What stands in memory as positions, of which the first three are used.
    pub at: [i32; 6],
    pub x: Part,
    pub positions: Part,
    pub cos: Option<Part>,
    pub sin: Option<Part>,
    pub y: Part,
}

/// Bytes of all tensors.
pub const MEMORY: usize = 2048;

/// Where positions lie.
const POSITIONS: usize = 256;

impl Call {
    pub fn legal() -> Self {
        let x = Part::dense(0, &[2, 3, 2, 4], Dtype::F32);
        let table = |at| Some(Part::dense(at, &[5, 2], Dtype::F32));
        Self {
            args: TwRopeArgs {
                call: TwCall {
                    struct_size: size_of::<TwRopeArgs>() as u32,
                    threads: 1,
                    scratch: ptr::null_mut(),
                    scratch_bytes: 0,
                },
                x: ptr::null(),
                positions: ptr::null(),
                cos: ptr::null(),
                sin: ptr::null(),
                y: ptr::null_mut(),
                rotary_dim: 4,
                interleaved: 0,
                theta: 1e4,
                scaling: 0,
                original_max_positions: 4096,
                factor: 2.0,
                low_freq_factor: 1.0,
                high_freq_factor: 4.0,
                beta_fast: 32.0,
                beta_slow: 1.0,
                attention_factor: 1.5,
            },
            at: [0, 4, 1, 2, 3, 4],
            positions: Part::dense(POSITIONS, &[3], Dtype::I32),
            cos: table(320),
            sin: table(384),
            y: Part {
                at: Some(512),
                ..x.clone()
            },
            x,
        }
    }

    /// Angles are computed, with this scaling.
    pub fn computed(&mut self, scaling: u32) -> &mut TwRopeArgs {
        (self.cos, self.sin) = (None, None);
        self.args.scaling = scaling;
        &mut self.args
    }

    /// Nothing is turned, by tables without columns.
    pub fn no_pairs(&mut self) {
        self.args.rotary_dim = 0;
        for table in [&mut self.cos, &mut self.sin].into_iter().flatten() {
            table.shape[1] = 0;
        }
    }

    pub fn reshape(&mut self, shape: [i64; 4]) {
        (self.x.shape, self.y.shape) = (shape.to_vec(), shape.to_vec());
        self.positions.shape = vec![shape[1]];
    }

    /// What the tensors lie in: ones, but for x, cosines and positions.
    pub fn memory(&self) -> Vec<u64> {
        let mut memory = vec![0x3f80_0000_3f80_0000; MEMORY / 8];
        for (word, pair) in memory[POSITIONS / 8..].iter_mut().zip(self.at.chunks(2)) {
            *word = u64::from(pair[0] as u32) | u64::from(pair[1] as u32) << 32;
        }
        // Neither x nor what is made of it is 1.
        memory[..192 / 8].fill(0x3fa0_0000_3fa0_0000);
        memory[320 / 8..360 / 8].fill(0x3f00_0000_3f00_0000);
        memory
    }

    /// Hands the args, without scratch, to `use_args`, all tensors in `memory`.
    pub fn with_args<R>(
        &mut self,
        memory: &mut [u64],
        use_args: impl FnOnce(&mut TwRopeArgs) -> R,
    ) -> R {
        let base = memory.as_mut_ptr().cast::<u8>();
        let (x, positions) = (self.x.dl(base), self.positions.dl(base));
        let [cos, sin] =
            [&mut self.cos, &mut self.sin].map(|table| table.as_mut().map(|part| part.dl(base)));
        let mut y = self.y.dl(base);
        let mut args = self.args;
        (args.x, args.positions) = (&x, &positions);
        args.cos = cos.as_ref().map_or(ptr::null(), ptr::from_ref);
        args.sin = sin.as_ref().map_or(ptr::null(), ptr::from_ref);
        args.y = &mut y;
        use_args(&mut args)
    }

    pub fn scratch_size(&mut self) -> u64 {
        let mut memory = self.memory();
        // SAFETY: the args are as the interface says, but for what must be refused.
        self.with_args(&mut memory, |args| unsafe {
            scratch_size(ptr::from_ref(args).cast())
        })
    }

    /// What every tier answers, and whether anything was written.
    pub fn run(&mut self) -> (TwStatus, bool) {
        self.run_in_scratch(0, 0)
    }

    /// The same, in scratch that is so many bytes less than was asked for, at least 0, and so many bytes away
    /// from where it should begin.
    pub fn run_in_scratch(&mut self, less: u64, misplaced: usize) -> (TwStatus, bool) {
        let memory = self.memory();
        answer::<Rope>(&memory, |kernel, memory| {
            self.with_args(memory, |args| {
                let mut scratch = vec![0u64; 4096];
                let start = scratch.as_mut_ptr().cast::<u8>();
                let start = start.wrapping_add(start.align_offset(64) + misplaced);
                // SAFETY: the args are as the interface says, but for what must be refused.
                unsafe {
                    let bytes = kernel.scratch_size.unwrap()(ptr::from_ref(args).cast());
                    assert!(bytes <= 16_384, "the test's scratch is as large");
                    args.call.scratch = start.cast();
                    args.call.scratch_bytes = bytes.saturating_sub(less);
                    kernel.run.unwrap()(ptr::from_ref(args).cast())
                }
            })
        })
    }
}
