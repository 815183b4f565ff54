//! What is known of some rows after the blocks so far, and how a block joins it.

use std::slice;

use super::exp::exp;
use super::tile::Accumulators;
use crate::simd::{LANES, Simd, Work};

/// Of each row: the greatest score so far, the sum of weights and that of weighted values, both relative to it.
/// A row without a live key has a greatest score of -inf and sums of 0.
#[derive(Clone, Copy, Debug)]
pub struct State {
    /// `[rows, padded]`.
    pub sums: *mut f32,
    /// `[rows]`, padded.
    pub greatest: *mut f32,
    /// `[rows]`, padded.
    pub total: *mut f32,
    /// Floats from one row of sums to the next, a multiple of 16.
    pub padded: usize,
    /// Rows that there is room for.
    room: usize,
}

// SAFETY: addresses and a number; whoever reads or writes through them answers for the memory.
unsafe impl Send for State {}

impl State {
    /// Floats that it takes.
    pub fn floats(rows: usize, padded: usize) -> u64 {
        let sums = (rows as u64).saturating_mul(padded as u64);
        sums.saturating_add(2 * rows.next_multiple_of(LANES) as u64)
    }

    /// The state in so many floats.
    pub fn at(start: *mut f32, rows: usize, padded: usize) -> Self {
        let greatest = start.wrapping_add(rows * padded);
        Self {
            sums: start,
            greatest,
            total: greatest.wrapping_add(rows.next_multiple_of(LANES)),
            padded,
            room: rows,
        }
    }

    /// The state of another head, where several lie one behind the other.
    #[inline(always)]
    pub fn head(&self, head: usize) -> Self {
        let floats = Self::floats(self.room, self.padded) as usize;
        Self::at(
            self.sums.wrapping_add(head * floats),
            self.room,
            self.padded,
        )
    }

    /// As it is before the first block.
    ///
    /// # Safety
    /// It has so many rows, writable.
    #[inline(always)]
    pub unsafe fn clear(&self, rows: usize) {
        let padded_rows = rows.next_multiple_of(LANES);
        // SAFETY: the caller's word.
        unsafe {
            slice::from_raw_parts_mut(self.sums, rows * self.padded).fill(0.0);
            slice::from_raw_parts_mut(self.greatest, padded_rows).fill(f32::NEG_INFINITY);
            slice::from_raw_parts_mut(self.total, padded_rows).fill(0.0);
        }
    }

    /// Joins greatest scores and totals of a block into it. What stands in `greatest` and `total` becomes the factors
    /// by which the sums so far, and those of the block, are multiplied.
    ///
    /// A row's first live block comes with factors of 0 and 1, and a block without a live key with 1 and 0: sums
    /// that are 0, times 0, and added, change nothing but the sign of a 0.
    ///
    /// # Safety
    /// So many rows, padded, are readable and writable in all of them.
    #[inline(always)]
    pub unsafe fn join<S: Simd>(&self, s: S, rows: usize, greatest: *mut f32, total: *mut f32) {
        let (zero, least) = (s.splat(0.0), s.splat(f32::MIN));
        for row in (0..rows).step_by(LANES) {
            let [to_greatest, to_total, greatest, total] =
                [self.greatest, self.total, greatest, total].map(|part| part.wrapping_add(row));
            // SAFETY: the caller's word.
            unsafe {
                let (before, block) = (s.load_f32(to_greatest), s.load_f32(greatest));
                let top = s.max(block, before);
                let old = s.select(s.less(before, least), zero, exp(s, s.sub(before, top)));
                let new = s.select(s.less(block, least), zero, exp(s, s.sub(block, top)));
                let both = s.mac(s.load_f32(to_total), old, s.mul(s.load_f32(total), new));
                s.store_f32(to_greatest, top);
                s.store_f32(to_total, both);
                s.store_f32(greatest, old);
                s.store_f32(total, new);
            }
        }
    }
}

/// Joins a block's state, which is lost, into another's.
pub struct Merge {
    pub from: State,
    pub to: State,
    pub rows: usize,
}

impl Work for Merge {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { from, to, rows } = self;
        // SAFETY: both are of one item, apart, and nobody else's by now.
        unsafe {
            to.join(s, rows, from.greatest, from.total);
            for row in 0..rows {
                let [old, new] = [from.greatest, from.total].map(|part| part.wrapping_add(row));
                for i in (row * to.padded..(row + 1) * to.padded).step_by(LANES) {
                    let block = Accumulators::<S, 1, 1>::load(s, from.sums.wrapping_add(i), 0);
                    block.join(s, to.sums.wrapping_add(i), 0, old, new);
                }
            }
        }
    }
}
