//! A call of op `gqa`, checked against its contract.

use std::ffi::c_void;
use std::ops::Range;

use crate::c::{TwCall, TwGqaArgs};
use crate::call::{self, Args};
use crate::invalid::{Dims, Invalid, Rule, Value};
use crate::overlap::Output;
use crate::tensor::{Dtype, Tensor};

// SAFETY: it is repr(C), and its first field is the call.
unsafe impl Args for TwGqaArgs {}

/// A call that keeps the contract: shapes agree, types are as they must be, out is apart from everything, and
/// whatever key a query sees has a place in k and v.
#[derive(Clone, Copy, Debug)]
pub struct GqaCall {
    /// Threads, at least 1, and scratch.
    pub head: TwCall,
    /// `[batch, q_len, q_heads, head_dim]`, f32, f16 or bf16.
    pub q: Tensor<4>,
    /// `[batch, kv_cap, kv_heads, head_dim]`, or `[blocks, block_size, kv_heads, head_dim]` where there is a block
    /// table. Of q's type; under f32 q any of the three.
    pub k: Tensor<4>,
    /// As `k`.
    pub v: Tensor<4>,
    /// int32 `[batch]`.
    pub kv_len: Option<Tensor<1>>,
    /// int32 `[batch, max_blocks]`.
    pub block_table: Option<Tensor<2>>,
    /// f32 `[batch, q_heads, q_len, kv_cap]`; where the caller has 1 batch or head for all, its stride is 0, so that
    /// any batch and head may be asked for.
    pub mask: Option<Tensor<4>>,
    /// As `q`.
    pub out: Tensor<4>,
    /// Finite.
    pub scale: f32,
    /// Finite; off where it is not above 0.
    pub softcap: f32,
    /// 0: off. Only with `causal`.
    pub window: usize,
    /// Whether a query sees no key behind its own.
    pub causal: bool,
    /// Positions that a batch has room for, at most [`i64::MAX`].
    pub kv_cap: usize,
}

// SAFETY: addresses and numbers; whoever reads or writes through them answers for the memory.
unsafe impl Sync for GqaCall {}

impl GqaCall {
    /// Reads `tw_gqa_args`.
    ///
    /// # Errors
    /// [`Invalid`] for whatever contracts.md refuses, "must" and "should" alike. Only the kernel knows how
    /// much scratch it needs.
    ///
    /// # Safety
    /// `args` is NULL or points to `struct_size` readable bytes, of which a `tw_gqa_args` has valid pointers:
    /// NULL, or to a `DLTensor` with `ndim` sizes and strides. Elements of `kv_len` and `block_table` are readable.
    #[inline]
    pub unsafe fn read(args: *const c_void) -> Result<Self, Invalid> {
        // SAFETY: this function's own condition, here and below.
        let read = unsafe { Self::read_without_values(args) }?;
        // SAFETY: as above.
        unsafe { read.check_lengths() }?;
        // SAFETY: as above.
        unsafe { read.check_blocks() }?;
        Ok(read)
    }

    /// As [`read`](Self::read), without a look at any length or block number.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// # Safety
    /// As [`read`](Self::read), but no element need be readable.
    #[inline]
    pub unsafe fn read_without_values(args: *const c_void) -> Result<Self, Invalid> {
        // SAFETY: this function's own condition, here and below.
        let args: &TwGqaArgs = unsafe { call::read(args) }?;
        // SAFETY: as above.
        let k = unsafe { Tensor::read("k", args.k) }?;
        // SAFETY: as above.
        let block_table = unsafe { call::optional("block_table", args.block_table) }?;
        let read = Self {
            head: args.call,
            // SAFETY: as above.
            q: unsafe { Tensor::read("q", args.q) }?,
            k,
            // SAFETY: as above.
            v: unsafe { Tensor::read("v", args.v) }?,
            // SAFETY: as above.
            kv_len: unsafe { call::optional("kv_len", args.kv_len) }?,
            block_table,
            // SAFETY: as above.
            mask: unsafe { call::optional("mask", args.mask) }?,
            // SAFETY: as above.
            out: unsafe { Tensor::read("out", args.out) }?,
            scale: call::finite("scale", args.scale.into())? as f32,
            softcap: softcap(args.softcap)?,
            window: window(args)?,
            causal: call::flag("causal", args.causal)?,
            kv_cap: kv_cap(&k, block_table.as_ref())?,
        };
        read.check_types()?;
        read.check_shapes()?;
        read.check_memory()?;
        Ok(Self {
            mask: read.mask.map(|mask| read.for_every_head(mask)),
            ..read
        })
    }

    /// Sequences in the call.
    #[inline]
    pub fn batch(&self) -> usize {
        self.q.shape[0]
    }

    /// Queries of a batch.
    #[inline]
    pub fn q_len(&self) -> usize {
        self.q.shape[1]
    }

