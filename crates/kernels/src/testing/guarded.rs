//! Memory between two inaccessible pages.

use std::ptr;

/// Which edge of the memory lies flush against its guard page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    Start,
    End,
}

/// Bytes that fault when something reads or writes past the chosen edge by so much as one.
pub struct Guarded {
    map: *mut u8,
    mapped: usize,
    data: *mut u8,
    bytes: usize,
}

const PAGE: usize = 4096;

impl Guarded {
    pub fn new(bytes: usize, edge: Edge) -> Self {
        let inner = bytes.next_multiple_of(PAGE).max(PAGE);
        let mapped = inner + 2 * PAGE;
        // SAFETY: a new private mapping, of which the inner pages are then opened.
        let map: *mut u8 = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let map = libc::mmap(ptr::null_mut(), mapped, libc::PROT_NONE, flags, -1, 0);
            assert_ne!(map, libc::MAP_FAILED);
            let access = libc::PROT_READ | libc::PROT_WRITE;
            assert_eq!(libc::mprotect(map.byte_add(PAGE), inner, access), 0);
            map.cast()
        };
        let before = match edge {
            Edge::Start => PAGE,
            Edge::End => PAGE + inner - bytes,
        };
        Self {
            map,
            mapped,
            data: map.wrapping_add(before),
            bytes,
        }
    }

    pub fn as_ptr(&self) -> *mut u8 {
        self.data
    }

    pub fn bytes(&self) -> &[u8] {
        // SAFETY: accessible, and as long as `self`; tests write only while nothing else looks.
        unsafe { std::slice::from_raw_parts(self.data, self.bytes) }
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.data, self.bytes) }
    }
}

/// Hands `use_scratch` so many bytes, which it must not leave: their end, rounded up to 64, is the guard page's start.
pub fn in_scratch(bytes: u64, use_scratch: impl FnOnce(*mut u8)) {
    let mut scratch = Guarded::new((bytes as usize).next_multiple_of(64), Edge::End);
    scratch.bytes_mut().fill(0xff);
    use_scratch(scratch.as_ptr());
    let behind = &scratch.bytes()[bytes as usize..];
    let untouched = behind.iter().all(|&byte| byte == 0xff);
    assert!(untouched, "written behind the scratch");
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: our own mapping.
        unsafe { libc::munmap(self.map.cast(), self.mapped) };
    }
}
