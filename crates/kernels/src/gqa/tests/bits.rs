//! The promises: one answer, whatever the tier within a group, the threads, the neighbours and the memory.

use std::ptr;

use tierwise_abi::gqa::GqaCall;

use super::oracle::{self, Arithmetic};
use crate::gqa::call;
use crate::gqa::plan::{Limits, Plan};
use crate::simd::Simd;
use crate::testing::{
    Attended, Attending, Edge, GqaCase, InTier, Laid, Numbers, in_every_tier, round,
};

/// A call in one tier, on as many threads as it asks for, however small it is.
fn run<S: Simd>(s: S, mut case: GqaCase) -> GqaCase {
    let limits = match case.threads {
        1 => Limits::usual(),
        _ => Limits {
            thread: 1,
            ..Limits::usual()
        },
    };
    // SAFETY: the args are as the interface says, and so is the call that was read.
    let read = |args| unsafe { GqaCall::read(args) }.unwrap();
    case.run_with(
        |args| Plan::of(&read(args), limits).scratch(),
        // SAFETY: as above.
        |args| unsafe { call::run(s, &read(ptr::from_ref(args).cast()), limits) },
    );
    case
}

/// Calls, and how each is asked otherwise, which must change no bit of the answer.
struct SameBits(
    fn() -> Vec<Call>,
    fn(&Attending, &Attended) -> Vec<(String, GqaCase)>,
);

type Call = (Attending, Attended);

impl InTier for SameBits {
    fn run<S: Simd>(&self, s: S) {
        for (asked, data) in (self.0)() {
            let expected = oracle::bits(&asked, &data, Arithmetic { fused: S::FUSED });
            for (what, case) in (self.1)(&asked, &data) {
                let case = run(s, case);
                let place = format!("{:?}, {what}, {asked:?}", S::TIER);
                let seen = case.out.bits();
                let wrong = seen
                    .iter()
                    .zip(&expected)
                    .position(|(seen, bits)| seen != bits);
                assert!(
                    wrong.is_none(),
                    "element {wrong:?} of {}: {place}",
                    seen.len()
                );
                assert!(
                    case.out.gaps_are_intact(),
                    "written between elements: {place}"
                );
            }
        }
    }
}

/// So many calls by chance, poisoned where nobody looks.
fn calls(
    seed: u64,
    count: u64,
    queries: usize,
    keys: usize,
    dims: usize,
) -> Vec<(Attending, Attended)> {
    let mut numbers = Numbers(seed);
    let call = |turn: u64| {
        let asked = Attending::any(&mut numbers, queries, keys, dims);
        let poison = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 3.0][turn as usize % 4];
        let data = Attended::new(&asked, seed + turn).poison(&asked, poison);
        (asked, data)
    };
    (0..count).map(call).collect()
}

fn dense(asked: &Attending, data: &Attended) -> Vec<(String, GqaCase)> {
    vec![("dense".into(), GqaCase::dense(asked, data))]
}

#[test]
fn small_calls() {
    in_every_tier(&SameBits(|| calls(1, 400, 5, 70, 40), dense));
}

#[test]
fn calls_of_several_blocks() {
    in_every_tier(&SameBits(|| calls(2, 30, 9, 800, 70), dense));
}

#[test]
fn calls_of_several_items() {
    in_every_tier(&SameBits(|| calls(3, 10, 150, 300, 20), dense));
}

/// Heads of the models, as many queries as a decode has, and a few more.
#[test]
fn decodes() {
    let calls = || {
        let mut all = Vec::new();
        for (turn, dims) in [64, 96, 128, 256, 257].into_iter().enumerate() {
            for q_len in [1, 2, 4] {
                let mut asked = Attending::any(&mut Numbers((turn + q_len) as u64), 1, 600, 1);
                (asked.q_len, asked.dims, asked.heads) = (q_len, dims, [4, 2]);
                (asked.mask, asked.batch) = (None, 1);
                asked.kv_len = None;
                let data = Attended::new(&asked, turn as u64).poison(&asked, f64::NAN);
                all.push((asked, data));
            }
        }
        all
    };
    in_every_tier(&SameBits(calls, dense));
}

#[test]
fn threads() {
    in_every_tier(&SameBits(
        || calls(4, 40, 3, 1500, 12),
        |asked, data| {
            let case = |threads| GqaCase::dense(asked, data).with_threads(threads);
            let threads = [2, 3, 7, 64].into_iter();
            threads.map(|n| (format!("{n} threads"), case(n))).collect()
        },
    ));
}

#[test]
fn placement() {
    in_every_tier(&SameBits(
        || calls(5, 40, 4, 300, 40),
        |asked, data| {
            let mut cases = Vec::new();
            for (inner, gap) in [(1, 0), (1, 3), (2, 0), (3, 5)] {
                for (edge, shift) in [(Edge::Start, 0), (Edge::Start, 1), (Edge::End, 3)] {
                    let heads_first = (inner + gap + shift) % 2 == 1;
                    let laid = Laid {
                        heads_first,
                        inner,
                        gap,
                        edge,
                        shift,
                    };
                    cases.push((format!("{laid:?}"), GqaCase::new(asked, data, laid)));
                }
            }
            cases
        },
    ));
}

