//! Correct kernels, each in an order of its own. A harness that fails one of them is wrong.

use std::ops::Range;

use super::{Call, Gqa, Place, Scored};
use crate::means::side_by_side;

/// The plain kernel as it stands: the largest score of all keys first, then the sums, first key to last.
pub struct TwoPass;

impl Gqa for TwoPass {}

/// Last key to first, and last element of a head to first.
pub struct Reversed;

impl Gqa for Reversed {
    fn keys(call: &Call, at: Place, block: Range<usize>) -> Vec<(usize, f32)> {
        let mut keys = TwoPass::keys(call, at, block);
        keys.reverse();
        keys
    }

    fn dot(call: &Call, at: Place, key: usize) -> f32 {
        let slot = Self::slot(call, at.batch, key);
        let kv_head = Self::kv_head(call, at.head);
        (0..call.width).rev().fold(0.0, |sum, d| {
            sum + Self::query(call, at, d) * Self::key(call, slot, kv_head, d)
        })
    }
}

/// Rescales whenever a key raises the largest score.
pub struct KeyByKey;

impl Gqa for KeyByKey {
    fn blocks(length: usize) -> impl Iterator<Item = Range<usize>> {
        blocks_of(1, length)
    }
}

/// Rescales between blocks, as a kernel with a tile of scores does.
pub struct BlocksOf64;

impl Gqa for BlocksOf64 {
    fn blocks(length: usize) -> impl Iterator<Item = Range<usize>> {
        blocks_of(64, length)
    }
}

/// Every block of 16 by itself, then all of them merged in order, as a kernel that splits keys over threads does.
pub struct MergedSpans;

impl Gqa for MergedSpans {
    fn row(call: &Call, at: Place) {
        let mut state = Self::start(call);
        for block in blocks_of(16, Self::length(call, at.batch)) {
            let mut span = Self::start(call);
            Self::absorb(call, at, &mut span, &Self::live(call, at, block));
            Self::merge(&mut state, span);
        }
        Self::write(call, at, &state);
    }
}

/// Heads over threads.
pub struct OnThreads;

impl Gqa for OnThreads {
    fn run(call: &Call) {
        let parts = call.means.threads.min(call.heads);
        side_by_side(parts, |part| {
            for head in (part..call.heads).step_by(parts) {
                for batch in 0..call.batches {
                    for query in 0..call.queries {
                        Self::row(call, Place { batch, query, head });
                    }
                }
            }
        });
    }
}

/// Weights that add up to 1 first, in the scratch that it asked for, then the sums of values.
pub struct NormalisesFirst;

impl Gqa for NormalisesFirst {
    fn scratch(call: &Call) -> usize {
        call.capacity * size_of::<f32>()
    }

    fn row(call: &Call, at: Place) {
        let live = Self::live(call, at, 0..Self::length(call, at.batch));
        let max = live.iter().fold(f32::NEG_INFINITY, |max, scored| {
            Self::larger(max, scored.score)
        });
        let weight = |scored: &Scored| f64::from(Self::exp(scored.score - max));
        let sum: f64 = live.iter().map(weight).sum();
        for scored in &live {
            call.means.set(scored.key, (weight(scored) / sum) as f32);
        }
        let kv_head = Self::kv_head(call, at.head);
        for d in 0..call.width {
            let terms = live.iter().map(|&Scored { key, .. }| {
                let slot = Self::slot(call, at.batch, key);
                call.means.get(key) * Self::value(call, slot, kv_head, d)
            });
            let mix = terms.fold(0.0, |mix, term| mix + term);
            call.out.set([at.batch, at.query, at.head, d], mix);
        }
    }
}

/// All of a row in double.
pub struct InF64;

impl Gqa for InF64 {
    fn row(call: &Call, at: Place) {
        let keys = Self::keys(call, at, 0..Self::length(call, at.batch));
        let live: Vec<_> = keys
            .into_iter()
            .map(|(key, mask)| (key, score_in_f64(call, at, key) + f64::from(mask)))
            .collect();
        let max = live
            .iter()
            .fold(f64::NEG_INFINITY, |max, &(_, score)| max.max(score));
        let weights: Vec<_> = live.iter().map(|&(_, score)| (score - max).exp()).collect();
        let sum: f64 = weights.iter().sum();
        let kv_head = Self::kv_head(call, at.head);
        for d in 0..call.width {
            let terms = live.iter().zip(&weights).map(|(&(key, _), weight)| {
                let slot = Self::slot(call, at.batch, key);
                weight * f64::from(Self::value(call, slot, kv_head, d))
            });
            // Begun at +0: the sum of no terms is -0 otherwise.
            let mix = terms.fold(0.0, |mix, term| mix + term);
            let value = if live.is_empty() { 0.0 } else { mix / sum };
            call.out.set([at.batch, at.query, at.head, d], value as f32);
        }
    }
}

/// But for the mask.
fn score_in_f64(call: &Call, at: Place, key: usize) -> f64 {
    let slot = InF64::slot(call, at.batch, key);
    let kv_head = InF64::kv_head(call, at.head);
    let dot: f64 = (0..call.width)
        .map(|d| {
            let key = InF64::key(call, slot, kv_head, d);
            f64::from(InF64::query(call, at, d)) * f64::from(key)
        })
        .sum();
    let scaled = dot * f64::from(call.scale);
    let softcap = f64::from(call.softcap);
    if softcap > 0.0 {
        softcap * (scaled / softcap).tanh()
    } else {
        scaled
    }
}

/// So many keys, in blocks of `size` and what is left.
pub fn blocks_of(size: usize, length: usize) -> impl Iterator<Item = Range<usize>> {
    (0..length)
        .step_by(size)
        .map(move |first| first..length.min(first + size))
}
