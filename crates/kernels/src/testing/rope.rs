//! Calls of `rope` through the table, as any caller makes them.

use std::ffi::c_void;
use std::ptr;

use tierwise_abi::c::{DLTensor, TW_OK, TwCall, TwKernel, TwRopeArgs, TwStatus};
use tierwise_abi::rope::Scaling;
use tierwise_abi::tensor::Dtype;

use super::{Buffer, Edge, Layout, Numbers, in_scratch, round};

/// What is asked, apart from numbers and memory.
#[derive(Clone, Debug)]
pub struct Turning {
    pub dtype: Dtype,
    /// `[batch, tokens, heads, head_dim]`.
    pub shape: [usize; 4],
    pub rotary_dim: usize,
    pub interleaved: bool,
    /// Of all batches where there are only as many as tokens.
    pub positions: Vec<i32>,
    pub theta: f64,
    /// `None`: tables.
    pub scaling: Option<Scaling>,
}

pub const YARN: Scaling = Scaling::Yarn {
    factor: 4.0,
    beta_fast: 32.0,
    beta_slow: 1.0,
    attention_factor: 1.125,
    original_max_positions: 4096,
};
pub const LLAMA3: Scaling = Scaling::Llama3 {
    factor: 8.0,
    low_freq_factor: 1.0,
    high_freq_factor: 4.0,
    original_max_positions: 8192,
};

impl Turning {
    /// Every combination of types, pairings and sources of angles.
    pub fn all(shape: [usize; 4], rotary_dim: usize, positions: &[i32]) -> Vec<Self> {
        let linear = Scaling::Linear { factor: 3.0 };
        let scalings = [
            None,
            Some(Scaling::None),
            Some(linear),
            Some(LLAMA3),
            Some(YARN),
        ];
        let mut all = Vec::new();
        for dtype in [Dtype::F32, Dtype::F16, Dtype::Bf16] {
            for interleaved in [false, true] {
                for scaling in scalings {
                    all.push(Self {
                        dtype,
                        shape,
                        rotary_dim,
                        interleaved,
                        positions: positions.to_vec(),
                        theta: 1e4,
                        scaling,
                    });
                }
            }
        }
        all
    }

    pub fn pairs(&self) -> usize {
        self.rotary_dim / 2
    }

    /// 0 where angles are computed.
    pub fn table_rows(&self) -> usize {
        if self.scaling.is_some() {
            return 0;
        }
        self.positions
            .iter()
            .max()
            .map_or(0, |&last| last as usize + 1)
    }

    /// The position of a token, counted over all batches.
    pub fn position(&self, token: usize) -> i32 {
        self.positions[token % self.positions.len()]
    }
}

/// Numbers of a call, exact in its types, row-major.
#[derive(Clone, Debug)]
pub struct Turned {
    pub x: Vec<f64>,
    pub cos: Vec<f64>,
    pub sin: Vec<f64>,
}

impl Turned {
    /// Unstructured; what stands in tables is the cosine and sine of nothing in particular.
    pub fn new(asked: &Turning, seed: u64) -> Self {
        let mut numbers = Numbers(seed);
        let mut tensor = |dtype, count, size: f64| -> Vec<f64> {
            (0..count)
                .map(|_| round(dtype, numbers.uniform() * size))
                .collect()
        };
        let table = asked.table_rows() * asked.pairs();
        Self {
            x: tensor(asked.dtype, asked.shape.iter().product(), 3.0),
            cos: tensor(Dtype::F32, table, 1.0),
            sin: tensor(Dtype::F32, table, 1.0),
        }
    }
}

/// How a call lies in memory.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Of x and of y; absent: dense.
    pub x: Option<Layout>,
    pub y: Option<Layout>,
    /// Elements from one position, and from one of a table's row, to the next.
    pub inner: usize,
    pub edge: Edge,
    pub shift: usize,
}

impl Placed {
    pub const DENSE: Self = Self {
        x: None,
        y: None,
        inner: 1,
        edge: Edge::End,
        shift: 0,
    };
}

/// A call: numbers, and where they lie.
pub struct RopeCase {
    pub asked: Turning,
    pub threads: u32,
    pub x: Buffer,
    pub positions: Buffer,
    pub tables: Option<[Buffer; 2]>,
    /// `None`: in place.
    pub y: Option<Buffer>,
}