/// Paged or not, with whatever capacity behind the length.
#[test]
fn pages_and_capacity() {
    in_every_tier(&SameBits(
        || calls(6, 40, 4, 300, 20),
        |asked, data| {
            let mut cases = Vec::new();
            for page in [None, Some(1), Some(5), Some(16), Some(256)] {
                for more in [0, 1, 300] {
                    let kv_cap = (asked.kv_cap + more).next_multiple_of(page.unwrap_or(1));
                    let lengths = (0..asked.batch).map(|batch| asked.kv_len(batch) as i32);
                    let other = Attending {
                        kv_cap,
                        page,
                        kv_len: Some(lengths.collect()),
                        ..asked.clone()
                    };
                    let data = with_capacity(asked, data, &other);
                    let what = format!("pages of {page:?}, room for {kv_cap}");
                    cases.push((what, GqaCase::dense(&other, &data)));
                }
            }
            cases
        },
    ));
}

/// The same numbers with another capacity, NaN behind them.
fn with_capacity(asked: &Attending, data: &Attended, other: &Attending) -> Attended {
    let stretch = |values: &[f64], row: usize| -> Vec<f64> {
        let (from, to) = (asked.kv_cap * row, other.kv_cap * row);
        let rows = values.chunks(from).flat_map(|values| {
            let rest = std::iter::repeat_n(f64::NAN, to - from);
            values.iter().copied().chain(rest)
        });
        rows.collect()
    };
    let key = asked.heads[1] * asked.dims;
    Attended {
        q: data.q.clone(),
        k: stretch(&data.k, key),
        v: stretch(&data.v, key),
        mask: stretch(&data.mask, 1),
    }
}

/// Each batch alone, and a causal prefill in chunks or token by token, whose keys grow with it.
#[test]
fn alone_in_chunks_and_token_by_token() {
    struct Parts;
    impl InTier for Parts {
        fn run<S: Simd>(&self, s: S) {
            for (turn, (asked, data)) in calls(7, 60, 30, 600, 12).into_iter().enumerate() {
                let whole = run(s, GqaCase::dense(&asked, &data)).out.bits();
                let chunk = if asked.causal {
                    [1, 4, 13, 30][turn % 4]
                } else {
                    asked.q_len
                };
                for batch in 0..asked.batch {
                    for first in (0..asked.q_len).step_by(chunk) {
                        let last = (first + chunk).min(asked.q_len);
                        // What comes behind the chunk is not there yet.
                        let len = asked.kv_len(batch) as i64 - (asked.q_len - last) as i64;
                        if len < 0 {
                            continue;
                        }
                        let (part, part_data) = part(&asked, &data, batch, first..last, len as i32);
                        let seen = run(s, GqaCase::dense(&part, &part_data)).out.bits();
                        let query = asked.heads[0] * asked.dims;
                        let at = (batch * asked.q_len + first) * query;
                        let place = format!("{:?}, {batch}, {first}..{last}, {asked:?}", S::TIER);
                        assert!(seen == whole[at..at + seen.len()], "{place}");
                    }
                }
            }
        }
    }
    in_every_tier(&Parts);
}

/// Some queries of one batch.
fn part(
    asked: &Attending,
    data: &Attended,
    batch: usize,
    queries: std::ops::Range<usize>,
    len: i32,
) -> (Attending, Attended) {
    let part = Attending {
        batch: 1,
        q_len: queries.len(),
        kv_len: Some(vec![len]),
        mask: asked.mask.map(|_| [1, asked.heads[0]]),
        page: None,
        ..asked.clone()
    };
    let query = asked.heads[0] * asked.dims;
    let keys = asked.kv_cap * asked.heads[1] * asked.dims;
    let at = batch * asked.q_len;
    let mut mask = Vec::new();
    if asked.mask.is_some() {
        for head in 0..asked.heads[0] {
            let at = |query| asked.mask_at([batch, head, query, 0]);
            mask.extend_from_slice(
                &data.mask[at(queries.start)..at(queries.end - 1) + asked.kv_cap],
            );
        }
    }
    let data = Attended {
        q: data.q[(at + queries.start) * query..(at + queries.end) * query].to_vec(),
        k: data.k[batch * keys..(batch + 1) * keys].to_vec(),
        v: data.v[batch * keys..(batch + 1) * keys].to_vec(),
        mask,
    };
    (part, data)
}

/// Values that are not finite, where some rows look and others don't; and scores that are NaN.
#[test]
fn what_is_not_live_reaches_nobody() {
    let calls = || {
        let mut all = calls(8, 120, 12, 400, 20);
        for (turn, (asked, data)) in all.iter_mut().enumerate() {
            let mut numbers = Numbers(turn as u64);
            let poison = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][turn % 3];
            for _ in 0..4 {
                let at = numbers.next() as usize % data.v.len();
                data.v[at] = poison;
            }
            if turn % 4 == 0 {
                let at = numbers.next() as usize % data.k.len();
                data.k[at] = f64::NAN;
            }
            // Exact in every type of v, or it is not what the oracle computes with.
            data.v
                .iter_mut()
                .for_each(|v| *v = round(asked.types[1], *v));
        }
        all
    };
    in_every_tier(&SameBits(calls, dense));
}