    /// At least 1.
    #[inline]
    pub fn q_heads(&self) -> usize {
        self.q.shape[2]
    }

    /// At least 1.
    #[inline]
    pub fn kv_heads(&self) -> usize {
        self.k.shape[2]
    }

    /// At least 1.
    #[inline]
    pub fn head_dim(&self) -> usize {
        self.q.shape[3]
    }

    /// Query heads that share a kv head, at least 1: that of query head h is h / group.
    #[inline]
    pub fn group(&self) -> usize {
        self.q_heads() / self.kv_heads()
    }

    /// Positions of a batch that hold a key.
    ///
    /// # Safety
    /// `batch` is within q, and the element, if there is one, is readable.
    #[inline]
    pub unsafe fn kv_len(&self, batch: usize) -> usize {
        match &self.kv_len {
            // SAFETY: the caller's word.
            Some(lengths) => unsafe { length(lengths, batch) as usize },
            None => self.kv_cap,
        }
    }

    /// The position of a query in a batch of this length: bottom-right aligned, so it may be negative.
    #[inline]
    pub fn position(&self, kv_len: usize, query: usize) -> i64 {
        kv_len as i64 - self.q_len() as i64 + query as i64
    }

    /// The keys that a query sees in a batch of this length. The mask is not looked at.
    #[inline]
    pub fn visible(&self, kv_len: usize, query: usize) -> Range<usize> {
        if !self.causal {
            return 0..kv_len;
        }
        // At most kv_len, since no query stands behind the last key.
        let end = self.position(kv_len, query).saturating_add(1).max(0) as usize;
        match self.window {
            0 => 0..end,
            window => end.saturating_sub(window)..end,
        }
    }

    /// The keys that any query sees in a batch of this length: without gaps, since queries stand side by side.
    #[inline]
    pub fn seen(&self, kv_len: usize) -> Range<usize> {
        match self.q_len().checked_sub(1) {
            Some(last) => self.visible(kv_len, 0).start..self.visible(kv_len, last).end,
            None => 0..0,
        }
    }

    /// First and second index of a key in k and v.
    ///
    /// # Safety
    /// `batch` is within q, some query of it sees `key`, and the element of the block table, if there is one, is
    /// readable.
    #[inline]
    pub unsafe fn place(&self, batch: usize, key: usize) -> [usize; 2] {
        match &self.block_table {
            Some(table) => {
                let block_size = self.k.shape[1];
                // SAFETY: the caller's word.
                let block = unsafe { block(table, batch, key / block_size) };
                [block as usize, key % block_size]
            }
            None => [batch, key],
        }
    }

    fn check_types(&self) -> Result<(), Invalid> {
        let Self { q, k, v, out, .. } = self;
        q.require_float("q")?;
        match q.dtype {
            Dtype::F32 => k.require_float("k")?,
            dtype => k.require_type("k", dtype)?,
        }
        v.require_type("v", k.dtype)?;
        out.require_type("out", q.dtype)?;
        if let Some(kv_len) = &self.kv_len {
            kv_len.require_type("kv_len", Dtype::I32)?;
        }
        if let Some(block_table) = &self.block_table {
            block_table.require_type("block_table", Dtype::I32)?;
        }
        if let Some(mask) = &self.mask {
            mask.require_type("mask", Dtype::F32)?;
        }
        Ok(())
    }

