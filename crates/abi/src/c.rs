//! The layouts of `include/kernel-abi.h`, field for field. `tests/layout.rs` compiles the header and
//! compares every size and offset.

use std::ffi::{c_char, c_int, c_void};

/// The version of the interface that this crate speaks.
pub const TIERWISE_ABI: u32 = 1;

/// Where a tensor's bytes live. Host memory is `{1, 0}`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DLDevice {
    /// 1: host.
    pub device_type: i32,
    /// 0 on the host.
    pub device_id: i32,
}

/// An element type: `code` 0 int, 2 float, 4 bfloat; `bits` wide; `lanes` 1.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DLDataType {
    /// 0 int, 2 float, 4 bfloat.
    pub code: u8,
    /// Width of one element in bits.
    pub bits: u8,
    /// 1: no vector types cross the interface.
    pub lanes: u16,
}

/// A view of memory as DLPack has it. Strides count elements; NULL strides mean contiguous.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DLTensor {
    /// First byte of the allocation; NULL is legal when the tensor is empty.
    pub data: *mut c_void,
    /// Host.
    pub device: DLDevice,
    /// Number of dimensions.
    pub ndim: i32,
    /// Element type.
    pub dtype: DLDataType,
    /// `ndim` sizes.
    pub shape: *mut i64,
    /// `ndim` strides in elements, or NULL.
    pub strides: *mut i64,
    /// Bytes from `data` to the first element.
    pub byte_offset: u64,
}

/// What `run` answers.
pub type TwStatus = c_int;
/// Done.
pub const TW_OK: TwStatus = 0;
/// This kernel does not do that combination; nothing was written.
pub const TW_UNSUPPORTED: TwStatus = 1;
/// The call breaks the contract; nothing was written.
pub const TW_INVALID: TwStatus = 2;

/// Head of every args struct.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TwCall {
    /// `sizeof` of the whole args struct, or more.
    pub struct_size: u32,
    /// How many threads the kernel may use, at least 1.
    pub threads: u32,
    /// `scratch_bytes` rounded up to 64, 64-byte aligned, contents arbitrary.
    pub scratch: *mut c_void,
    /// What `scratch_size` said.
    pub scratch_bytes: u64,
}

/// Arguments of op `rms_norm`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TwRmsNormArgs {
    /// Common head.
    pub call: TwCall,
    /// `[rows, n]`.
    pub x: *const DLTensor,
    /// `[n]` or NULL.
    pub weight: *const DLTensor,
    /// `[rows, n]` or NULL.
    pub residual: *const DLTensor,
    /// `[rows, n]` or NULL.
    pub residual_out: *mut DLTensor,
    /// `[rows, n]`, may be `x`.
    pub y: *mut DLTensor,
    /// 0 or a normal f32 above 0.
    pub eps: f64,
    /// 0 or 1.
    pub weight_offset: f32,
    /// 0 or 1.
    pub round_before_weight: u32,
}

/// Arguments of op `rope`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TwRopeArgs {
    /// Common head.
    pub call: TwCall,
    /// `[batch, tokens, heads, head_dim]`.
    pub x: *const DLTensor,
    /// int32 `[batch, tokens]` or `[tokens]`.
    pub positions: *const DLTensor,
    /// f32 `[table_rows, rotary_dim/2]` or NULL.
    pub cos: *const DLTensor,
    /// As `cos`.
    pub sin: *const DLTensor,
    /// As `x`, may be `x`.
    pub y: *mut DLTensor,
    /// Even, at most `head_dim`.
    pub rotary_dim: u32,
    /// 0 half, 1 interleaved.
    pub interleaved: u32,
    /// Base of the frequencies, above 1.
    pub theta: f64,
    /// 0 none, 1 linear, 2 llama3, 3 yarn.
    pub scaling: u32,
    /// Context length before scaling (llama3, yarn), in tokens.
    pub original_max_positions: u32,
    /// Scaling factor.
    pub factor: f64,
    /// llama3.
    pub low_freq_factor: f64,
    /// llama3.
    pub high_freq_factor: f64,
    /// yarn.
    pub beta_fast: f64,
    /// yarn.
    pub beta_slow: f64,
    /// yarn.
    pub attention_factor: f64,
}

