//! Attention against f64, and what the adapter declines.

use std::ptr;

use tierwise_abi::c::{TW_INVALID, TW_OK, TW_UNSUPPORTED, TwGqaArgs, TwStatus};
use tierwise_abi::tensor::Dtype;

use super::tensor::{Held, ReadOnly, noise, worst};
use super::{head, row, run};

/// A call, by what can vary in it.
#[derive(Clone, Copy, Debug)]
struct Case {
    batch: usize,
    dtype: Dtype,
    kv_dtype: Dtype,
    /// Of queries, of keys.
    heads: [usize; 2],
    head_dim: usize,
    q_len: usize,
    /// Of each batch, as many as there are; what lies behind them is NaN.
    kv_len: [usize; 2],
    kv_cap: usize,
    /// Heads before tokens, in k and v.
    head_major: bool,
    q_head_major: bool,
    scale: f64,
    softcap: f64,
    window: usize,
    causal: bool,
    /// Batches and heads of the mask.
    mask: Option<[usize; 2]>,
    paged: bool,
    /// Whether k and v lie in pages that can't be written.
    read_only: bool,
}

/// A cache, and some queries.
const PLAIN: Case = Case {
    batch: 1,
    dtype: Dtype::F32,
    kv_dtype: Dtype::F32,
    heads: [6, 2],
    head_dim: 16,
    q_len: 3,
    kv_len: [9, 5],
    kv_cap: 11,
    head_major: true,
    q_head_major: false,
    scale: 0.25,
    softcap: 0.0,
    window: 0,
    causal: true,
    mask: None,
    paged: false,
    read_only: false,
};

/// Two caches, one query each.
const DECODE: Case = Case {
    batch: 2,
    q_len: 1,
    ..PLAIN
};

/// All keys are new.
const PROMPT: Case = Case {
    batch: 2,
    q_len: 7,
    kv_len: [7, 7],
    kv_cap: 7,
    head_major: false,
    ..PLAIN
};

impl Case {
    fn visible(&self, batch: usize, query: usize, key: usize) -> bool {
        let after = self.kv_len[batch] - self.q_len + query + 1;
        let causal = key < after && (self.window == 0 || key + self.window >= after);
        key < self.kv_len[batch] && (!self.causal || causal)
    }
}

/// Inputs of a call.
struct Inputs {
    q: Held<4>,
    k: Held<4>,
    v: Held<4>,
    mask: Option<Held<4>>,
}

impl Inputs {
    fn of(case: &Case) -> Self {
        let Case {
            heads: [q_heads, kv_heads],
            head_dim,
            ..
        } = *case;
        let order = |head_major| {
            if head_major {
                [0, 2, 1, 3]
            } else {
                [0, 1, 2, 3]
            }
        };
        let cache = |seed| {
            let shape = [case.batch, case.kv_cap, kv_heads, head_dim];
            let value = |i: usize| {
                let row = i / head_dim / kv_heads;
                let live = row % case.kv_cap < case.kv_len[row / case.kv_cap];
                if live { noise(seed, i) } else { f64::NAN }
            };
            Held::new(case.kv_dtype, shape, order(case.head_major), value)
        };
        let q = [case.batch, case.q_len, q_heads, head_dim];
        Self {
            q: Held::new(case.dtype, q, order(case.q_head_major), |i| {
                4.0 * noise(1, i)
            }),
            k: cache(2),
            v: cache(3),
            mask: case.mask.map(|[batches, heads]| {
                let shape = [batches, heads, case.q_len, case.kv_cap];
                // Every third key is masked away, but never all; what no query sees is NaN.
                let value = |at: usize| {
                    let (row, j) = (at / case.kv_cap, at % case.kv_cap);
                    let (i, b) = (row % case.q_len, row / case.q_len / heads);
                    match j % 3 {
                        _ if batches == case.batch && !case.visible(b, i, j) => f64::NAN,
                        1 => f64::NEG_INFINITY,
                        _ => noise(4, at),
                    }
                };
                Held::dense(Dtype::F32, shape, value)
            }),
        }
    }

