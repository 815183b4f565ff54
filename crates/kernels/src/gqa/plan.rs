//! How a call is divided over threads, and what scratch that takes.

use tierwise_abi::gqa::GqaCall;

use super::item::Item;
use super::state::State;
use crate::simd::LANES;

/// Keys of a block, the unit in which weights are normalised. It decides bits.
pub const BLOCK: usize = 256;

/// Keys that are transposed, or looked up, at a time.
pub const PANEL: usize = 2 * LANES;

/// Up to so many rows, values are added a panel at a time, so that each is read once; for more, a block at a time,
/// so that sums stay in registers.
pub const FEW: usize = 16;

/// Floats that the queries of an item may take: with sums of as many, scores and a panel they stay in half a MiB.
const QUERIES: usize = 24 << 10;

/// Rows of all kv heads that are done at once, at most.
const TOGETHER: usize = 64;

/// Rows of an item, at most; a multiple of every tile's, so that few rows are left over.
const ROWS: usize = 192;

/// What the size of a call is held against.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Multiplications that a thread must have to do at least.
    pub thread: u64,
    /// Threads for which there is scratch.
    pub threads: usize,
}

impl Limits {
    /// Any machine's. A thread that stands ready answers within the time of some ten thousand multiplications.
    pub const fn usual() -> Self {
        Self {
            thread: 1 << 18,
            threads: 64,
        }
    }
}

/// A call, divided into items. Its scratch holds a [`Space`] for every thread. Where there are too few items for the
/// threads, keys are divided as well, in waves: then the state of every item follows, and that of each of its
/// blocks in a wave.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Rows of a batch and kv head; 0 where out is empty.
    rows: usize,
    /// Rows of an item, at most.
    chunk: usize,
    /// Items of a batch and as many kv heads as are done at once.
    chunks: usize,
    /// Kv heads that are done at once, at most: several where rows are few. A key's heads often share a page, and
    /// are then read one after the other.
    heads: usize,
    /// Items of the call.
    pub items: usize,
    /// Threads that the call is worth.
    pub threads: usize,
    /// Blocks of an item that are done at once; 0: all, one after the other.
    pub wave: usize,
    sizes: Sizes,
}

impl Plan {
    /// The plan of a call.
    pub fn of(call: &GqaCall, limits: Limits) -> Self {
        let rows = if call.out.is_empty() {
            0
        } else {
            call.group() * call.q_len()
        };
        let padded = call.head_dim().next_multiple_of(LANES);
        let most = (QUERIES / padded).clamp(24, ROWS) / 12 * 12;
        let chunk = most.min(rows);
        let chunks = rows.div_ceil(most);
        let token_major = call.k.strides[2] < call.k.strides[1];
        let heads = match rows {
            1..=FEW if token_major => (TOGETHER.min(most) / rows).clamp(1, call.kv_heads()),
            _ => 1,
        };
        let items = call.batch() * call.kv_heads().div_ceil(heads) * chunks;
        let granted = limits.threads.min(call.head.threads as usize);
        let all_heads = call.batch() * call.kv_heads();
        let products = [rows, all_heads, call.kv_cap, 2 * call.head_dim()];
        let products = products
            .iter()
            .fold(1u64, |all, &size| all.saturating_mul(size as u64));
        let worth = (products / limits.thread).clamp(1, granted as u64) as usize;
        let blocks = call.kv_cap.div_ceil(BLOCK);
        let splits = worth > 1 && blocks > 1 && items > 0 && items < 2 * worth;
        let (threads, wave) = if splits {
            let wave = (32 * worth).div_ceil(items).min(blocks);
            (worth.min(items * wave), wave)
        } else {
            (worth.min(items).max(1), 0)
        };
        Self {
            rows,
            chunk,
            chunks,
            heads,
            items,
            threads,
            wave,
            sizes: Sizes {
                heads,
                rows: chunk,
                dims: call.head_dim(),
            },
        }
    }

