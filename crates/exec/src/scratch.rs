//! Scratch as a kernel asks for it, between guards and canaries.

use std::io;

use crate::memory::Guarded;
use crate::request::{Edge, Fill};

/// What stands around scratch.
const CANARY: u8 = 0xff;

/// Scratch of a declared size, one end (rounded up to 64 bytes) flush to a guard.
#[derive(Debug)]
pub struct Scratch {
    pages: Guarded,
    declared: usize,
    /// Bytes of the pages before the scratch.
    before: usize,
    edge: Edge,
}

impl Scratch {
    const ALIGN: usize = 64;

    /// Scratch of so many bytes, with canaries around it.
    pub fn new(declared: usize, edge: Edge) -> io::Result<Self> {
        let rounded = declared.next_multiple_of(Self::ALIGN);
        let pages = Guarded::private(rounded)?;
        let before = match edge {
            Edge::End => pages.length() - rounded,
            Edge::Start => 0,
        };
        // SAFETY: the pages are this value's own and as long as they say.
        unsafe { pages.start().write_bytes(CANARY, pages.length()) };
        Ok(Self {
            pages,
            declared,
            before,
            edge,
        })
    }

    /// First byte.
    pub fn start(&self) -> *mut u8 {
        self.pages.start().wrapping_add(self.before)
    }

    /// Bytes that were asked for.
    pub fn declared(&self) -> usize {
        self.declared
    }

    /// Whether it is what would be made for these, and nobody wrote around it.
    pub fn is_like(&self, declared: usize, edge: Edge) -> bool {
        self.declared == declared && self.edge == edge && !self.overrun()
    }

    /// Fills what was asked for.
    pub fn fill(&mut self, fill: Fill) {
        let word = fill.word().to_ne_bytes();
        // SAFETY: the pages are this value's own, and the declared bytes lie inside.
        unsafe { std::slice::from_raw_parts_mut(self.start(), self.declared) }
            .chunks_mut(word.len())
            .for_each(|chunk| chunk.copy_from_slice(&word[..chunk.len()]));
    }

    /// Whether a byte outside the declared ones is not what it was.
    pub fn overrun(&self) -> bool {
        // SAFETY: the pages are readable and as long as they say.
        let bytes = unsafe { std::slice::from_raw_parts(self.pages.start(), self.pages.length()) };
        bytes[..self.before]
            .iter()
            .chain(&bytes[self.before + self.declared..])
            .any(|byte| *byte != CANARY)
    }
}

#[cfg(test)]
mod tests {
    use super::Scratch;
    use crate::request::{Edge, Fill};

    #[test]
    fn a_byte_written_around_it_is_seen_at_either_edge() {
        for edge in [Edge::End, Edge::Start] {
            for at in [100, 127] {
                let mut scratch = Scratch::new(100, edge).unwrap();
                scratch.fill(Fill::One);
                assert!(!scratch.overrun());
                // SAFETY: what was asked for is rounded up to 128 bytes.
                unsafe { scratch.start().add(at).write(0) };
                assert!(scratch.overrun());
            }
        }
    }
}
