//! Keys, or values, of a panel: read once, row by row, and laid side by side.

use std::marker::PhantomData;
use std::ops::Range;

use tierwise_abi::tensor::Tensor;

use super::item::Item;
use super::plan::{BLOCK, PANEL};
use crate::access::{Layout, Rows};
use crate::simd::{All, Element, First, LANES, Simd, Work};

/// Keys, or values, `at..at + PANEL` of a block.
#[derive(Clone, Copy, Debug)]
pub struct Panel<'a> {
    /// k or v.
    pub tensor: &'a Tensor<4>,
    pub block: usize,
    /// Keys of the block that some row sees: not empty.
    pub seen: &'a Range<usize>,
    pub at: usize,
}

impl Panel<'_> {
    /// Where number `k` lies. One that no row sees is replaced by one that is seen, since nothing may be read of it:
    /// what is made of it must not count.
    ///
    /// # Safety
    /// The call was checked, and rows of the item see what `seen` says.
    #[inline(always)]
    unsafe fn row<K: Element>(&self, item: &Item, k: usize) -> Rows<K> {
        let seen = (self.at + k).clamp(self.seen.start, self.seen.end - 1);
        // SAFETY: some row sees the key.
        let place = unsafe { item.call.place(item.batch, self.block * BLOCK + seen) };
        Rows::of_block(self.tensor, place).at(item.kv_head)
    }
}

/// Copies a panel, widened, to `[PANEL][padded dims]`, +0 behind each row. Rows of a call may lie pages apart, at
/// addresses that share few sets of a cache: so each is read in one go, and what is read next is asked for now.
pub struct Gather<'a, K, L> {
    pub item: &'a Item<'a>,
    pub panel: Panel<'a>,
    /// What will be read next, if it is worth asking for.
    pub next: Option<Panel<'a>>,
    pub to: *mut f32,
    pub types: PhantomData<(K, L)>,
}

impl<K: Element, L: Layout> Work for Gather<'_, K, L> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { item, panel, .. } = self;
        let dims = item.call.head_dim();
        let padded = dims.next_multiple_of(LANES);
        for k in 0..PANEL {
            let to = self.to.wrapping_add(k * padded);
            // SAFETY: the call was checked; a key has so many elements, and the panel room for them.
            unsafe {
                if let Some(next) = self.next {
                    let row = next.row::<K>(item, k);
                    for d in (0..dims).step_by(64 / size_of::<K>()) {
                        s.prefetch(row.element(d));
                    }
                }
                let row = panel.row::<K>(item, k);
                let whole = dims / LANES * LANES;
                for d in (0..whole).step_by(LANES) {
                    s.store_f32(to.wrapping_add(d), L::load(s, row, d, All));
                }
                if whole < dims {
                    let rest = L::load(s, row, whole, First(dims - whole));
                    s.store_f32(to.wrapping_add(whole), rest);
                }
            }
        }
    }
}
