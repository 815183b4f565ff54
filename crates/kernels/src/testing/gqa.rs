//! Calls of `gqa` through the table, as any caller makes them.

use std::ffi::c_void;
use std::ops::Range;
use std::ptr;

use tierwise_abi::c::{TW_OK, TwCall, TwGqaArgs, TwKernel, TwStatus};
use tierwise_abi::tensor::Dtype;

use super::{Buffer, Edge, Layout, Numbers, in_scratch, round};

/// What is asked, apart from numbers and memory.
#[derive(Clone, Debug)]
pub struct Attending {
    /// Of q and out, and of k and v.
    pub types: [Dtype; 2],
    pub batch: usize,
    pub q_len: usize,
    pub kv_cap: usize,
    /// Of q, and of k and v.
    pub heads: [usize; 2],
    pub dims: usize,
    /// Absent: the capacity.
    pub kv_len: Option<Vec<i32>>,
    /// Keys of a page, which divide the capacity; absent: no pages.
    pub page: Option<usize>,
    /// Batches and heads of the mask, 1 or all.
    pub mask: Option<[usize; 2]>,
    pub scale: f32,
    pub softcap: f32,
    pub window: i32,
    pub causal: bool,
}

pub const TYPES: [[Dtype; 2]; 5] = [
    [Dtype::F32, Dtype::F32],
    [Dtype::F32, Dtype::F16],
    [Dtype::F32, Dtype::Bf16],
    [Dtype::F16, Dtype::F16],
    [Dtype::Bf16, Dtype::Bf16],
];

impl Attending {
    /// Any call of up to so many queries and keys, with whatever else there is, by chance.
    pub fn any(numbers: &mut Numbers, queries: usize, keys: usize, dims: usize) -> Self {
        let mut below = |n: usize| (numbers.next() >> 11) as usize % n;
        let batch = 1 + below(3);
        let kv_heads = 1 + below(3);
        let group = [1, 1, 2, 3, 4, 7][below(6)];
        let heads = [kv_heads * group, kv_heads];
        let q_len = 1 + below(queries);
        let page = (below(3) == 0).then(|| 1 + below(40));
        let kv_cap = (1 + below(keys)).next_multiple_of(page.unwrap_or(1));
        let ragged = below(3) > 0;
        let kv_len = ragged.then(|| (0..batch).map(|_| below(kv_cap + 1) as i32).collect());
        let mask = (below(3) == 0).then(|| [[1, batch][below(2)], [1, heads[0]][below(2)]]);
        let causal = below(3) > 0;
        let window = if causal && below(3) == 0 {
            1 + below(keys) as i32
        } else {
            0
        };
        Self {
            types: TYPES[below(5)],
            batch,
            q_len,
            kv_cap,
            heads,
            dims: 1 + below(dims),
            kv_len,
            page,
            mask,
            scale: [0.125, 1.0, -0.7, 0.0][below(4)],
            softcap: [0.0, 0.0, 2.5, 50.0][below(4)],
            window,
            causal,
        }
    }

    pub fn kv_len(&self, batch: usize) -> usize {
        match &self.kv_len {
            Some(lengths) => lengths[batch] as usize,
            None => self.kv_cap,
        }
    }

    /// The keys that a query sees, as contracts.md has it, the mask aside.
    pub fn visible(&self, batch: usize, query: usize) -> Range<usize> {
        let len = self.kv_len(batch) as i64;
        let position = len - self.q_len as i64 + query as i64;
        let sees = |j: i64| {
            let window = i64::from(self.window);
            (!self.causal || j <= position) && (window == 0 || j > position - window)
        };
        let seen: Vec<_> = (0..len).filter(|&j| sees(j)).map(|j| j as usize).collect();
        match seen[..] {
            [] => 0..0,
            [first, ..] => first..first + seen.len(),
        }
    }

    /// Where an element of the mask stands among its values.
    pub fn mask_at(&self, [batch, head, query, key]: [usize; 4]) -> usize {
        let [batches, heads] = self.mask.unwrap();
        let (batch, head) = (batch % batches, head % heads);
        ((batch * heads + head) * self.q_len + query) * self.kv_cap + key
    }

    /// Where an element of k or v stands among its values.
    pub fn key_at(&self, [batch, key, head]: [usize; 3]) -> usize {
        ((batch * self.kv_cap + key) * self.heads[1] + head) * self.dims
    }
}

