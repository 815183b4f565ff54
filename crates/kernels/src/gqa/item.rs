//! What is done at once: some rows of one batch, of one kv head or, where rows are few, of several.

use std::ops::Range;

use tierwise_abi::gqa::GqaCall;

use super::plan::BLOCK;

/// Rows of one batch and kv head, which share its keys, and the same rows of the kv heads behind it. Row r of a head
/// is query r / group and the head's query head r % group.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// The call.
    pub call: &'a GqaCall,
    /// The batch.
    pub batch: usize,
    /// The kv head; the first of those that are asked for.
    pub kv_head: usize,
    /// How many kv heads, at least 1.
    pub heads: usize,
    /// First row.
    pub first: usize,
    /// Rows, at least 1.
    pub rows: usize,
    /// Keys of the batch.
    pub kv_len: usize,
}

impl Item<'_> {
    /// One of its kv heads.
    #[inline(always)]
    pub fn head(&self, head: usize) -> Self {
        Self {
            kv_head: self.kv_head + head,
            heads: 1,
            ..*self
        }
    }

    /// Query, and head of q, of a row.
    #[inline(always)]
    pub fn place(&self, row: usize) -> [usize; 2] {
        let (row, group) = (self.first + row, self.call.group());
        [row / group, self.kv_head * group + row % group]
    }

    /// Keys that any of some rows sees: without gaps, since queries stand side by side.
    #[inline(always)]
    pub fn seen(&self, rows: Range<usize>) -> Range<usize> {
        let group = self.call.group();
        let query = |row: usize| self.call.visible(self.kv_len, (self.first + row) / group);
        query(rows.start).start..query(rows.end - 1).end
    }

    /// The same within a block, counted from its first key; empty ranges are any.
    #[inline(always)]
    pub fn seen_in(&self, rows: Range<usize>, block: usize) -> Range<usize> {
        let start = block * BLOCK;
        let seen = self.seen(rows);
        let within = |key: usize| key.saturating_sub(start).min(BLOCK);
        within(seen.start)..within(seen.end)
    }

    /// Blocks in which any row sees a key.
    pub fn blocks(&self) -> Range<usize> {
        let seen = self.seen(0..self.rows);
        match seen.is_empty() {
            true => 0..0,
            false => seen.start / BLOCK..seen.end.div_ceil(BLOCK),
        }
    }

    /// Whether every row sees the same keys, and each of them counts.
    pub fn is_even(&self) -> bool {
        let last = self.rows - 1;
        self.call.mask.is_none() && self.seen(0..1) == self.seen(last..self.rows)
    }
}
