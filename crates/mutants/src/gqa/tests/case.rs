//! Calls by value: what is asked, the memory that it is asked on, and what is right.

use std::ptr;

use tierwise_abi::c::{DLDataType, DLDevice, DLTensor, TwCall, TwGqaArgs, TwStatus};

use crate::testing;

/// A dense tensor of 4-byte elements.
#[derive(Clone)]
pub struct Dense<T> {
    pub shape: Vec<i64>,
    pub values: Vec<T>,
    code: u8,
}

impl Dense<f32> {
    pub fn floats(shape: &[usize], of: impl FnMut(usize) -> f32) -> Self {
        Self::new(shape, 2, of)
    }
}

impl Dense<i32> {
    pub fn integers(shape: &[usize], values: &[i32]) -> Self {
        Self::new(shape, 0, |i| values[i])
    }
}

impl<T> Dense<T> {
    fn new(shape: &[usize], code: u8, of: impl FnMut(usize) -> T) -> Self {
        Self {
            shape: shape.iter().map(|&size| size as i64).collect(),
            values: (0..shape.iter().product()).map(of).collect(),
            code,
        }
    }

    fn tensor(&mut self) -> DLTensor {
        DLTensor {
            data: self.values.as_mut_ptr().cast(),
            device: DLDevice {
                device_type: 1,
                device_id: 0,
            },
            ndim: self.shape.len() as i32,
            dtype: DLDataType {
                code: self.code,
                bits: 32,
                lanes: 1,
            },
            shape: self.shape.as_mut_ptr(),
            strides: ptr::null_mut(),
            byte_offset: 0,
        }
    }
}

/// A call by value, in f32.
#[derive(Clone)]
pub struct Case {
    pub q: Dense<f32>,
    pub k: Dense<f32>,
    pub v: Dense<f32>,
    pub kv_len: Option<Dense<i32>>,
    pub block_table: Option<Dense<i32>>,
    pub mask: Option<Dense<f32>>,
    pub out: Dense<f32>,
    pub scale: f32,
    pub softcap: f32,
    pub window: i32,
    pub causal: u32,
    pub threads: u32,
}

/// What out holds before the call.
pub const FILL: f32 = -77.0;

impl Case {
    /// Batches of some queries and keys, heads of one width, of unstructured numbers.
    pub fn plain(
        [batches, queries, keys]: [usize; 3],
        [heads, kv_heads, width]: [usize; 3],
    ) -> Self {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = move |_| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 40) as f32 / (1 << 22) as f32 - 2.0
        };
        let q = [batches, queries, heads, width];
        let k = [batches, keys, kv_heads, width];
        Self {
            q: Dense::floats(&q, &mut next),
            k: Dense::floats(&k, &mut next),
            v: Dense::floats(&k, &mut next),
            kv_len: None,
            block_table: None,
            mask: None,
            out: Dense::floats(&q, |_| FILL),
            scale: 1.0 / (width as f32).sqrt(),
            softcap: 0.0,
            window: 0,
            causal: 0,
            threads: 1,
        }
    }

    /// Calls the kernel of that name.
    pub fn run(&mut self, name: &str) -> TwStatus {
        let (q, k, v) = (self.q.tensor(), self.k.tensor(), self.v.tensor());
        let kv_len = self.kv_len.as_mut().map(Dense::tensor);
        let block_table = self.block_table.as_mut().map(Dense::tensor);
        let mask = self.mask.as_mut().map(Dense::tensor);
        let mut out = self.out.tensor();
        let pointer =
            |tensor: &Option<DLTensor>| tensor.as_ref().map_or(ptr::null(), ptr::from_ref);
        let args = TwGqaArgs {
            call: TwCall {
                struct_size: size_of::<TwGqaArgs>() as u32,
                threads: self.threads,
                scratch: ptr::null_mut(),
                scratch_bytes: 0,
            },
            q: &q,
            k: &k,
            v: &v,
            kv_len: pointer(&kv_len),
            block_table: pointer(&block_table),
            mask: pointer(&mask),
            out: &mut out,
            scale: self.scale,
            softcap: self.softcap,
            window: self.window,
            causal: self.causal,
        };
        testing::call("gqa", name, &args)
    }

    /// The output, by the contract, in f64.
    pub fn truth(&self) -> Vec<f64> {
        let sizes = |shape: &[i64]| -> [usize; 4] { std::array::from_fn(|d| shape[d] as usize) };
        let [batches, queries, heads, width] = sizes(&self.q.shape);
        let [_, slots, kv_heads, _] = sizes(&self.k.shape);
        let table = self.block_table.as_ref();
        let capacity = table.map_or(1, |table| table.shape[1] as usize) * slots;
        let mut truth = vec![];
        for (batch, query, head) in (0..batches * queries * heads)
            .map(|row| (row / heads / queries, row / heads % queries, row % heads))
        {
            let length = (self.kv_len.as_ref()).map_or(capacity as i64, |l| l.values[batch].into());
            let position = length - queries as i64 + query as i64;
            let row = |tensor: &Dense<f32>, key: usize| -> Vec<f64> {
                let slot = table.map_or(batch * slots + key, |table| {
                    table.values[batch * capacity / slots + key / slots] as usize * slots
                        + key % slots
                });
                let at = (slot * kv_heads + head * kv_heads / heads) * width;
                (tensor.values[at..at + width].iter())
                    .map(|&x| x.into())
                    .collect()
            };
            let q = &self.q.values[((batch * queries + query) * heads + head) * width..][..width];
            let mut live = vec![];
            for key in 0..length as usize {
                let behind = position - key as i64;
                let mask = self.mask.as_ref().map_or(0.0, |mask| {
                    let [batches, heads, queries, keys] = sizes(&mask.shape);
                    let plane = batch.min(batches - 1) * heads + head.min(heads - 1);
                    mask.values[(plane * queries + query) * keys + key].into()
                });
                let hidden = self.causal == 1 && behind < 0
                    || self.window > 0 && behind >= self.window.into();
                if hidden || mask == f64::NEG_INFINITY {
                    continue;
                }
                let dot: f64 = (row(&self.k, key).iter().zip(q))
                    .map(|(k, &q)| k * f64::from(q))
                    .sum();
                let (scaled, cap) = (dot * f64::from(self.scale), f64::from(self.softcap));
                let capped = if cap > 0.0 {
                    cap * (scaled / cap).tanh()
                } else {
                    scaled
                };
                live.push(((capped + mask).exp(), row(&self.v, key)));
            }
            let sum: f64 = live.iter().map(|(weight, _)| weight).sum();
            truth.extend((0..width).map(|d| {
                let mix: f64 = live.iter().map(|(weight, v)| weight * v[d]).sum();
                if live.is_empty() { 0.0 } else { mix / sum }
            }));
        }
        truth
    }
}
