//! How a call is divided over threads, and what scratch that takes.

use tierwise_abi::gqa::GqaCall;

use super::item::Item;
use super::state::State;
use crate::simd::LANES;

/// Keys of a block, the unit in which weights are normalised. It decides bits.
pub const BLOCK: usize = 256;

/// Keys that are transposed, or looked up, at a time.
pub const PANEL: usize = 2 * LANES;

/// Up to so many rows, values are read where they lie; for more they are copied together first.
pub const FEW: usize = 16;

/// Floats that the queries of an item may take: with sums of as many, scores and a panel they stay in half a MiB.
const QUERIES: usize = 24 << 10;

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
    /// Items of a batch and kv head.
    chunks: usize,
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
        let heads = call.batch() * call.kv_heads();
        let rows = if call.out.is_empty() {
            0
        } else {
            call.group() * call.q_len()
        };
        let padded = call.head_dim().next_multiple_of(LANES);
        let most = (QUERIES / padded).clamp(24, ROWS) / 12 * 12;
        let chunk = most.min(rows);
        let chunks = rows.div_ceil(most);
        let items = heads * chunks;
        let granted = limits.threads.min(call.head.threads as usize);
        let products = [rows, heads, call.kv_cap, 2 * call.head_dim()];
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
            items,
            threads,
            wave,
            sizes: Sizes {
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
        let (head, chunk) = (item / self.chunks, self.chunks - 1 - item % self.chunks);
        let first = chunk * self.chunk;
        let batch = head / call.kv_heads();
        Item {
            call,
            batch,
            kv_head: head % call.kv_heads(),
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

    fn state(&self) -> u64 {
        State::floats(self.rows, self.padded())
    }

    /// In the order of [`Space::at`].
    fn parts(&self) -> [u64; 9] {
        let times = |a: usize, b: usize| (a as u64).saturating_mul(b as u64);
        let rows = self.padded_rows() as u64;
        [
            self.state(),
            times(self.rows, self.dims).next_multiple_of(LANES as u64),
            times(self.dims, PANEL),
            times(BLOCK, PANEL),
            times(self.rows, BLOCK),
            times(FEW.min(self.rows), self.padded()),
            BLOCK as u64,
            rows,
            rows,
        ]
    }

    fn space(&self) -> u64 {
        self.parts()
            .iter()
            .fold(0, |sum: u64, &part| sum.saturating_add(part))
    }
}

/// What a thread works in. Every part begins at a multiple of 64 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    /// Of the item, unless it is done in waves.
    pub state: State,
    /// The queries, tile by tile: `[dims][rows of the tile]`.
    pub queries: *mut f32,
    /// Keys, transposed: `[dims][PANEL]`.
    pub panel: *mut f32,
    /// Values of a block, two vectors of each: `[BLOCK][PANEL]`.
    pub values: *mut f32,
    /// Scores, then weights: `[rows][BLOCK]`.
    pub scores: *mut f32,
    /// Sums of a block for few rows: `[rows][padded dims]`.
    pub sums: *mut f32,
    /// The mask of a row within a block: `[BLOCK]`.
    pub mask: *mut f32,
    /// What the state of each row is multiplied by: `[padded rows]`; before, the greatest score of the block.
    pub old: *mut f32,
    /// And what is added: `[padded rows]`; before, the sum of the block's weights.
    pub new: *mut f32,
}

impl Space {
    fn at(start: *mut f32, sizes: Sizes) -> Self {
        let mut next = start;
        let mut parts = sizes.parts().map(|floats| {
            let part = next;
            next = next.wrapping_add(floats as usize);
            part
        });
        parts[..].rotate_left(1);
        let [queries, panel, values, scores, sums, mask, old, new, state] = parts;
        Self {
            state: State::at(state, sizes.rows, sizes.padded()),
            queries,
            panel,
            values,
            scores,
            sums,
            mask,
            old,
            new,
        }
    }
}
