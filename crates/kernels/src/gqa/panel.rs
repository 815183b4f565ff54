//! Where 16 keys, or their values, lie: they are read in place, and what is read next is asked for meanwhile.

use std::ops::Range;

use tierwise_abi::tensor::Tensor;

use super::item::Item;
use super::plan::BLOCK;
use crate::access::{Layout, Rows};
use crate::simd::{Element, LANES, Lanes, Simd};

/// k or v, a block, and the keys of it that some row sees: not empty.
pub type Keys<'a> = (&'a Tensor<4>, usize, &'a Range<usize>);

/// 16 keys, or values, side by side in a block, of every kv head.
#[derive(Clone, Copy, Debug)]
pub struct Panel<K> {
    starts: [*mut K; LANES],
    /// Any of them.
    row: Rows<K>,
}

impl<K: Element> Panel<K> {
    /// Of no key yet, of the item's first kv head.
    #[inline(always)]
    pub fn new(item: &Item, tensor: &Tensor<4>) -> Self {
        let row = Rows::of_block(tensor, [0, 0]).at(item.kv_head);
        Self {
            starts: [row.element(0); LANES],
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
        for (k, start) in self.starts.iter_mut().enumerate() {
            let seen = (at + k).clamp(seen.start, seen.end - 1);
            // SAFETY: some row sees the key.
            let [page, slot] = unsafe { item.call.place(item.batch, block * BLOCK + seen) };
            *start = self.row.element(page * outer + slot * inner);
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
    /// Elements of number `k`, below 16.
    #[inline(always)]
    pub fn row(&self, k: usize) -> Rows<K> {
        let start = self.panel.starts[k % LANES];
        self.panel.row.from(start.wrapping_byte_add(self.bytes))
    }

    /// The keys transposed: vector i holds their elements `d + i`, +0 beyond `lanes`.
    ///
    /// # Safety
    /// The keys have so many elements, which lie as `L` says.
    #[inline(always)]
    pub unsafe fn columns<S: Simd, L: Layout>(
        &self,
        s: S,
        d: usize,
        lanes: impl Lanes,
    ) -> [S::F32; LANES] {
        let mut square = [s.splat(0.0); LANES];
        for (k, row) in square.iter_mut().enumerate() {
            // SAFETY: the caller's word.
            *row = unsafe { L::load(s, self.row(k), d, lanes) };
        }
        s.transpose(square)
    }

    /// Asks for elements `from` of row `k`, if that is below 16. Caches hold too little of rows that lie pages apart, at
    /// addresses that share few sets, and no pattern is seen in them; so this comes a panel ahead.
    #[inline(always)]
    pub fn prefetch<S: Simd>(&self, s: S, k: usize, from: Range<usize>) {
        if k < LANES {
            let row = self.row(k);
            for d in from.step_by(64 / size_of::<K>()) {
                s.prefetch(row.element(d));
            }
        }
    }
}
