//! Where the keys of a panel, or their values, lie: they are read in place, and asked for a while before.

use std::ops::Range;
use std::ptr;

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

/// Bytes of a cache line.
pub const LINE: usize = 64;

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
        Share {
            panel: self,
            bytes: head * self.head_stride_bytes(),
        }
    }

    #[inline(always)]
    fn head_stride_bytes(&self) -> usize {
        let [one, other] = [0, 1].map(|head| self.row.at(head).element(0).addr());
        other.wrapping_sub(one)
    }

    /// Looks up the pages of its keys, of so many heads, all at once: a machine has several walks under way, and what is
    /// asked for early may be lost where the page is unknown.
    #[inline(always)]
    pub fn look_up<S: Simd>(&self, s: S, heads: usize, dims: usize) {
        let (apart, last) = (self.head_stride_bytes(), dims * size_of::<K>() - 1);
        for start in self.starts.as_flattened() {
            // Heads may lie anywhere; side by side, many share a page.
            let mut page = None;
            for head in 0..heads {
                for byte in [0, last] {
                    let at = start.wrapping_byte_add(head * apart + byte);
                    let other = Some(at.addr() / PAGE);
                    if page != other {
                        s.prefetch(at);
                        page = other;
                    }
                }
            }
        }
    }

    /// The lines that are asked for while head `head` of `heads` is worked on: those of a part of the panel's keys, each
    /// with its `dims` elements of every head. So few pages are in use at once.
    #[inline(always)]
    pub fn lines(&self, head: usize, heads: usize, dims: usize) -> Lines<'_, K> {
        let part = |head: usize| head * PANEL / heads;
        Lines {
            keys: &self.starts.as_flattened()[part(head)..part(head + 1)],
            heads,
            apart: self.head_stride_bytes(),
            bytes: dims * size_of::<K>(),
            row: ptr::null(),
            rows: 0,
            line: ptr::null(),
            left: 0,
        }
    }
}

/// Cache lines that are asked for a while before they are read. Rows may lie pages apart, at addresses that share few
/// sets of the nearest cache, and no pattern is seen in them by itself.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'a, K> {
    /// Where the keys begin that come next.
    keys: &'a [*mut K],
    /// Rows of a key, so many bytes apart, each of so many bytes.
    heads: usize,
    apart: usize,
    bytes: usize,
    /// The next row of the key, and how many are left.
    row: *const u8,
    rows: usize,
    /// The next line of the row before it, and bytes that are left.
    line: *const u8,
    left: usize,
}

impl<K: Element> Lines<'_, K> {
    /// None.
    pub const NONE: Self = Self {
        keys: &[],
        heads: 0,
        apart: 0,
        bytes: 0,
        row: ptr::null(),
        rows: 0,
        line: ptr::null(),
        left: 0,
    };

    /// Asks for the next line, if there is one.
    #[inline(always)]
    pub fn ask<S: Simd>(&mut self, s: S) {
        if self.left == 0 && !self.next_row() {
            return;
        }
        s.prefetch_early(self.line);
        self.line = self.line.wrapping_add(LINE);
        self.left = self.left.saturating_sub(LINE);
    }

    #[inline(always)]
    fn next_row(&mut self) -> bool {
        if self.rows == 0 {
            let Some((&key, behind)) = self.keys.split_first() else {
                return false;
            };
            (self.row, self.rows, self.keys) = (key.cast(), self.heads, behind);
        }
        (self.line, self.left) = (self.row, self.bytes);
        self.row = self.row.wrapping_add(self.apart);
        self.rows -= 1;
        true
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

    /// The same, widened and stored: as many vectors as there are `lanes`, `stride` floats apart.
    ///
    /// # Safety
    /// As [`columns`](Self::columns), and there is room for them.
    #[inline(always)]
    pub unsafe fn columns_to<S: Simd, L: Layout>(
        &self,
        s: S,
        half: usize,
        d: usize,
        lanes: impl Lanes,
        to: *mut f32,
        stride: usize,
    ) {
        let starts = &self.panel.starts[half % HALVES];
        // SAFETY: the caller's word.
        let load = |k: usize| unsafe { L::load(s, self.row_at(starts[k]), d, lanes) };
        // SAFETY: the caller's word.
        unsafe { s.transpose_to(load, lanes.count().unwrap_or(LANES), to, stride) };
    }

    /// The same, stored as they are.
    ///
    /// # Safety
    /// As [`columns`](Self::columns), and there is room for them.
    #[inline(always)]
    pub unsafe fn columns_as_stored<S: Simd, L: Layout>(
        &self,
        s: S,
        half: usize,
        d: usize,
        lanes: impl Lanes,
        to: *mut K,
    ) {
        let starts = &self.panel.starts[half % HALVES];
        // SAFETY: the caller's word.
        let take = |k: usize| unsafe { L::take(s, self.row_at(starts[k]), d, lanes) };
        // SAFETY: the caller's word.
        unsafe { K::transpose_to(s, take, lanes.count().unwrap_or(LANES), to, LANES) };
    }
}