/// Numbers of a call, exact in its types, row-major, keys and values as if there were no pages.
#[derive(Clone, Debug)]
pub struct Attended {
    pub q: Vec<f64>,
    pub k: Vec<f64>,
    pub v: Vec<f64>,
    pub mask: Vec<f64>,
}

impl Attended {
    /// Unstructured; in the mask, a third is -inf.
    pub fn new(asked: &Attending, seed: u64) -> Self {
        let mut numbers = Numbers(seed);
        let [q_type, kv_type] = asked.types;
        let mut tensor = |dtype, count, size: f64| -> Vec<f64> {
            let number = |_| round(dtype, numbers.uniform() * size);
            (0..count).map(number).collect()
        };
        let keys = asked.batch * asked.kv_cap * asked.heads[1] * asked.dims;
        let queries = asked.batch * asked.q_len * asked.heads[0] * asked.dims;
        let [batches, heads] = asked.mask.unwrap_or([0, 0]);
        let mut data = Self {
            q: tensor(q_type, queries, 3.0),
            k: tensor(kv_type, keys, 3.0),
            v: tensor(kv_type, keys, 3.0),
            mask: tensor(
                Dtype::F32,
                batches * heads * asked.q_len * asked.kv_cap,
                6.0,
            ),
        };
        for mask in data.mask.iter_mut().filter(|mask| **mask < -2.0) {
            *mask = f64::NEG_INFINITY;
        }
        data
    }

    /// Puts `poison` wherever no query looks: into keys and values, and the mask of what a query does not see.
    pub fn poison(mut self, asked: &Attending, poison: f64) -> Self {
        for batch in 0..asked.batch {
            let mut seen = vec![false; asked.kv_cap];
            for query in 0..asked.q_len {
                let visible = asked.visible(batch, query);
                seen[visible.clone()].fill(true);
                if asked.mask.is_none_or(|[batches, _]| batches != asked.batch) {
                    continue;
                }
                for head in 0..asked.heads[0] {
                    for key in (0..asked.kv_cap).filter(|key| !visible.contains(key)) {
                        let at = asked.mask_at([batch, head, query, key]);
                        self.mask[at] = poison;
                    }
                }
            }
            for key in (0..asked.kv_cap).filter(|&key| !seen[key]) {
                for head in 0..asked.heads[1] {
                    let at = asked.key_at([batch, key, head]);
                    self.k[at..at + asked.dims].fill(poison);
                    self.v[at..at + asked.dims].fill(poison);
                }
            }
        }
        self
    }
}

/// How a call lies in memory.
#[derive(Clone, Copy, Debug)]
pub struct Laid {
    /// Whether heads lie outside of queries and keys.
    pub heads_first: bool,
    /// Elements from one of a head to the next.
    pub inner: usize,
    /// Elements between a head and the next.
    pub gap: usize,
    pub edge: Edge,
    pub shift: usize,
}

impl Laid {
    pub const DENSE: Self = Self {
        heads_first: false,
        inner: 1,
        gap: 0,
        edge: Edge::End,
        shift: 0,
    };

    fn layout(&self, [a, b, c, d]: [usize; 4]) -> Layout {
        let head = d * self.inner + self.gap;
        let [outer, middle] = match self.heads_first {
            true => [head, b * head],
            false => [c * head, head],
        };
        let strides = [b.max(1) * c * head, outer, middle, self.inner].map(|stride| stride as i64);
        Layout::strided(&[a, b, c, d].map(|size| size as i64), &strides)
    }
}

/// A call: numbers, and where they lie.
pub struct GqaCase {
    pub asked: Attending,
    pub threads: u32,
    pub q: Buffer,
    pub k: Buffer,
    pub v: Buffer,
    pub kv_len: Option<Buffer>,
    pub block_table: Option<Buffer>,
    pub mask: Option<Buffer>,
    pub out: Buffer,
}

