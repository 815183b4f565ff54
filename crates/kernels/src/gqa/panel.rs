//! Where the keys of a panel, or their values, lie: they are read in place, and asked for a while before.

use std::ops::Range;

use tierwise_abi::tensor::Tensor;

use super::item::Item;
use super::plan::{BLOCK, PANEL};
use crate::access::{Layout, Rows};
use crate::simd::{Element, LANES, Lanes, Simd};

/// k or v, a block, and the keys of it that some row sees: not empty.
pub type Keys<'a> = (&'a Tensor<4>, usize, &'a Range<usize>);

const HALVES: usize = PANEL / LANES;

/// Bytes of a page, at least.
const PAGE: usize = 4 << 10;

/// How many bytes before it is asked for early a page is looked up, by a plain prefetch of a line in it. What is asked
/// for early does not wait for that: on Zen 4 most of it is lost where the page is unknown, and decode from memory took
/// 1.5 times as long without this.
const LOOKUP: usize = 16 << 10;

/// Keys, or values, side by side in a block, of every kv head.
#[derive(Clone, Copy, Debug)]
pub struct Panel<K> {
    starts: [[*mut K; LANES]; HALVES],
    /// Any of them.
    row: Rows<K>,
}

impl<K: Element> Panel<K> {
    /// Of no key yet, of the item's first kv head.
    #[inline(always)]
    pub fn new(item: &Item, tensor: &Tensor<4>) -> Self {
        let row = Rows::of_block(tensor, [0, 0]).at(item.kv_head);
        Self {
            starts: [[row.element(0); LANES]; HALVES],
            row,
        }
    }

    /// Goes to the keys from `at` of the block on. A key that no row sees is replaced by one that is seen, since nothing
    /// may be read of it: what is made of it must not count.
    ///
    /// # Safety
    /// The call was checked, and rows of the item see the keys.
    #[inline(always)]
    pub unsafe fn go(&mut self, item: &Item, (tensor, block, seen): Keys, at: usize) {
        self.row = Rows::of_block(tensor, [0, 0]).at(item.kv_head);
        let [outer, inner, ..] = tensor.strides;
        let start_of = |key: usize| {
            // SAFETY: some row sees the key.
            let [page, slot] = unsafe { item.call.place(item.batch, block * BLOCK + key) };
            self.row.element(page * outer + slot * inner)
        };
        let starts = self.starts.as_flattened_mut();
        if item.call.block_table.is_none() && seen.start <= at && at + PANEL <= seen.end {
            let first = start_of(at);
            for (k, start) in starts.iter_mut().enumerate() {
                *start = first.wrapping_add(k * inner);
            }
        } else {
            for (k, start) in starts.iter_mut().enumerate() {
                *start = start_of((at + k).clamp(seen.start, seen.end - 1));
            }
        }
    }

    /// One of the heads, so many behind the item's first.
    #[inline(always)]
    pub fn head(&self, head: usize) -> Share<'_, K> {
        let [one, other] = [0, head].map(|head| self.row.at(head).element(0).addr());
        Share {
            panel: self,
            bytes: other.wrapping_sub(one),
        }
    }
}

/// A panel's part of one head.
#[derive(Clone, Copy, Debug)]
pub struct Share<'a, K> {
    panel: &'a Panel<K>,
    /// From the item's first head to this.
    bytes: usize,
}

impl<K: Element> Share<'_, K> {
    /// Elements of number `k` of the panel.
    #[inline(always)]
    pub fn row(&self, k: usize) -> Rows<K> {
        self.row_at(self.panel.starts.as_flattened()[k % PANEL])
    }

    #[inline(always)]
    fn row_at(&self, start: *mut K) -> Rows<K> {
        self.panel.row.from(start.wrapping_byte_add(self.bytes))
    }

    /// 16 keys, the first or the last of the panel, transposed: vector i holds their elements `d + i`, +0 beyond `lanes`.
    ///
    /// # Safety
    /// The keys have so many elements, which lie as `L` says.
    #[inline(always)]
    pub unsafe fn columns<S: Simd, L: Layout>(
        &self,
        s: S,
        half: usize,
        d: usize,
        lanes: impl Lanes,
    ) -> [S::F32; LANES] {
        let starts = &self.panel.starts[half % HALVES];
        let mut square = [s.splat(0.0); LANES];
        for (row, &start) in square.iter_mut().zip(starts) {
            // SAFETY: the caller's word.
            *row = unsafe { L::load(s, self.row_at(start), d, lanes) };
        }
        s.transpose(square)
    }

    /// Asks for elements `from` of row `k`, if the panel has so many. Its rows may lie pages apart, at addresses that
    /// share few sets of the nearest cache, and no pattern is seen in them by itself.
    #[inline(always)]
    pub fn prefetch<S: Simd>(&self, s: S, k: usize, from: Range<usize>) {
        if k < PANEL {
            let row = self.row(k);
            let first = row.element(from.start);
            if first.addr() % PAGE < from.len() * size_of::<K>() {
                s.prefetch(first.wrapping_byte_add(LOOKUP));
            }
            for d in from.step_by(64 / size_of::<K>()) {
                s.prefetch_early(row.element(d));
            }
        }
    }
}
