//! Calls of `rms_norm` through the table, as any caller makes them.

use std::ffi::c_void;
use std::ptr;

use tierwise_abi::c::{DLTensor, TW_OK, TwCall, TwKernel, TwRmsNormArgs};
use tierwise_abi::tensor::Dtype;

use super::{Buffer, Edge, Layout};

/// What is asked, apart from numbers and memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    pub dtype: Dtype,
    pub weight: Option<Dtype>,
    pub residual: bool,
    pub residual_out: bool,
    pub offset: f32,
    pub before_weight: bool,
    pub eps: f64,
}

impl Asked {
    /// Every combination of types, optional tensors and roundings.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for dtype in [Dtype::F32, Dtype::F16, Dtype::Bf16] {
            for weight in [None, Some(dtype), Some(Dtype::F32)] {
                for (residual, residual_out) in [(false, false), (true, false), (true, true)] {
                    for before_weight in [false, true] {
                        let offset = if before_weight { 1.0 } else { 0.0 };
                        let eps = 1e-5;
                        let asked = Self {
                            dtype,
                            weight,
                            residual,
                            residual_out,
                            offset,
                            before_weight,
                            eps,
                        };
                        if !all.contains(&asked) {
                            all.push(asked);
                        }
                    }
                }
            }
        }
        all
    }
}

/// A fifth of all combinations, another for each `turn`; five in a row are all of them. A test that turns
/// with the length covers lengths and combinations without their product.
pub fn in_turn(turn: usize) -> impl Iterator<Item = Asked> {
    Asked::all().into_iter().skip(turn % 5).step_by(5)
}

/// A call: numbers, and where they lie.
pub struct Case {
    pub asked: Asked,
    pub threads: u32,
    pub x: Buffer,
    pub weight: Option<Buffer>,
    pub residual: Option<Buffer>,
    /// `None` where it is absent, or in place.
    pub residual_out: Option<Buffer>,
    /// `None`: in place.
    pub y: Option<Buffer>,
}

/// Numbers of a call, exact in its types, row-major.
#[derive(Clone)]
pub struct Data {
    pub x: Vec<f64>,
    pub weight: Vec<f64>,
    pub residual: Vec<f64>,
}

impl Case {
    /// Dense, nothing in place.
    pub fn dense(asked: Asked, rows: i64, n: i64, data: &Data) -> Self {
        let matrix = Layout::dense(&[rows, n]);
        Self::new(
            asked,
            data,
            Edge::End,
            0,
            &matrix,
            &matrix,
            &Layout::dense(&[n]),
        )
    }

    /// Inputs laid out as `inputs`, outputs as `outputs`, `shift` elements away from the guarded edge.
    pub fn new(
        asked: Asked,
        data: &Data,
        edge: Edge,
        shift: usize,
        inputs: &Layout,
        outputs: &Layout,
        weight: &Layout,
    ) -> Self {
        let buffer = |dtype, layout: &Layout| Buffer::new(dtype, layout.clone(), edge, shift);
        Self {
            asked,
            threads: 1,
            x: buffer(asked.dtype, inputs).fill(&data.x),
            weight: asked
                .weight
                .map(|dtype| buffer(dtype, weight).fill(&data.weight)),
            residual: asked
                .residual
                .then(|| buffer(asked.dtype, inputs).fill(&data.residual)),
            residual_out: asked.residual_out.then(|| buffer(asked.dtype, outputs)),
            y: Some(buffer(asked.dtype, outputs)),
        }
    }

    /// The same call in place, where it has outputs.
    pub fn in_place(mut self) -> Self {
        self.residual_out = None;
        self.y = None;
        self
    }

    /// Runs it, which must go well.
    pub fn run(&mut self, kernel: &TwKernel) {
        let status = self.with_args(|args| {
            // SAFETY: the args are as the interface says.
            unsafe { kernel.run.unwrap()(ptr::from_ref(args).cast::<c_void>()) }
        });
        assert_eq!(status, TW_OK);
    }

    /// Hands the args to `use_args`.
    pub fn with_args<R>(&mut self, use_args: impl FnOnce(&mut TwRmsNormArgs) -> R) -> R {
        let mut x = self.x.dl();
        let mut weight = self.weight.as_mut().map(Buffer::dl);
        let mut residual = self.residual.as_mut().map(Buffer::dl);
        let mut residual_out = self.residual_out.as_mut().map(Buffer::dl);
        let mut y = self.y.as_mut().map(Buffer::dl);
        let pointer =
            |tensor: &mut Option<DLTensor>| tensor.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
        let (x, residual) = (ptr::from_mut(&mut x), pointer(&mut residual));
        let or_in_place = |output: *mut DLTensor, input: *mut DLTensor| {
            if output.is_null() { input } else { output }
        };
        let residual_out = pointer(&mut residual_out);
        use_args(&mut TwRmsNormArgs {
            call: TwCall {
                struct_size: size_of::<TwRmsNormArgs>() as u32,
                threads: self.threads,
                scratch: ptr::null_mut(),
                scratch_bytes: 0,
            },
            x,
            weight: pointer(&mut weight),
            residual,
            residual_out: if self.asked.residual_out {
                or_in_place(residual_out, residual)
            } else {
                residual_out
            },
            y: or_in_place(pointer(&mut y), x),
            eps: self.asked.eps,
            weight_offset: self.asked.offset,
            round_before_weight: self.asked.before_weight.into(),
        })
    }

    /// y, wherever it lies.
    pub fn y(&self) -> &Buffer {
        self.y.as_ref().unwrap_or(&self.x)
    }

    /// residualOut, wherever it lies.
    pub fn residual_out(&self) -> Option<&Buffer> {
        let in_place = self.residual.as_ref().filter(|_| self.asked.residual_out);
        self.residual_out.as_ref().or(in_place)
    }

    /// The bits of all outputs.
    pub fn bits(&self) -> (Vec<u32>, Option<Vec<u32>>) {
        (self.y().bits(), self.residual_out().map(Buffer::bits))
    }
}
