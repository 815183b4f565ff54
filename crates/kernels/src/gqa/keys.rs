//! Where keys and values lie, paged or not.

use std::ops::Range;

use tierwise_abi::tensor::Tensor;

use super::item::Item;
use super::plan::{BLOCK, PANEL};
use crate::access::Rows;
use crate::simd::Element;

/// The keys, or values, `at..at + PANEL` of a block. One that no row of the item sees is replaced by one that is
/// seen, since nothing may be read of it: what is made of it must not count.
///
/// # Safety
/// The call was checked; `seen` is not empty, within the block, and all of it is seen by some row.
#[inline(always)]
pub unsafe fn panel<K: Element>(
    item: &Item,
    tensor: &Tensor<4>,
    block: usize,
    seen: &Range<usize>,
    at: usize,
) -> [Rows<K>; PANEL] {
    let key = |k: usize| {
        let key = block * BLOCK + k.clamp(seen.start, seen.end - 1);
        // SAFETY: some row sees the key.
        let place = unsafe { item.call.place(item.batch, key) };
        Rows::of_block(tensor, place).at(item.kv_head)
    };
    let mut rows = [key(at); PANEL];
    for (k, row) in rows.iter_mut().enumerate().skip(1) {
        *row = key(at + k);
    }
    rows
}