    /// Element `index` of out, by contracts.md.
    fn attended(&self, case: &Case, index: usize) -> f64 {
        let [q_heads, kv_heads] = case.heads;
        let (d, row) = (index % case.head_dim, index / case.head_dim);
        let (h, i, b) = (
            row % q_heads,
            row / q_heads % case.q_len,
            row / q_heads / case.q_len,
        );
        let key = |j: usize| {
            ((b * case.kv_cap + j) * kv_heads + h / (q_heads / kv_heads)) * case.head_dim
        };
        let score = |j: usize| {
            let dot: f64 = (0..case.head_dim)
                .map(|d| self.q.get(row * case.head_dim + d) * self.k.get(key(j) + d))
                .sum();
            let mut score = case.scale * dot;
            if case.softcap > 0.0 {
                score = case.softcap * (score / case.softcap).tanh();
            }
            if let Some(mask) = &self.mask {
                let [batches, heads, ..] = mask.shape;
                let row = (b % batches * heads + h % heads) * case.q_len + i;
                score += mask.get(row * case.kv_cap + j);
            }
            score
        };
        let (mut weights, mut sum) = (0.0, 0.0);
        for j in (0..case.kv_cap).filter(|&j| case.visible(b, i, j)) {
            let weight = score(j).exp();
            weights += weight;
            sum += weight * self.v.get(key(j) + d);
        }
        sum / weights
    }
}

/// Status, and the largest error; where the call was not done, 1 if out was written.
fn see(case: &Case, spare: i64) -> Option<(TwStatus, f64)> {
    let row = row(c"gqa")?;
    let mut inputs = Inputs::of(case);
    let shape = inputs.q.shape;
    let mut out = Held::dense(case.dtype, shape, |_| f64::NAN);
    let mut kv_len = Held::dense(Dtype::I32, [case.batch], |b| case.kv_len[b] as f64);
    let mut table = Held::dense(Dtype::I32, [case.batch, 1], |b| b as f64);
    let before = [&inputs.q, &inputs.k, &inputs.v].map(|tensor| tensor.bytes().to_vec());
    let [mut q, mut k, mut v] = [inputs.q.raw(), inputs.k.raw(), inputs.v.raw()];
    let pages = case
        .read_only
        .then(|| [&inputs.k, &inputs.v].map(|tensor| ReadOnly::of(tensor.bytes())));
    if let Some([k_pages, v_pages]) = &pages {
        (k.data, v.data) = (k_pages.start, v_pages.start);
    }
    let (mut out_, mut kv_len_, mut table_) = (out.raw(), kv_len.raw(), table.raw());
    let mut mask = inputs.mask.as_mut().map(Held::raw);
    let mut args = TwGqaArgs {
        call: head::<TwGqaArgs>(),
        q: &mut q,
        k: &mut k,
        v: &mut v,
        kv_len: &mut kv_len_,
        block_table: if case.paged { &mut table_ } else { ptr::null() },
        mask: mask.as_mut().map_or(ptr::null(), |mask| &raw const *mask),
        out: &mut out_,
        scale: case.scale as f32,
        softcap: case.softcap as f32,
        window: case.window as i32,
        causal: case.causal.into(),
    };
    // SAFETY: every tensor has its memory.
    let status = unsafe { run(&row, &mut args, spare) };
    for (before, now) in before.iter().zip([&inputs.q, &inputs.k, &inputs.v]) {
        assert_eq!(before, now.bytes(), "{case:?} wrote an input");
    }
    let error = match status {
        TW_OK => worst(shape, |index| {
            (out.get(index), inputs.attended(case, index))
        }),
        _ => worst(shape, |index| {
            (f64::from(u8::from(!out.get(index).is_nan())), 0.0)
        }),
    };
    Some((status, error))
}

