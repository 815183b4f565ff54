//! What is asked of an executor and what it answers: JSON, one value a message.

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::survey::Survey;

/// One thing to do.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Request {
    /// The library's table.
    Table,
    /// Whether a kernel says that it can run here.
    Available {
        /// Row of the table.
        kernel: usize,
    },
    /// Makes pages of the arena reachable as slots, between inaccessible ones.
    Map {
        /// Numbers of slots that are not needed any more: they are unmapped first.
        forget: Vec<u32>,
        /// New slots.
        slots: Vec<Slot>,
    },
    /// Calls, one after the other. Several in one message save the way between processes.
    Run {
        /// The calls.
        runs: Vec<Run>,
    },
    /// Calls on the clock.
    Time {
        /// What is timed.
        contender: Contender,
        /// The call.
        call: Call,
        /// How often.
        clock: Clock,
    },
}

/// Pages under a number.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Slot {
    /// The number.
    pub slot: u32,
    /// Where in the arena the pages begin, in bytes.
    pub file_offset: u64,
    /// Pages from the first to the last.
    pub span: u64,
    /// Numbers of the pages that exist, ascending; absent: all.
    pub pages: Option<Vec<u64>>,
}

/// One call of one kernel.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Row of the table.
    pub kernel: usize,
    /// The call.
    pub call: Call,
    /// How it is made.
    #[serde(default)]
    pub manner: Manner,
}

/// How a call is made, beside what it asks: what must not matter to its result.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Manner {
    /// How often more; each time what was there before the first call is there again. It ends with the first
    /// call that leaves anything else than the first one left.
    pub again: u32,
    /// What scratch holds before, and registers and stack that the convention leaves open.
    pub fill: Fill,
    /// Which end of scratch lies flush against a guard.
    pub scratch_edge: Edge,
    /// Whether scratch holds what the call before left, from the second call on.
    pub scratch_stays: bool,
    /// Whether the first call has the scratch of the run before, as that left it, if it asked for as much at the
    /// same edge.
    pub scratch_handed_on: bool,
    /// Whether the call has a small stack instead of the thread's.
    pub little_stack: bool,
    /// In which of the interface's ways it is said.
    pub wording: Wording,
    /// Seed of a restless environment: threads that the call starts come late, signals arrive, processors go away.
    pub jitter: Option<u32>,
    /// Slots whose bytes are copied to others before the first call: what a call finds where another one was.
    pub copies: Vec<Copy>,
    /// A call that another thread makes meanwhile, as often.
    pub beside: Option<Box<Run>>,
}

/// How a call is put into structs: ways that mean the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Wording {
    /// `data` is the first element, strides are there, structs are as long as they are.
    #[default]
    Plain,
    /// `data` is the start of a tensor's memory, and `byte_offset` leads to its first element.
    ByteOffset,
    /// Tensors without gaps, in C order, come without strides.
    NoStrides,
    /// Strides of dimensions of size 1, which mean nothing, are 0 and huge.
    OddStrides,
    /// `struct_size` is that of a later version, with more fields.
    LongerStruct,
    /// `scratch_size` is asked before int32 tensors are filled: over zeros.
    SizedEarly,
}

/// From one slot to another of its size.
#[derive(Clone, Copy, Debug, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Copy {
    pub from: u32,
    pub to: u32,
}

/// What memory and registers hold before a call, where they may hold anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fill {
    /// NaNs in every float type.
    #[default]
    Nan,
    /// Zeros.
    Zero,
    /// Ones in f32, numbers in every float type.
    One,
}

impl Fill {
    /// Four bytes of it.
    pub fn word(self) -> u32 {
        match self {
            Self::Nan => 0xffff_ffff,
            Self::Zero => 0,
            Self::One => 0x3f80_0000,
        }
    }
}

/// An end of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Edge {
    #[default]
    End,
    Start,
}

/// What is timed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Contender {
    /// A row of the table.
    Kernel(usize),
    /// libc's memcpy from a tensor without gaps to another.
    Memcpy {
        /// Role of the source.
        from: String,
        /// Role of the target.
        to: String,
    },
    /// Reading every byte of the tensors of these roles once; they must have no gaps.
    Read(Vec<String>),
    /// [`roof::OPERATIONS`](crate::roof::OPERATIONS) multiplications and additions in registers.
    MultiplyAdd(Tier),
}

