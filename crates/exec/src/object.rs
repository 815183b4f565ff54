//! An object file as it stands in memory: its code, and where its functions begin.

use std::collections::BTreeSet;
use std::ffi::{c_int, c_void};

use iced_x86::{Code, Decoder, DecoderOptions, Instruction};

/// The longest instruction.
const LONGEST: usize = 15;

/// An object.
pub struct Object {
    /// Ranges of addresses.
    code: Vec<(u64, u64)>,
    /// Addresses.
    pub functions: BTreeSet<u64>,
}

impl Object {
    /// The loaded object that has code at an address, by the loader's list of objects.
    pub fn around(address: u64) -> Option<Self> {
        struct Search {
            address: u64,
            found: Option<Object>,
        }
        unsafe extern "C" fn look(
            info: *mut libc::dl_phdr_info,
            _size: usize,
            search: *mut c_void,
        ) -> c_int {
            // SAFETY: the loader hands a valid description; the search is the caller's.
            let (info, search) = unsafe { (&*info, &mut *search.cast::<Search>()) };
            // SAFETY: as many headers as it says.
            let headers =
                unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
            if !has(&code_of(info.dlpi_addr, headers), search.address) {
                return 0;
            }
            // SAFETY: the segments are loaded.
            search.found = unsafe { Object::at(info.dlpi_addr, headers) };
            1
        }
        let mut search = Search {
            address,
            found: None,
        };
        // SAFETY: the callback gets what it takes.
        unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut search).cast()) };
        search.found
    }

    /// The object whose segments stand at `base` and on, as its headers say.
    ///
    /// # Safety
    /// They do, and nobody writes to its code.
    pub unsafe fn at(base: u64, headers: &[libc::Elf64_Phdr]) -> Option<Self> {
        let table = headers.iter().find(|h| h.p_type == libc::PT_GNU_EH_FRAME)?;
        // SAFETY: the segment is there with the others.
        let functions = unsafe { functions_of(base + table.p_vaddr, table.p_memsz as usize) }?;
        let code = code_of(base, headers);
        Some(Self { code, functions })
    }

    /// Whether code stands at an address.
    pub fn has_code(&self, at: u64) -> bool {
        has(&self.code, at)
    }

    /// The instruction at an address; an invalid one where no code is.
    pub fn decode(&self, at: u64) -> Instruction {
        let end = self
            .code
            .iter()
            .find(|(from, to)| (*from..*to).contains(&at));
        let room = end.map_or(0, |(_, to)| (to - at) as usize).min(LONGEST);
        Decoder::with_ip(64, bytes_at(at, room), at, DecoderOptions::NONE).decode()
    }

    /// Where it asks the CPU: its CPUID and XGETBV instructions. Found by their bytes, and believed where decoding
    /// from the function's beginning comes upon them.
    pub fn questions(&self) -> Vec<u64> {
        let found = self.code.iter().flat_map(|(from, to)| {
            let words = bytes_at(*from, (to - from) as usize).windows(3);
            words
                .zip(*from..)
                .filter(|(word, _)| matches!(word, [0x0f, 0xa2, _] | [0x0f, 0x01, 0xd0]))
                .map(|(_, at)| at)
        });
        found.filter(|at| self.comes_upon(*at)).collect()
    }

    fn comes_upon(&self, question: u64) -> bool {
        let Some(mut at) = self.functions.range(..=question).next_back().copied() else {
            return false;
        };
        while at < question && self.has_code(at) {
            at = self.decode(at).next_ip();
        }
        at == question && matches!(self.decode(at).code(), Code::Cpuid | Code::Xgetbv)
    }
}

/// Where the code of an object stands.
fn code_of(base: u64, headers: &[libc::Elf64_Phdr]) -> Vec<(u64, u64)> {
    let segments = headers
        .iter()
        .filter(|h| h.p_type == libc::PT_LOAD && h.p_flags & libc::PF_X != 0);
    let range = |h: &libc::Elf64_Phdr| (base + h.p_vaddr, base + h.p_vaddr + h.p_filesz);
    segments.map(range).collect()
}

fn has(code: &[(u64, u64)], at: u64) -> bool {
    code.iter().any(|(from, to)| (*from..*to).contains(&at))
}

/// Bytes of an object.
fn bytes_at<'a>(at: u64, length: usize) -> &'a [u8] {
    // SAFETY: asked for ranges inside the code of an object alone, which is there and which nobody writes.
    unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance(at as usize), length) }
}

/// Where functions begin, by the binary search table of .eh_frame_hdr (Linux Standard Base, "DWARF
/// Extensions"); `None` where it is of another form than all linkers write.
unsafe fn functions_of(header: u64, length: usize) -> Option<BTreeSet<u64>> {
    // SAFETY: as the caller says.
    let bytes = unsafe {
        std::slice::from_raw_parts(std::ptr::with_exposed_provenance(header as usize), length)
    };
    let word = |at: usize| {
        let four = bytes.get(at..at + 4)?;
        Some(i32::from_le_bytes(four.try_into().ok()?))
    };
    // Version 1; pointer pcrel sdata4, count udata4, table datarel sdata4.
    if bytes.get(..4)? != [1, 0x1b, 0x03, 0x3b] {
        return None;
    }
    let count = usize::try_from(word(8)?).ok()?;
    (0..count)
        .map(|i| Some(header.wrapping_add_signed(word(12 + 8 * i)?.into())))
        .collect()
}
