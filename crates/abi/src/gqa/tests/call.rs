//! A legal call whose every part can be spoiled.

use std::ptr;

use crate::c::{DLDataType, DLDevice, DLTensor, TwCall, TwGqaArgs};
use crate::gqa::GqaCall;
use crate::invalid::Invalid;
use crate::tensor::Dtype;

/// A tensor in the call's memory.
#[derive(Clone)]
pub struct Part {
    /// Bytes into the memory; `None`: NULL.
    pub at: Option<usize>,
    pub shape: Vec<i64>,
    pub strides: Option<Vec<i64>>,
    pub dtype: DLDataType,
    pub device: (i32, i32),
}

impl Part {
    fn dense(at: usize, shape: &[i64], dtype: Dtype) -> Self {
        Self {
            at: Some(at),
            shape: shape.to_vec(),
            strides: None,
            dtype: dtype.to_dlpack(),
            device: (1, 0),
        }
    }

    fn dl(&mut self, base: *mut u8) -> DLTensor {
        let data = self.at.map_or(ptr::null_mut(), |at| base.wrapping_add(at));
        let (device_type, device_id) = self.device;
        let strides = self.strides.as_mut();
        DLTensor {
            data: data.cast(),
            device: DLDevice {
                device_type,
                device_id,
            },
            ndim: self.shape.len() as i32,
            dtype: self.dtype,
            shape: self.shape.as_mut_ptr(),
            strides: strides.map_or(ptr::null_mut(), |strides| strides.as_mut_ptr()),
            byte_offset: 0,
        }
    }
}

/// A call of two batches of three queries of four heads of 8 f32 over two kv heads, with room for 5 keys.
pub struct Call {
    /// Parameters; tensors are set when it is read.
    pub args: TwGqaArgs,
    pub q: Part,
    pub k: Part,
    pub v: Part,
    pub kv_len: Option<Part>,
    pub block_table: Option<Part>,
    pub mask: Option<Part>,
    pub out: Part,
    /// What stands in memory as lengths.
    pub lengths: [i32; 2],
    /// What stands in memory as block table.
    pub blocks: [i32; 6],
}

/// Bytes of all tensors.
const MEMORY: usize = 8192;
const LENGTHS: usize = 3072;
const BLOCKS: usize = 3136;

impl Call {
    pub fn legal() -> Self {
        let q = Part::dense(0, &[2, 3, 4, 8], Dtype::F32);
        let cache = |at| Part::dense(at, &[2, 5, 2, 8], Dtype::F32);
        Self {
            args: TwGqaArgs {
                call: TwCall {
                    struct_size: size_of::<TwGqaArgs>() as u32,
                    threads: 1,
                    scratch: ptr::null_mut(),
                    scratch_bytes: 0,
                },
                q: ptr::null(),
                k: ptr::null(),
                v: ptr::null(),
                kv_len: ptr::null(),
                block_table: ptr::null(),
                mask: ptr::null(),
                out: ptr::null_mut(),
                scale: 0.125,
                softcap: 0.0,
                window: 0,
                causal: 1,
            },
            k: cache(1024),
            v: cache(2048),
            kv_len: Some(Part::dense(LENGTHS, &[2], Dtype::I32)),
            block_table: None,
            mask: Some(Part::dense(4096, &[2, 4, 3, 5], Dtype::F32)),
            out: Part {
                at: Some(5120),
                ..q.clone()
            },
            q,
            lengths: [5, 3],
            blocks: [3, 0, 1, 2, 2, 0],
        }
    }

    /// Keys in four blocks of two, three of them in each batch's table, and no mask.
    pub fn paged(&mut self) -> &mut Self {
        for cache in self.caches() {
            cache.shape = vec![4, 2, 2, 8];
        }
        self.block_table = Some(Part::dense(BLOCKS, &[2, 3], Dtype::I32));
        self.mask = None;
        self
    }

    /// So many queries, the same keys, no mask.
    pub fn queries(&mut self, q_len: i64) -> &mut Self {
        (self.q.shape[1], self.out.shape[1]) = (q_len, q_len);
        self.mask = None;
        self
    }

    /// No batches, the same everything else.
    pub fn no_batches(&mut self) -> &mut Self {
        let paged = self.block_table.is_some();
        let per_batch = self
            .parts()
            .filter(|(name, _)| !(paged && matches!(*name, "k" | "v")));
        per_batch.for_each(|(_, part)| part.shape[0] = 0);
        self
    }

    /// Every tensor is NULL.
    pub fn no_memory(&mut self) {
        self.parts().for_each(|(_, part)| part.at = None);
    }

    /// k and v.
    pub fn caches(&mut self) -> [&mut Part; 2] {
        [&mut self.k, &mut self.v]
    }

    fn parts(&mut self) -> impl Iterator<Item = (&'static str, &mut Part)> {
        let parts = [
            ("q", Some(&mut self.q)),
            ("k", Some(&mut self.k)),
            ("v", Some(&mut self.v)),
            ("kv_len", self.kv_len.as_mut()),
            ("block_table", self.block_table.as_mut()),
            ("mask", self.mask.as_mut()),
            ("out", Some(&mut self.out)),
        ];
        parts
            .into_iter()
            .filter_map(|(name, part)| Some((name, part?)))
    }

    /// As [`GqaCall::read`] and [`GqaCall::read_without_values`] have it; `then` is handed the call while its
    /// memory is there.
    pub fn read<R>(
        &mut self,
        then: impl FnOnce(&GqaCall) -> R,
    ) -> (Result<R, Invalid>, Result<GqaCall, Invalid>) {
        let mut memory = [0u64; MEMORY / 8];
        let base = memory.as_mut_ptr().cast::<u8>();
        let values = [(LENGTHS, &self.lengths[..]), (BLOCKS, &self.blocks[..])];
        for (at, values) in values {
            for (index, value) in values.iter().enumerate() {
                // SAFETY: within the memory.
                unsafe { base.add(at).cast::<i32>().add(index).write(*value) };
            }
        }
        let optional = [&mut self.kv_len, &mut self.block_table, &mut self.mask]
            .map(|part| part.as_mut().map(|part| part.dl(base)));
        let [kv_len, block_table, mask] = optional
            .each_ref()
            .map(|part| part.as_ref().map_or(ptr::null(), ptr::from_ref));
        let (q, k, v) = (self.q.dl(base), self.k.dl(base), self.v.dl(base));
        let mut out = self.out.dl(base);
        let args = TwGqaArgs {
            q: &q,
            k: &k,
            v: &v,
            kv_len,
            block_table,
            mask,
            out: &mut out,
            ..self.args
        };
        let args = ptr::from_ref(&args).cast();
        // SAFETY: the args are as the interface says, but for what must be refused.
        let (read, unread) = unsafe { (GqaCall::read(args), GqaCall::read_without_values(args)) };
        (read.map(|call| then(&call)), unread)
    }
}