    fn check_shapes(&self) -> Result<(), Invalid> {
        let Self { q, k, v, out, .. } = self;
        let [batch, q_len, q_heads, head_dim] = q.shape;
        let [first, second, kv_heads, _] = k.shape;
        let sizes = [
            ("q_heads", q_heads),
            ("kv_heads", kv_heads),
            ("head_dim", head_dim),
        ];
        if let Some((name, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Err(Invalid::new(name, 0u64, Rule::Zero));
        }
        if !q_heads.is_multiple_of(kv_heads) {
            let rule = Rule::NotMultiple("kv_heads");
            return Err(Invalid::new("q_heads", q_heads as u64, rule));
        }
        let first = match self.block_table {
            Some(_) => first,
            None => batch,
        };
        k.require_shape("k", [first, second, kv_heads, head_dim], "q")?;
        v.require_shape("v", k.shape, "k")?;
        out.require_shape("out", q.shape, "q")?;
        if let Some(kv_len) = &self.kv_len {
            kv_len.require_shape("kv_len", [batch], "q")?;
        }
        if let Some(block_table) = &self.block_table {
            let blocks = block_table.shape[1];
            block_table.require_shape("block_table", [batch, blocks], "q")?;
        }
        if let Some(mask) = &self.mask {
            let one_or = |axis: usize, size| match mask.shape[axis] {
                1 => 1,
                _ => size,
            };
            let shape = [one_or(0, batch), one_or(1, q_heads), q_len, self.kv_cap];
            mask.require_shape("mask", shape, "q and k")?;
        }
        Ok(())
    }

    fn check_memory(&self) -> Result<(), Invalid> {
        let out = Output::new("out", &self.out)?;
        out.apart_from("q", Some(&self.q))?;
        out.apart_from("k", Some(&self.k))?;
        out.apart_from("v", Some(&self.v))?;
        out.apart_from("kv_len", self.kv_len.as_ref())?;
        out.apart_from("block_table", self.block_table.as_ref())?;
        out.apart_from("mask", self.mask.as_ref())
    }

    /// A mask of one batch or head as a mask of all: the strides of dimensions of size 1 are 0 already.
    fn for_every_head(&self, mask: Tensor<4>) -> Tensor<4> {
        Tensor {
            shape: [self.batch(), self.q_heads(), self.q_len(), self.kv_cap],
            ..mask
        }
    }

    /// # Safety
    /// Elements of `kv_len` are readable.
    unsafe fn check_lengths(&self) -> Result<(), Invalid> {
        let Some(lengths) = &self.kv_len else {
            return Ok(());
        };
        // What a stride of 0 repeats is looked at once.
        let batches = match lengths.strides[0] {
            0 => lengths.shape[0].min(1),
            _ => lengths.shape[0],
        };
        for batch in 0..batches {
            // SAFETY: an element of the tensor.
            let length = unsafe { length(lengths, batch) };
            if length < 0 || length as usize > self.kv_cap {
                return Err(outside(
                    "kv_len",
                    length,
                    Rule::OutsideCapacity(self.kv_cap),
                ));
            }
        }
        Ok(())
    }

    /// Every block in which a query sees a key; the others may hold anything.
    ///
    /// # Safety
    /// Elements of `kv_len` and `block_table` are readable, and lengths within the capacity.
    unsafe fn check_blocks(&self) -> Result<(), Invalid> {
        let Some(table) = &self.block_table else {
            return Ok(());
        };
        if self.q_len() == 0 {
            return Ok(());
        }
        let [blocks, block_size, ..] = self.k.shape;
        for batch in 0..self.batch() {
            // SAFETY: as this function asks.
            let seen = self.seen(unsafe { self.kv_len(batch) });
            if seen.is_empty() {
                continue;
            }
            // There is a key, so a block has room for one.
            for index in seen.start / block_size..=(seen.end - 1) / block_size {
                // SAFETY: an element of the tensor, since the key is within the capacity.
                let block = unsafe { block(table, batch, index) };
                if block < 0 || block as usize >= blocks {
                    return Err(outside("block_table", block, Rule::OutsideBlocks(blocks)));
                }
            }
        }
        Ok(())
    }
}

#[cold]
fn outside(name: &'static str, value: i32, rule: Rule) -> Invalid {
    let rule = match value {
        ..0 => Rule::Negative,
        _ => rule,
    };
    Invalid::new(name, Value::Signed(value.into()), rule)
}

/// # Safety
/// The element is there and readable.
#[inline]
unsafe fn length(lengths: &Tensor<1>, batch: usize) -> i32 {
    let element = batch * lengths.strides[0];
    // SAFETY: the caller's word.
    unsafe { lengths.base.cast::<i32>().add(element).read() }
}

/// # Safety
/// The element is there and readable.
#[inline]
unsafe fn block(table: &Tensor<2>, batch: usize, index: usize) -> i32 {
    let element = batch * table.strides[0] + index * table.strides[1];
    // SAFETY: the caller's word.
    unsafe { table.base.cast::<i32>().add(element).read() }
}

/// Positions that a batch has room for. Blocks may be more than there is memory, since they may repeat or be none,
/// but positions are counted in 64 bits.
fn kv_cap(k: &Tensor<4>, block_table: Option<&Tensor<2>>) -> Result<usize, Invalid> {
    let Some(table) = block_table else {
        return Ok(k.shape[1]);
    };
    match table.shape[1].checked_mul(k.shape[1]) {
        Some(positions) if i64::try_from(positions).is_ok() => Ok(positions),
        _ => {
            let shape = table.shape.map(|size| size as i64);
            let value = Value::Shape(Dims::new(&shape));
            Err(Invalid::new("block_table", value, Rule::TooManyPositions))
        }
    }
}

fn softcap(value: f32) -> Result<f32, Invalid> {
    call::finite("softcap", value.into())?;
    if value < 0.0 {
        return Err(Invalid::new("softcap", f64::from(value), Rule::Negative));
    }
    Ok(value)
}

fn window(args: &TwGqaArgs) -> Result<usize, Invalid> {
    let Ok(window) = usize::try_from(args.window) else {
        let value = Value::Signed(args.window.into());
        return Err(Invalid::new("window", value, Rule::Negative));
    };
    if window > 0 && args.causal == 0 {
        return Err(Invalid::new("causal", 0u64, Rule::Needed("window")));
    }
    Ok(window)
}

#[cfg(test)]
mod tests;