    /// Item number `item`. The last rows of a head come first, since they may see the most keys.
    ///
    /// # Safety
    /// As [`GqaCall::kv_len`].
    pub unsafe fn item<'a>(&self, call: &'a GqaCall, item: usize) -> Item<'a> {
        let (part, chunk) = (item / self.chunks, self.chunks - 1 - item % self.chunks);
        let first = chunk * self.chunk;
        let parts = call.kv_heads().div_ceil(self.heads);
        let (batch, kv_head) = (part / parts, part % parts * self.heads);
        Item {
            call,
            batch,
            kv_head,
            heads: self.heads.min(call.kv_heads() - kv_head),
            first,
            rows: self.chunk.min(self.rows - first),
            // SAFETY: the caller's word.
            kv_len: unsafe { call.kv_len(batch) },
        }
    }

    /// Bytes of scratch.
    pub fn scratch(&self) -> u64 {
        if self.items == 0 {
            return 0;
        }
        let states = match self.wave {
            0 => 0,
            wave => self.items as u64 * (1 + wave as u64),
        };
        let spaces = (self.threads as u64).saturating_mul(self.sizes.space());
        states
            .saturating_mul(self.sizes.state())
            .saturating_add(spaces)
            .saturating_mul(size_of::<f32>() as u64)
    }

    /// The space of thread number `thread`.
    pub fn space(&self, call: &GqaCall, thread: usize) -> Space {
        let start = call.head.scratch.cast::<f32>();
        Space::at(
            start.wrapping_add(thread * self.sizes.space() as usize),
            self.sizes,
        )
    }

    /// The state of an item that is done in waves: `None`, or one of the blocks of a wave.
    pub fn state(&self, call: &GqaCall, item: usize, block: Option<usize>) -> State {
        let before = item * (1 + self.wave) + block.map_or(0, |block| 1 + block);
        let states = self.threads * self.sizes.space() as usize;
        let start = call.head.scratch.cast::<f32>();
        let start = start.wrapping_add(states + before * self.sizes.state() as usize);
        State::at(start, self.sizes.rows, self.sizes.padded())
    }
}

/// What sizes of scratch depend on. All are counted in floats, and multiples of 16.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    heads: usize,
    rows: usize,
    dims: usize,
}

impl Sizes {
    fn padded(&self) -> usize {
        self.dims.next_multiple_of(LANES)
    }

    fn padded_rows(&self) -> usize {
        self.rows.next_multiple_of(LANES)
    }

    /// Of all heads.
    fn state(&self) -> u64 {
        State::floats(self.rows, self.padded()).saturating_mul(self.heads as u64)
    }

    /// Of one head, but for what heads share, in the order of [`Space::at`].
    fn parts(&self) -> [u64; 9] {
        let times = |a: usize, b: usize| (a as u64).saturating_mul(b as u64);
        let rows = self.padded_rows() as u64;
        [
            State::floats(self.rows, self.padded()),
            times(self.rows, self.dims).next_multiple_of(LANES as u64),
            times(self.rows, BLOCK),
            times(FEW.min(self.rows), self.padded()),
            rows,
            rows,
            // From here on, heads share them.
            times(self.dims, PANEL),
            times(BLOCK, PANEL),
            BLOCK as u64,
        ]
    }

    fn space(&self) -> u64 {
        let sum = |parts: &[u64]| {
            parts
                .iter()
                .fold(0, |sum: u64, &part| sum.saturating_add(part))
        };
        let parts = self.parts();
        let (own, shared) = parts.split_at(OWN);
        sum(own)
            .saturating_mul(self.heads as u64)
            .saturating_add(sum(shared))
    }
}

/// Parts of a space that each head has of its own.
const OWN: usize = 6;

/// What a thread works in, at one of the heads. Every part begins at a multiple of 64 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    /// Of the head, unless the item is done in waves.
    pub state: State,
    /// The queries, tile by tile: `[dims][rows of the tile]`.
    pub queries: *mut f32,
    /// Scores, then weights: `[rows][BLOCK]`.
    pub scores: *mut f32,
    /// Sums of a block for few rows: `[rows][padded dims]`.
    pub sums: *mut f32,
    /// What the state of each row is multiplied by: `[padded rows]`; before, the greatest score of the block.
    pub old: *mut f32,
    /// And what is added: `[padded rows]`; before, the sum of the block's weights.
    pub new: *mut f32,
    /// Keys, transposed: `[dims][PANEL]`.
    pub panel: *mut f32,
    /// Values of a block, two vectors of each: `[BLOCK][PANEL]`.
    pub values: *mut f32,
    /// The mask of a row within a block: `[BLOCK]`.
    pub mask: *mut f32,
    start: *mut f32,
    sizes: Sizes,
}

impl Space {
    /// Heads lie one behind the other, and what they share behind them.
    fn at(start: *mut f32, sizes: Sizes) -> Self {
        Self::of_head(start, sizes, 0)
    }

    /// The same at another head.
    #[inline(always)]
    pub fn head(&self, head: usize) -> Self {
        Self::of_head(self.start, self.sizes, head)
    }

    #[inline(always)]
    fn of_head(start: *mut f32, sizes: Sizes, head: usize) -> Self {
        let floats = sizes.parts().map(|floats| floats as usize);
        let own: usize = floats[..OWN].iter().sum();
        let mut next = start.wrapping_add(head * own);
        let mut parts = [start; 9];
        for (part, place) in parts.iter_mut().enumerate() {
            if part == OWN {
                next = start.wrapping_add(sizes.heads * own);
            }
            *place = next;
            next = next.wrapping_add(floats[part]);
        }
        let [state, queries, scores, sums, old, new, panel, values, mask] = parts;
        Self {
            state: State::at(state, sizes.rows, sizes.padded()),
            queries,
            scores,
            sums,
            old,
            new,
            panel,
            values,
            mask,
            start,
            sizes,
        }
    }
}
