//! A call of `gqa`, validated.

use std::ffi::c_void;
use std::ops::Range;

use tierwise_abi::c::TwGqaArgs;

use crate::float::Float;
use crate::integers::Integers;
use crate::means::Means;
use crate::tensor::{Refusal, Tensor, arguments};

/// One row of the output: a query of a batch, in one head.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Which batch.
    pub batch: usize,
    /// Which query of it.
    pub query: usize,
    /// Which head of that.
    pub head: usize,
}

/// What `tw_gqa_args` says, in order.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Threads and scratch.
    pub means: Means,
    /// Batches; may be 0.
    pub batches: usize,
    /// Queries of each batch; may be 0.
    pub queries: usize,
    /// Query heads, a multiple of `kv_heads`.
    pub heads: usize,
    /// At least 1.
    pub kv_heads: usize,
    /// Elements of a head, at least 1.
    pub width: usize,
    /// Keys that each batch has room for.
    pub capacity: usize,
    /// `[batches, queries, heads, width]`
    pub q: Tensor<4>,
    /// `[batches, capacity, kv_heads, width]`, or `[blocks, slots of a block, kv_heads, width]`
    pub k: Tensor<4>,
    /// As `k`.
    pub v: Tensor<4>,
    /// `[batches]`
    pub kv_len: Option<Integers<1>>,
    /// `[batches, blocks of a batch]`
    pub block_table: Option<Integers<2>>,
    /// `[batches or 1, heads or 1, queries, capacity]`
    pub mask: Option<Tensor<4>>,
    /// As `q`.
    pub out: Tensor<4>,
    /// Factor of every dot product.
    pub scale: f32,
    /// 0: off.
    pub softcap: f32,
    /// 0: off.
    pub window: usize,
    /// Whether a query sees no key behind its own.
    pub causal: bool,
}

impl Call {
    /// Reads and validates the arguments, but for lengths and block numbers.
    ///
    /// # Safety
    /// `args` points to a `tw_gqa_args` whose tensors hold what they say until the call returns.
    pub unsafe fn read(args: *const c_void) -> Result<Self, Refusal> {
        // SAFETY: the caller's condition.
        let args: &TwGqaArgs = unsafe { arguments(args) }?;
        // SAFETY: the caller's condition, for each tensor.
        let (q, k, v, mask, out) = unsafe {
            (
                Tensor::<4>::read(args.q)?,
                Tensor::<4>::read(args.k)?,
                Tensor::<4>::read(args.v)?,
                Tensor::<4>::read_optional(args.mask)?,
                Tensor::<4>::read(args.out)?,
            )
        };
        // SAFETY: the caller's condition, for each tensor.
        let (kv_len, block_table) = unsafe {
            (
                Integers::<1>::read_optional(args.kv_len)?,
                Integers::<2>::read_optional(args.block_table)?,
            )
        };
        let [batches, queries, heads, width] = q.shape();
        let [_, slots, kv_heads, _] = k.shape();
        let blocks = block_table.map_or(1, |table| table.shape()[1]);
        let call = Self {
            means: Means::of(&args.call),
            batches,
            queries,
            heads,
            kv_heads,
            width,
            capacity: blocks.checked_mul(slots).ok_or(Refusal::Invalid)?,
            q,
            k,
            v,
            kv_len,
            block_table,
            mask,
            out,
            scale: args.scale,
            softcap: args.softcap,
            window: usize::try_from(args.window).map_err(|_| Refusal::Invalid)?,
            causal: match args.causal {
                0 => false,
                1 => true,
                _ => return Err(Refusal::Invalid),
            },
        };
        let valid = call.agrees() && call.parameters_make_sense() && call.out_is_apart();
        Refusal::Invalid.unless(valid)?;
        Refusal::Unsupported.unless(call.types_are_usual())?;
        Ok(call)
    }

    /// Keys of a batch.
    pub fn length(&self, batch: usize) -> usize {
        self.kv_len
            .map_or(self.capacity, |kv_len| kv_len.get([batch]) as usize)
    }

    /// Where a key of a batch lies in k and v: its first two indices there.
    pub fn slot(&self, batch: usize, key: usize) -> [usize; 2] {
        match self.block_table {
            None => [batch, key],
            Some(table) => {
                let slots = self.k.shape()[1];
                [table.get([batch, key / slots]) as usize, key % slots]
            }
        }
    }

    /// Whether the shapes do.
    fn agrees(&self) -> bool {
        let Self { q, k, v, out, .. } = self;
        let batches_of_k = match self.block_table {
            None => k.shape()[0],
            Some(table) => table.shape()[0],
        };
        self.width > 0
            && self.heads > 0
            && self.kv_heads > 0
            && self.heads.is_multiple_of(self.kv_heads)
            && k.shape()[3] == self.width
            && v.shape() == k.shape()
            && out.shape() == q.shape()
            && batches_of_k == self.batches
            && (self.kv_len).is_none_or(|kv_len| kv_len.shape() == [self.batches])
            && self.mask.is_none_or(|mask| {
                let [batches, heads, queries, keys] = mask.shape();
                [1, self.batches].contains(&batches)
                    && [1, self.heads].contains(&heads)
                    && [queries, keys] == [self.queries, self.capacity]
                    && mask.dtype() == Float::F32
            })
    }

    fn parameters_make_sense(&self) -> bool {
        !self.scale.is_nan()
            && self.softcap >= 0.0
            && self.softcap.is_finite()
            && (self.causal || self.window == 0)
    }

    /// Whether no batch has more keys than it has room for.
    pub fn lengths_fit(&self) -> bool {
        self.kv_len.is_none_or(|kv_len| {
            (0..self.batches).all(|batch| {
                usize::try_from(kv_len.get([batch])).is_ok_and(|length| length <= self.capacity)
            })
        })
    }

    /// Whether there is a block wherever a query sees a key; nothing else of the table is looked at.
    pub fn blocks_exist(&self) -> bool {
        let [blocks, slots, _, _] = self.k.shape();
        self.block_table.is_none_or(|table| {
            (0..self.batches).all(|batch| {
                let seen = self.seen(batch);
                let first = seen.start.checked_div(slots).unwrap_or(0);
                let end = if seen.is_empty() {
                    first
                } else {
                    seen.end.div_ceil(slots)
                };
                (first..end).all(|at| {
                    usize::try_from(table.get([batch, at])).is_ok_and(|block| block < blocks)
                })
            })
        })
    }

    /// The keys that any query of a batch sees: each window begins at most one behind the one before it.
    fn seen(&self, batch: usize) -> Range<usize> {
        let length = self.length(batch);
        let first = match self.window {
            0 => 0,
            window => (length + 1).saturating_sub(self.queries.saturating_add(window)),
        };
        if self.queries == 0 {
            0..0
        } else {
            first..length
        }
    }

    /// Whether out shares nothing.
    fn out_is_apart(&self) -> bool {
        let out = &self.out;
        out.nests()
            && ![self.q, self.k, self.v].iter().any(|t| out.overlaps(t))
            && !self.mask.is_some_and(|mask| out.overlaps(&mask))
            && !self.kv_len.is_some_and(|ints| out.overlaps(&ints.place))
            && !(self.block_table).is_some_and(|ints| out.overlaps(&ints.place))
    }

    /// Whether out has q's type, and k and v have that or 16 bits under f32.
    fn types_are_usual(&self) -> bool {
        let (q, k) = (self.q.dtype(), self.k.dtype());
        self.out.dtype() == q && self.v.dtype() == k && (k == q || q == Float::F32)
    }
}
