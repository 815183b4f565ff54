//! From dot products to weights: scale, softcap, mask, and the exponential relative to the block's greatest score.

use std::ops::Range;

use super::exp::exp;
use super::item::Item;
use super::plan::{BLOCK, Space};
use super::state::State;
use super::tanh::tanh;
use crate::access::{Layout, Rows, Strided};
use crate::simd::{First, LANES, Simd, Work};

/// Turns the scores of a block into weights, and joins their greatest and their sum into the state. The space's `old`
/// and `new` are then what sums must be multiplied by.
pub struct Weights<'a> {
    pub item: &'a Item<'a>,
    pub block: usize,
    /// Keys of the block that any row sees.
    pub seen: &'a Range<usize>,
    pub space: Space,
    pub state: State,
}

impl Work for Weights<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let capped = self.item.call.softcap > 0.0;
        for row in 0..self.item.rows {
            let keys = self.item.seen_in(row..row + 1, self.block);
            // SAFETY: the space has so many rows; the call was checked, and the row sees the keys.
            unsafe {
                let (greatest, total) = if capped {
                    self.row::<S, true>(s, row, keys)
                } else {
                    self.row::<S, false>(s, row, keys)
                };
                *self.space.old.wrapping_add(row) = greatest;
                *self.space.new.wrapping_add(row) = total;
            }
        }
        let Space { old, new, .. } = self.space;
        // SAFETY: the state is the item's, and padded like the space.
        unsafe { self.state.join(s, self.item.rows, old, new) };
    }
}

impl Weights<'_> {
    /// The greatest score of a row that sees these keys, and the sum of its weights: -inf and 0 where none is live.
    ///
    /// # Safety
    /// The row's scores are writable, and its mask, if there is one, readable where it sees a key.
    #[inline(always)]
    unsafe fn row<S: Simd, const CAPPED: bool>(
        &self,
        s: S,
        row: usize,
        keys: Range<usize>,
    ) -> (f32, f32) {
        let scores = self.space.scores.wrapping_add(row * BLOCK);
        let vectors = vectors(&keys);
        let all = self.seen.start / LANES..self.seen.end.div_ceil(LANES);
        let clear = |vectors: Range<usize>| {
            for v in vectors {
                // SAFETY: the caller's word.
                unsafe { s.store_f32(scores.wrapping_add(v * LANES), s.splat(0.0)) };
            }
        };
        let masked = self.item.call.mask.is_some();
        // SAFETY: the caller's word; the row sees the keys.
        let load =
            |keys| unsafe { load_mask(s, self.item, self.block, row, keys, self.space.mask) };
        if keys.is_empty() || !load(&keys) {
            clear(all);
            return (f32::NEG_INFINITY, 0.0);
        }
        clear(all.start..vectors.start);
        clear(vectors.end..all.end);

        let (scale, cap) = (
            s.splat(self.item.call.scale),
            s.splat(self.item.call.softcap),
        );
        let nothing = s.splat(f32::NEG_INFINITY);
        let mut greatest = nothing;
        for v in vectors.clone() {
            let at = scores.wrapping_add(v * LANES);
            // SAFETY: the caller's word.
            let mut score = s.mul(unsafe { s.load_f32(at) }, scale);
            if CAPPED {
                score = s.mul(cap, tanh(s, s.div(score, cap)));
            }
            if masked {
                // SAFETY: the mask of the row was loaded.
                let mask = unsafe { s.load_f32(self.space.mask.wrapping_add(v * LANES)) };
                score = s.select(s.less(nothing, mask), s.add(score, mask), nothing);
            } else if v * LANES < keys.start || (v + 1) * LANES > keys.end {
                let before = s.first(keys.start.saturating_sub(v * LANES));
                let within = s.first(keys.end - v * LANES);
                score = s.select(within, s.select(before, nothing, score), nothing);
            }
            greatest = s.max(score, greatest);
            // SAFETY: the caller's word.
            unsafe { s.store_f32(at, score) };
        }
        // Where all are NaN, so will the weights be, whatever is subtracted.
        let greatest = match s.tree_max(greatest) {
            f32::NEG_INFINITY => 0.0,
            greatest => greatest,
        };
        let mut total = s.splat(0.0);
        for v in vectors {
            let at = scores.wrapping_add(v * LANES);
            // SAFETY: the caller's word.
            unsafe {
                let weight = exp(s, s.sub(s.load_f32(at), s.splat(greatest)));
                s.store_f32(at, weight);
                total = s.add(total, weight);
            }
        }
        (greatest, s.tree_sum(total))
    }
}

fn vectors(keys: &Range<usize>) -> Range<usize> {
    keys.start / LANES..keys.end.div_ceil(LANES)
}

/// Loads the mask of a row for the keys that it sees into `[BLOCK]`, -inf beside them up to whole vectors. Says whether
/// any of them is live.
///
/// # Safety
/// The call was checked and has a mask, which is readable where the row sees a key; `to` has a block's floats.
#[inline(always)]
pub unsafe fn load_mask<S: Simd>(
    s: S,
    item: &Item,
    block: usize,
    row: usize,
    keys: &Range<usize>,
    to: *mut f32,
) -> bool {
    let Some(mask) = &item.call.mask else {
        return true;
    };
    let [query, head] = item.place(row);
    let mask = Rows::<f32>::of_block(mask, [item.batch, head]).at(query);
    let nothing = s.splat(f32::NEG_INFINITY);
    let mut greatest = nothing;
    // SAFETY: the caller's word; whole vectors are within the block.
    unsafe {
        s.store_f32(to.wrapping_add(keys.start / LANES * LANES), nothing);
        s.store_f32(to.wrapping_add((keys.end - 1) / LANES * LANES), nothing);
        for key in keys.clone().step_by(LANES) {
            let lanes = First((keys.end - key).min(LANES));
            let values = Strided::load(s, mask, block * BLOCK + key, lanes);
            s.store_f32_first(to.wrapping_add(key), values, lanes.0);
            greatest = s.max(s.select(s.first(lanes.0), values, nothing), greatest);
        }
    }
    s.tree_max(greatest) > f32::NEG_INFINITY
}