impl RopeCase {
    pub fn new(asked: &Turning, data: &Turned, placed: &Placed) -> Self {
        let shape = asked.shape.map(|size| size as i64);
        let inner = placed.inner as i64;
        let buffer = |dtype, layout| Buffer::new(dtype, layout, placed.edge, placed.shift);
        let floats = |layout: &Option<Layout>| {
            let dense = || Layout::dense(&shape);
            buffer(asked.dtype, layout.clone().unwrap_or_else(dense))
        };
        let tokens = shape[1];
        let positions = match asked.positions.len() as i64 == tokens {
            true => Layout::strided(&[tokens], &[inner]),
            false => Layout::strided(&[shape[0], tokens], &[tokens * inner, inner]),
        };
        let pairs = asked.pairs() as i64;
        let rows = asked.table_rows() as i64;
        let table = |values: &[f64]| {
            let layout = Layout::strided(&[rows, pairs], &[pairs * inner, inner]);
            buffer(Dtype::F32, layout).fill(values)
        };
        let values: Vec<_> = asked.positions.iter().map(|&p| f64::from(p)).collect();
        Self {
            asked: asked.clone(),
            threads: 1,
            x: floats(&placed.x).fill(&data.x),
            positions: buffer(Dtype::I32, positions).fill(&values),
            tables: asked
                .scaling
                .is_none()
                .then(|| [table(&data.cos), table(&data.sin)]),
            y: Some(floats(&placed.y)),
        }
    }

    pub fn dense(asked: &Turning, data: &Turned) -> Self {
        Self::new(asked, data, &Placed::DENSE)
    }

    pub fn in_place(mut self) -> Self {
        self.y = None;
        self
    }

    pub fn with_threads(mut self, threads: u32) -> Self {
        self.threads = threads;
        self
    }

    /// Runs it, which must go well.
    pub fn run(&mut self, kernel: &TwKernel) {
        self.run_with(
            // SAFETY: the args are as the interface says, here and below.
            |args| unsafe { kernel.scratch_size.unwrap()(args) },
            // SAFETY: as above.
            |args| unsafe { kernel.run.unwrap()(ptr::from_ref(args).cast()) },
        );
    }

    /// Runs it in scratch of the size that is asked for, which must go well and stay inside.
    pub fn run_with(
        &mut self,
        scratch_size: impl FnOnce(*const c_void) -> u64,
        run: impl FnOnce(&TwRopeArgs) -> TwStatus,
    ) {
        self.with_args(|args| {
            let bytes = scratch_size(ptr::from_ref(args).cast());
            in_scratch(bytes, |scratch| {
                (args.call.scratch, args.call.scratch_bytes) = (scratch.cast(), bytes);
                assert_eq!(run(args), TW_OK);
            });
        });
    }

    /// Hands the args, without scratch, to `use_args`.
    pub fn with_args<R>(&mut self, use_args: impl FnOnce(&mut TwRopeArgs) -> R) -> R {
        let mut x = self.x.dl();
        let positions = self.positions.dl();
        let [cos, sin] = match &mut self.tables {
            None => [None, None],
            Some(tables) => tables.each_mut().map(|table| Some(table.dl())),
        };
        let pointer = |t: &Option<DLTensor>| t.as_ref().map_or(ptr::null(), ptr::from_ref);
        let mut y = self.y.as_mut().map(Buffer::dl);
        let x = ptr::from_mut(&mut x);
        let mut args = TwRopeArgs {
            call: TwCall {
                struct_size: size_of::<TwRopeArgs>() as u32,
                threads: self.threads,
                scratch: ptr::null_mut(),
                scratch_bytes: 0,
            },
            x,
            positions: &positions,
            cos: pointer(&cos),
            sin: pointer(&sin),
            y: y.as_mut().map_or(x, ptr::from_mut),
            rotary_dim: self.asked.rotary_dim as u32,
            interleaved: self.asked.interleaved.into(),
            theta: self.asked.theta,
            scaling: 0,
            original_max_positions: 0,
            factor: 0.0,
            low_freq_factor: 0.0,
            high_freq_factor: 0.0,
            beta_fast: 0.0,
            beta_slow: 0.0,
            attention_factor: 0.0,
        };
        write(self.asked.scaling.unwrap_or(Scaling::None), &mut args);
        use_args(&mut args)
    }

    /// y, wherever it lies.
    pub fn y(&self) -> &Buffer {
        self.y.as_ref().unwrap_or(&self.x)
    }
}

fn write(scaling: Scaling, args: &mut TwRopeArgs) {
    let original;
    (args.scaling, args.factor, original) = match scaling {
        Scaling::None => return,
        Scaling::Linear { factor } => (1, factor, 0),
        Scaling::Llama3 {
            factor,
            low_freq_factor,
            high_freq_factor,
            original_max_positions,
        } => {
            args.low_freq_factor = low_freq_factor;
            args.high_freq_factor = high_freq_factor;
            (2, factor, original_max_positions)
        }
        Scaling::Yarn {
            factor,
            beta_fast,
            beta_slow,
            attention_factor,
            original_max_positions,
        } => {
            (args.beta_fast, args.beta_slow) = (beta_fast, beta_slow);
            args.attention_factor = attention_factor;
            (3, factor, original_max_positions)
        }
    };
    args.original_max_positions = original;
}