/// Whether the call is done, as exactly as its type allows: values of at most 1, scores of at most 16.
fn holds(case: &Case) -> bool {
    let Some((status, error)) = see(case, 0) else {
        return false;
    };
    let limit = match case.dtype {
        Dtype::F16 => 6e-4,
        _ => 4e-6,
    };
    assert!(
        status == TW_OK && error < limit,
        "{case:?}: {status}, {error:e}"
    );
    true
}

#[test]
fn answers_as_f64_does() {
    for dtype in [Dtype::F32, Dtype::F16] {
        for form in [PLAIN, DECODE, PROMPT] {
            for heads in [[6, 2], [3, 3], [4, 1], [1, 1]] {
                for window in [0, 1, 2, 4, 100] {
                    for softcap in [0.0, 3.0] {
                        let case = Case {
                            dtype,
                            kv_dtype: dtype,
                            heads,
                            window,
                            softcap,
                            ..form
                        };
                        if !holds(&case) {
                            return;
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn takes_every_length_of_a_cache() {
    for dtype in [Dtype::F32, Dtype::F16] {
        for q_len in 1..=5 {
            for kv_len in [[5, 5], [5, 9], [11, 6], [11, 11]] {
                for causal in [true, false] {
                    let case = Case {
                        dtype,
                        kv_dtype: dtype,
                        batch: if q_len == 1 { 2 } else { 1 },
                        q_len,
                        kv_len,
                        causal: causal || q_len > 1,
                        ..PLAIN
                    };
                    if !holds(&case) {
                        return;
                    }
                }
            }
        }
    }
}

/// Not even with what is there already: the cache may be in use elsewhere.
#[test]
fn does_not_write_to_a_cache() {
    for dtype in [Dtype::F32, Dtype::F16] {
        for form in [PLAIN, DECODE] {
            let case = Case {
                dtype,
                kv_dtype: dtype,
                read_only: true,
                ..form
            };
            if !holds(&case) {
                return;
            }
        }
    }
}

#[test]
fn adds_masks() {
    for one_for_all in [true, false] {
        for heads in [1, 6] {
            for form in [PLAIN, DECODE, PROMPT] {
                let batches = if one_for_all { 1 } else { form.batch };
                let case = Case {
                    mask: Some([batches, heads]),
                    softcap: if heads == 1 { 3.0 } else { 0.0 },
                    ..form
                };
                if !holds(&case) {
                    return;
                }
            }
        }
    }
}

#[test]
fn declines_what_the_operator_has_no_words_for() {
    for case in [
        // Other types.
        Case {
            kv_dtype: Dtype::F16,
            ..PLAIN
        },
        Case {
            dtype: Dtype::Bf16,
            kv_dtype: Dtype::Bf16,
            ..PLAIN
        },
        // A mask is f32, the operator's is of q's type.
        Case {
            dtype: Dtype::F16,
            kv_dtype: Dtype::F16,
            mask: Some([1, 1]),
            ..PLAIN
        },
        // Keys that are neither a cache of heads nor all new.
        Case {
            head_major: false,
            ..PLAIN
        },
        Case {
            kv_cap: 8,
            ..PROMPT
        },
        Case {
            kv_len: [7, 6],
            ..PROMPT
        },
        Case {
            q_head_major: true,
            ..PLAIN
        },
        Case {
            paged: true,
            ..PLAIN
        },
        // Several queries of several caches.
        Case { batch: 2, ..PLAIN },
        // A query before the first key; one that sees behind itself; a scale that means another.
        Case { q_len: 10, ..PLAIN },
        Case {
            kv_len: [0, 9],
            q_len: 1,
            ..PLAIN
        },
        Case {
            causal: false,
            ..PLAIN
        },
        Case {
            scale: 0.0,
            ..PLAIN
        },
    ] {
        let Some(seen) = see(&case, 0) else { return };
        assert_eq!(seen, (TW_UNSUPPORTED, 0.0), "{case:?}");
    }
}

#[test]
fn refuses_too_little_scratch() {
    for form in [PLAIN, DECODE, PROMPT] {
        let Some(seen) = see(&form, -1) else { return };
        assert_eq!(seen, (TW_INVALID, 0.0));
    }
}