impl GqaCase {
    pub fn new(asked: &Attending, data: &Attended, laid: Laid) -> Self {
        let Attending {
            batch,
            q_len,
            kv_cap,
            heads: [q_heads, kv_heads],
            dims,
            ..
        } = *asked;
        let buffer = |dtype, layout| Buffer::new(dtype, layout, laid.edge, laid.shift);
        let [q_type, kv_type] = asked.types;
        let queries = || buffer(q_type, laid.layout([batch, q_len, q_heads, dims]));
        let pages = Pages::of(asked);
        let keys = |values: &[f64]| match &pages {
            None => buffer(kv_type, laid.layout([batch, kv_cap, kv_heads, dims])).fill(values),
            Some(pages) => {
                let shape = [pages.numbers.len() + 1, pages.size, kv_heads, dims];
                let values = pages.scatter(values, kv_heads * dims);
                buffer(kv_type, laid.layout(shape)).fill(&values)
            }
        };
        let integers = |shape: &[usize], values: &[i32]| {
            let shape: Vec<_> = shape.iter().map(|&size| size as i64).collect();
            let values: Vec<_> = values.iter().map(|&value| f64::from(value)).collect();
            buffer(Dtype::I32, Layout::dense(&shape)).fill(&values)
        };
        Self {
            asked: asked.clone(),
            threads: 1,
            q: queries().fill(&data.q),
            k: keys(&data.k),
            v: keys(&data.v),
            kv_len: asked
                .kv_len
                .as_ref()
                .map(|lengths| integers(&[batch], lengths)),
            block_table: pages
                .as_ref()
                .map(|pages| integers(&[batch, kv_cap / pages.size], &pages.table(asked))),
            mask: asked.mask.map(|[batches, heads]| {
                let layout = laid.layout([batches, heads, q_len, kv_cap]);
                buffer(Dtype::F32, layout).fill(&data.mask)
            }),
            out: queries(),
        }
    }

    pub fn dense(asked: &Attending, data: &Attended) -> Self {
        Self::new(asked, data, Laid::DENSE)
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
        run: impl FnOnce(&TwGqaArgs) -> TwStatus,
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
    pub fn with_args<R>(&mut self, use_args: impl FnOnce(&mut TwGqaArgs) -> R) -> R {
        let [q, k, v] = [&mut self.q, &mut self.k, &mut self.v].map(Buffer::dl);
        let [kv_len, block_table, mask] = [&mut self.kv_len, &mut self.block_table, &mut self.mask]
            .map(|tensor| tensor.as_mut().map(Buffer::dl));
        let mut out = self.out.dl();
        use_args(&mut TwGqaArgs {
            call: TwCall {
                struct_size: size_of::<TwGqaArgs>() as u32,
                threads: self.threads,
                scratch: ptr::null_mut(),
                scratch_bytes: 0,
            },
            q: &q,
            k: &k,
            v: &v,
            kv_len: kv_len.as_ref().map_or(ptr::null(), ptr::from_ref),
            block_table: block_table.as_ref().map_or(ptr::null(), ptr::from_ref),
            mask: mask.as_ref().map_or(ptr::null(), ptr::from_ref),
            out: &mut out,
            scale: self.asked.scale,
            softcap: self.asked.softcap,
            window: self.asked.window,
            causal: self.asked.causal.into(),
        })
    }
}

/// Pages of all batches, in no order; one more belongs to nobody.
struct Pages {
    size: usize,
    /// Of each page of each batch, where it lies.
    numbers: Vec<usize>,
}

impl Pages {
    fn of(asked: &Attending) -> Option<Self> {
        let size = asked.page?;
        let mut numbers: Vec<_> = (0..asked.batch * asked.kv_cap / size).collect();
        let mut chance = Numbers(asked.kv_cap as u64);
        for i in (1..numbers.len()).rev() {
            numbers.swap(i, chance.next() as usize % (i + 1));
        }
        Some(Self { size, numbers })
    }

    /// The values of keys, of so many elements each, where their pages lie.
    fn scatter(&self, values: &[f64], key: usize) -> Vec<f64> {
        let page = self.size * key;
        let mut scattered = vec![f64::NAN; (self.numbers.len() + 1) * page];
        for (values, number) in values.chunks(page).zip(&self.numbers) {
            scattered[number * page..][..page].copy_from_slice(values);
        }
        scattered
    }

    /// The block table: pages that no query looks into are no pages.
    fn table(&self, asked: &Attending) -> Vec<i32> {
        let pages = asked.kv_cap / self.size;
        let number = |at: usize| {
            let (batch, page) = (at / pages, at % pages);
            let holds = |key: usize| key / self.size == page;
            let seen = (0..asked.q_len).any(|query| asked.visible(batch, query).any(holds));
            if seen {
                self.numbers[at] as i32
            } else {
                i32::MIN + at as i32
            }
        };
        (0..self.numbers.len()).map(number).collect()
    }
}