/// The tiers whose arithmetic has a roof of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "docs/architecture.md says what they are")]
pub enum Tier {
    Scalar,
    Sse2,
    Avx2,
    Avx512,
}

/// A call as a case says it, its buffers resolved to slots.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Op and parameters.
    pub args: OpParams,
    /// How many threads the kernel may use.
    pub threads: u32,
    /// Deliberate lies about the call's head.
    #[serde(default)]
    pub lie: Lie,
    /// Tensors by role.
    pub tensors: std::collections::HashMap<String, Tensor>,
}

/// What a call says that is not true.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lie {
    /// Bytes added to `struct_size`.
    pub struct_size: i32,
    /// Bytes added to `scratch_bytes`.
    pub scratch_bytes: i64,
    /// A parameter that is passed as NaN.
    pub nan: Option<String>,
}

/// A view of a slot.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tensor {
    /// Which slot; absent: a NULL pointer.
    pub slot: Option<u32>,
    /// Bytes from the slot's first page to the first element.
    pub offset: u64,
    /// Sizes.
    pub shape: Vec<i64>,
    /// In elements.
    pub strides: Vec<i64>,
    /// Element type.
    pub dtype: Dtype,
}

/// An element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Dtype {
    F32,
    F16,
    Bf16,
    I32,
}

/// Parameters by op, named as in a case.
#[derive(Debug, Deserialize)]
#[serde(
    tag = "op",
    content = "params",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[allow(missing_docs, reason = "contracts.md names them")]
pub enum OpParams {
    RmsNorm {
        eps: f64,
        weight_offset: f32,
        round_before_weight: bool,
    },
    Rope {
        rotary_dim: u32,
        interleaved: bool,
        theta: f64,
        scaling: Scaling,
    },
    Gqa {
        scale: f32,
        softcap: f32,
        window: i32,
        causal: bool,
    },
}

/// How RoPE's frequencies are scaled.
#[derive(Debug, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "lowercase",
    rename_all_fields = "camelCase"
)]
#[allow(missing_docs, reason = "contracts.md names them")]
pub enum Scaling {
    None,
    Linear {
        factor: f64,
    },
    Llama3 {
        factor: f64,
        low_freq_factor: f64,
        high_freq_factor: f64,
        original_max_positions: u32,
    },
    Yarn {
        factor: f64,
        beta_fast: f64,
        beta_slow: f64,
        attention_factor: f64,
        original_max_positions: u32,
    },
}

/// The answer to a request.
#[derive(Debug, Serialize)]
#[serde(tag = "is", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Response {
    /// To `Table`.
    Table {
        /// As the library calls itself.
        name: String,
        /// As the library says.
        version: String,
        /// Its rows.
        kernels: Vec<KernelInfo>,
    },
    /// To `Available`.
    Available {
        /// What it says.
        available: bool,
    },
    /// To `Map`.
    Mapped {
        /// Address of each new slot's first page.
        addresses: Vec<u64>,
    },
    /// To `Run`: one result a call.
    Ran {
        /// In the order of the calls.
        results: Vec<RunResult>,
    },
    /// To `Time`.
    Timed {
        /// Nanoseconds per call, one a sample.
        nanoseconds: Vec<f64>,
    },
    /// The request can't be done.
    Refused {
        /// Why.
        error: String,
    },
}

/// What came of one call.
#[derive(Debug, Serialize)]
#[serde(tag = "is", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum RunResult {
    /// The kernel came back.
    Returned {
        /// What `run` returned.
        status: i32,
        /// What the library says it executed.
        executed: Option<String>,
        /// What of the thread's state was not put back, by name.
        disturbed: Vec<String>,
        /// Bytes that `scratch_size` asked for.
        scratch_bytes: u64,
        /// Whether bytes around the declared scratch were written.
        scratch_overrun: bool,
        /// The first repetition that left something else than the first call.
        differed: Option<u32>,
        /// What came of the call that another thread made meanwhile.
        beside: Option<Box<RunResult>>,
    },
    /// The call can't be made.
    Refused {
        /// Why.
        error: String,
    },
}

/// A row of the table, as text.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "kernel-abi.h names them")]
pub struct KernelInfo {
    pub op: String,
    pub name: String,
    pub tier: String,
    pub available: bool,
    pub numerics: u32,
    pub promises: u32,
    pub code: Survey,
}