/// Arguments of op `gqa`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TwGqaArgs {
    /// Common head.
    pub call: TwCall,
    /// `[batch, q_len, q_heads, head_dim]`.
    pub q: *const DLTensor,
    /// `[batch, kv_cap, kv_heads, head_dim]` or `[blocks, block_size, kv_heads, head_dim]`.
    pub k: *const DLTensor,
    /// As `k`.
    pub v: *const DLTensor,
    /// int32 `[batch]` or NULL.
    pub kv_len: *const DLTensor,
    /// int32 `[batch, max_blocks]` or NULL.
    pub block_table: *const DLTensor,
    /// f32 `[batch|1, q_heads|1, q_len, kv_cap]` or NULL.
    pub mask: *const DLTensor,
    /// As `q`.
    pub out: *mut DLTensor,
    /// Factor of every dot product.
    pub scale: f32,
    /// 0: off.
    pub softcap: f32,
    /// 0: off.
    pub window: i32,
    /// 0 or 1.
    pub causal: u32,
}

/// At least f32 throughout.
pub const TW_NUMERICS_F32: u32 = 0;
/// Operands of matrix products rounded to bf16, f32 accumulators.
pub const TW_NUMERICS_BF16_DOT: u32 = 1;
/// The same with f16.
pub const TW_NUMERICS_F16_DOT: u32 = 2;
/// And f16 accumulators.
pub const TW_NUMERICS_F16_ACCUMULATE: u32 = 3;

/// Bits do not depend on the number of threads.
pub const TW_PROMISE_THREADS: u32 = 1;
/// Bits do not depend on what else is in the call.
pub const TW_PROMISE_BATCH: u32 = 2;
/// Bits do not depend on alignment, strides, paging, capacity, in place or not.
pub const TW_PROMISE_PLACEMENT: u32 = 4;
/// Bits do not depend on the tier, among kernels of one name that promise it.
pub const TW_PROMISE_ALL_TIERS: u32 = 8;
/// Bits agree within {scalar, sse2} and within {avx2, avx512}.
pub const TW_PROMISE_FMA_TIERS: u32 = 16;

/// One kernel: a row of a library's table.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TwKernel {
    /// `rms_norm`, `rope` or `gqa`.
    pub op: *const c_char,
    /// Unique together with op and tier.
    pub name: *const c_char,
    /// `scalar`, `sse2`, `avx2`, `avx512`, ...
    pub tier: *const c_char,
    /// 1 where this CPU can run it.
    pub available: Option<unsafe extern "C" fn() -> c_int>,
    /// Bytes of scratch for a call; `None`: none.
    pub scratch_size: Option<unsafe extern "C" fn(args: *const c_void) -> u64>,
    /// Runs the kernel on `tw_<op>_args`.
    pub run: Option<unsafe extern "C" fn(args: *const c_void) -> TwStatus>,
    /// `TW_NUMERICS_*`.
    pub numerics: u32,
    /// `TW_PROMISE_*` bits.
    pub promises: u32,
}

// SAFETY: the pointers of a row point to constants of the library that holds it.
unsafe impl Sync for TwKernel {}

/// What `tierwise_library()` returns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TwLibrary {
    /// `TIERWISE_ABI`.
    pub abi: u32,
    /// Rows in `kernels`.
    pub kernel_count: u32,
    /// Name of the library.
    pub name: *const c_char,
    /// Its version.
    pub version: *const c_char,
    /// The table.
    pub kernels: *const TwKernel,
}

// SAFETY: as for `TwKernel`.
unsafe impl Sync for TwLibrary {}

/// Type of the exported `tierwise_library`.
pub type LibraryFn = unsafe extern "C" fn() -> *const TwLibrary;
/// Type of the optional export `tierwise_executed`.
pub type ExecutedFn = unsafe extern "C" fn() -> *const c_char;
