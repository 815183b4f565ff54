//! What stands in the memory of a call, kept: to put it back, and to tell whether a call left the same.

use crate::memory::Guarded;
use crate::request::Dtype;

/// The pages of one slot, and what their elements are.
pub struct Area<'a> {
    pages: &'a Guarded,
    dtype: Dtype,
}

impl<'a> Area<'a> {
    /// A slot without holes.
    pub fn new(pages: &'a Guarded, dtype: Dtype) -> Self {
        Self { pages, dtype }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the pages are mapped as long as `pages` lives, and no call writes to them now.
        unsafe { std::slice::from_raw_parts(self.pages.start(), self.pages.length()) }
    }
}

/// The bytes of all slots of a call at one moment.
pub struct Snapshot(Vec<Vec<u8>>);

impl Snapshot {
    /// What stands there now.
    pub fn of(areas: &[Area]) -> Self {
        Self(areas.iter().map(|area| area.bytes().to_vec()).collect())
    }

    /// Puts it back.
    pub fn restore(&self, areas: &[Area]) {
        for (bytes, area) in self.0.iter().zip(areas) {
            // SAFETY: as many bytes as the pages have, which no call reads or writes now.
            unsafe { area.pages.start().copy_from(bytes.as_ptr(), bytes.len()) };
        }
    }

    /// Whether the same stands there now; every NaN is one value.
    pub fn holds(&self, areas: &[Area]) -> bool {
        let pairs = self.0.iter().zip(areas);
        pairs.into_iter().all(|(then, area)| {
            let now = area.bytes();
            then == now || same_values(then, now, area.dtype)
        })
    }
}

fn same_values(a: &[u8], b: &[u8], dtype: Dtype) -> bool {
    let infinity: u32 = match dtype {
        Dtype::F32 => 0x7f80_0000,
        Dtype::F16 => 0x7c00,
        Dtype::Bf16 => 0x7f80,
        Dtype::I32 => return false,
    };
    let size = dtype.bytes();
    let sign: u32 = 1 << (8 * size - 1);
    let word = |bytes: &[u8]| {
        let mut word = [0; 4];
        word[..size].copy_from_slice(bytes);
        u32::from_le_bytes(word)
    };
    let is_nan = |word: u32| word & !sign > infinity;
    a.chunks_exact(size)
        .zip(b.chunks_exact(size))
        .map(|(a, b)| (word(a), word(b)))
        .all(|(a, b)| a == b || (is_nan(a) && is_nan(b)))
}

#[cfg(test)]
mod tests {
    use super::{Area, Snapshot};
    use crate::memory::Guarded;
    use crate::request::Dtype;

    #[test]
    fn a_bit_is_seen_and_put_back_and_every_nan_is_one() {
        let pages = Guarded::private(4096).unwrap();
        let areas = [Area::new(&pages, Dtype::F16)];
        let set = |bits: u16| {
            // SAFETY: inside the pages, and aligned.
            unsafe { pages.start().cast::<u16>().add(7).write(bits) };
        };
        set(0x7e00);
        let then = Snapshot::of(&areas);
        set(0xfe01);
        assert!(then.holds(&areas));
        set(0x7c00);
        assert!(!then.holds(&areas));
        then.restore(&areas);
        assert!(then.holds(&areas));
        assert_eq!(areas[0].bytes()[14..16], [0x00, 0x7e]);
    }
}
