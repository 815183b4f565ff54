//! Another CPU than this one, as far as the library under test can tell: CPUID and XGETBV answer as they would
//! there.
//!
//! Each of these instructions of the library is made one that no CPU knows, and the signal that it raises then is
//! answered in its stead. A shared object is changed as a copy, before it is loaded, so that what it asks while it
//! is loaded is faked as well; kernels that are built in are changed where they stand. Nothing is faked for
//! objects that it brings along, nor for what libc has found out.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub use machine::{begin, copy_of, here};

/// How the process ends where XGETBV is executed on a system that has not enabled it: an illegal instruction.
pub const NOT_ENABLED: i32 = 77;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod machine {
    use std::arch::global_asm;
    use std::ffi::c_void;
    use std::fs::File;
    use std::io::{self, Read, Write};
    use std::mem::{size_of, transmute, zeroed};
    use std::os::fd::IntoRawFd;
    use std::path::{Path, PathBuf};
    use std::ptr::with_exposed_provenance_mut;
    use std::sync::OnceLock;

    use super::NOT_ENABLED;
    use crate::memory::{PAGE, anonymous_file};
    use crate::object::Object;

    /// The first byte of a changed instruction: in 64-bit mode it begins none.
    const UNKNOWN: u8 = 0x06;

    /// Features by their bits: leaf, subleaf, register (EAX, EBX, ECX, EDX), bit. Intel SDM volume 2A, CPUID; AMD
    /// APM volume 3, appendix E.
    const FEATURES: &[(&str, u32, u32, usize, u32)] = &[
        ("FMA", 1, 0, 2, 12),
        ("OSXSAVE", 1, 0, 2, 27),
        ("AVX", 1, 0, 2, 28),
        ("F16C", 1, 0, 2, 29),
        ("BMI1", 7, 0, 1, 3),
        ("AVX2", 7, 0, 1, 5),
        ("BMI2", 7, 0, 1, 8),
        ("AVX512F", 7, 0, 1, 16),
        ("AVX512DQ", 7, 0, 1, 17),
        ("AVX512-IFMA", 7, 0, 1, 21),
        ("AVX512CD", 7, 0, 1, 28),
        ("AVX512BW", 7, 0, 1, 30),
        ("AVX512VL", 7, 0, 1, 31),
        ("AVX512-VBMI", 7, 0, 2, 1),
        ("AVX512-VBMI2", 7, 0, 2, 6),
        ("VAES", 7, 0, 2, 9),
        ("VPCLMULQDQ", 7, 0, 2, 10),
        ("AVX512-VNNI", 7, 0, 2, 11),
        ("AVX512-BITALG", 7, 0, 2, 12),
        ("AVX512-VPOPCNTDQ", 7, 0, 2, 14),
        ("AVX512-VP2INTERSECT", 7, 0, 3, 8),
        ("AVX512-FP16", 7, 0, 3, 23),
        ("AVX-VNNI", 7, 1, 0, 4),
        ("AVX512-BF16", 7, 1, 0, 5),
        ("AVX-IFMA", 7, 1, 0, 23),
        ("XOP", 0x8000_0001, 0, 2, 11),
        ("FMA4", 0x8000_0001, 0, 2, 16),
    ];

    /// Registers that a system saves, by their bits of XCR0 (Intel SDM volume 1, 13.3).
    const STATES: &[(&str, u64)] = &[("YMM", 0b100), ("ZMM", 0b1110_0000)];

    /// What the faked CPU lacks of this one.
    struct Faked {
        /// Leaf, subleaf, and the bits that are not set, by register.
        leaves: Vec<(u32, u32, [u32; 4])>,
        /// What XGETBV says; `None`: it is not enabled.
        xcr0: Option<u64>,
        /// The handler that was there before.
        before: libc::sigaction,
    }

    static FAKED: OnceLock<Faked> = OnceLock::new();

    global_asm!(
        ".globl tierwise_cpuid",
        ".hidden tierwise_cpuid",
        "tierwise_cpuid:",
        "push rbx",
        "mov r8, rdx",
        "mov eax, edi",
        "mov ecx, esi",
        "cpuid",
        "mov [r8], eax",
        "mov [r8 + 4], ebx",
        "mov [r8 + 8], ecx",
        "mov [r8 + 12], edx",
        "pop rbx",
        "ret",
        ".globl tierwise_cpuid_end",
        ".hidden tierwise_cpuid_end",
        "tierwise_cpuid_end:",
    );

    unsafe extern "C" {
        /// CPUID of this CPU: the one that is never changed.
        fn tierwise_cpuid(leaf: u32, subleaf: u32, answer: *mut [u32; 4]);
        fn tierwise_cpuid_end();
    }

    fn cpuid(leaf: u32, subleaf: u32) -> [u32; 4] {
        let mut answer = [0; 4];
        // SAFETY: CPUID touches nothing but the answer.
        unsafe { tierwise_cpuid(leaf, subleaf, &raw mut answer) };
        answer
    }

    /// From now on, changed instructions answer as a CPU would that lacks these features (commas between them),
    /// under a system that does not save registers named here. Once a process.
    ///
    /// # Errors
    /// What is unknown, in words.
    pub fn begin(lacks: &str) -> Result<(), String> {
        const OSXSAVE: u32 = 1 << 27;
        let mut leaves: Vec<(u32, u32, [u32; 4])> = Vec::new();
        let mut saved = !0;
        for word in lacks.split(',') {
            if let Some((_, bits)) = STATES.iter().find(|(name, _)| *name == word) {
                saved &= !bits;
                continue;
            }
            let feature = FEATURES.iter().find(|(name, ..)| *name == word);
            let &(_, leaf, subleaf, register, bit) =
                feature.ok_or_else(|| format!("no feature is known as {word:?}"))?;
            let mut off = [0; 4];
            off[register] = 1 << bit;
            leaves.push((leaf, subleaf, off));
        }
        let lacks_osxsave = lacks.split(',').any(|word| word == "OSXSAVE");
        let enabled = cpuid(1, 0)[2] & OSXSAVE != 0 && !lacks_osxsave;
        // SAFETY: enabled, as CPUID says.
        let xcr0 = enabled.then(|| saved & unsafe { xcr0() });
        // SAFETY: plain data, all zeros allowed.
        let mut before: libc::sigaction = unsafe { zeroed() };
        // SAFETY: reads the handler that is there.
        unsafe { libc::sigaction(libc::SIGILL, std::ptr::null(), &raw mut before) };
        let faked = Faked {
            leaves,
            xcr0,
            before,
        };
        FAKED
            .set(faked)
            .map_err(|_| "another CPU is faked already".to_owned())?;
        // SAFETY: a handler of the type that SA_SIGINFO asks for.
        unsafe {
            let mut action: libc::sigaction = zeroed();
            action.sa_sigaction = answer as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            if libc::sigaction(libc::SIGILL, &raw const action, std::ptr::null_mut()) != 0 {
                return Err(io::Error::last_os_error().to_string());
            }
        }
        Ok(())
    }

    #[target_feature(enable = "xsave")]
    fn xcr0() -> u64 {
        // SAFETY: register 0 exists wherever XGETBV does.
        unsafe { std::arch::x86_64::_xgetbv(0) }
    }

    /// Answers in the stead of a changed instruction; hands on what is none.
    extern "C" fn answer(signal: i32, info: *mut libc::siginfo_t, context: *mut c_void) {
        let Some(faked) = FAKED.get() else {
            return;
        };
        // SAFETY: with SA_SIGINFO the third argument is a ucontext_t, which is this handler's while it runs.
        let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
        let [rax, rbx, rcx, rdx] = [libc::REG_RAX, libc::REG_RBX, libc::REG_RCX, libc::REG_RDX];
        let at: *const u8 = with_exposed_provenance_mut(registers[libc::REG_RIP as usize] as usize);
        // SAFETY: the first byte was fetched, and a changed instruction can be read as a whole.
        let byte = |i: usize| unsafe { at.add(i).read() };
        let selected = registers[rcx as usize] as u32;
        if byte(0) == UNKNOWN && byte(1) == 0xa2 {
            let leaf = registers[rax as usize] as u32;
            let said = cpuid(leaf, selected);
            for (i, register) in [rax, rbx, rcx, rdx].into_iter().enumerate() {
                let lacking = faked.leaves.iter();
                let off = lacking
                    .filter(|(own, sub, _)| *own == leaf && (leaf != 7 || *sub == selected))
                    .fold(0, |off, (_, _, bits)| off | bits[i]);
                registers[register as usize] = (said[i] & !off).into();
            }
            registers[libc::REG_RIP as usize] += 2;
        } else if byte(0) == UNKNOWN && byte(1) == 0x01 && byte(2) == 0xd0 && selected == 0 {
            let Some(xcr0) = faked.xcr0 else {
                // SAFETY: ends the process, and nothing else.
                unsafe { libc::_exit(NOT_ENABLED) }
            };
            registers[rax as usize] = (xcr0 as u32).into();
            registers[rdx as usize] = ((xcr0 >> 32) as u32).into();
            registers[libc::REG_RIP as usize] += 3;
        } else if faked.before.sa_sigaction > libc::SIG_IGN {
            type Handler = extern "C" fn(i32, *mut libc::siginfo_t, *mut c_void);
            // SAFETY: the runner's handler of fatal signals, which is of this type.
            let before = unsafe { transmute::<usize, Handler>(faked.before.sa_sigaction) };
            before(signal, info, context);
        } else {
            // SAFETY: two calls that are async-signal-safe.
            unsafe {
                libc::signal(signal, libc::SIG_DFL);
                libc::raise(signal);
            }
        }
    }

    /// A shared object as it is to be loaded: a copy in memory that is never given back.
    ///
    /// # Errors
    /// What the system says, or that the file is of a form that is not known.
    pub fn copy_of(path: &Path) -> io::Result<PathBuf> {
        let mut bytes = loaded_part_of(path)?;
        for place in questions_of(&bytes).ok_or_else(|| io::Error::other("no object to change"))? {
            bytes[place] = UNKNOWN;
        }
        let mut copy = anonymous_file(c"tierwise-copy")?;
        copy.write_all(&bytes)?;
        let kept_open = copy.into_raw_fd();
        Ok(PathBuf::from(format!("/proc/self/fd/{kept_open}")))
    }

    /// A shared object's file without what follows its segments: the loader takes no more, and what is there for
    /// debuggers may be many times as long.
    fn loaded_part_of(path: &Path) -> io::Result<Vec<u8>> {
        const HEAD: u64 = 1 << 16;
        let mut bytes = Vec::new();
        let mut file = File::open(path)?;
        Read::by_ref(&mut file).take(HEAD).read_to_end(&mut bytes)?;
        let headers = headers_of(&bytes).unwrap_or_default();
        let loaded = headers.iter().filter(|h| h.p_type == libc::PT_LOAD);
        let end = loaded.map(|h| h.p_offset.saturating_add(h.p_filesz)).max();
        let rest = end.unwrap_or(0).saturating_sub(bytes.len() as u64);
        file.take(rest).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Changes the code of this program where it stands.
    ///
    /// # Errors
    /// What the system says, where code may not be written.
    pub fn here() -> io::Result<()> {
        let own = tierwise_cpuid as *const () as u64..tierwise_cpuid_end as *const () as u64;
        let program = Object::around(own.start).ok_or_else(|| io::Error::other("no code table"))?;
        for place in program.questions() {
            if own.contains(&place) {
                continue;
            }
            let byte: *mut u8 = with_exposed_provenance_mut(place as usize);
            let page = byte.wrapping_sub(place as usize % PAGE).cast();
            let protect = |protection: i32| {
                // SAFETY: a page of this program's code, which can be executed all the while.
                match unsafe { libc::mprotect(page, PAGE, libc::PROT_READ | protection) } {
                    0 => Ok(()),
                    _ => Err(io::Error::last_os_error()),
                }
            };
            protect(libc::PROT_WRITE | libc::PROT_EXEC)?;
            // SAFETY: one byte, of an instruction that nobody executes now: there is one thread.
            unsafe { byte.write_volatile(UNKNOWN) };
            protect(libc::PROT_EXEC)?;
        }
        Ok(())
    }

    /// Where in a file its CPUID and XGETBV stand; `None`: it is no object for this machine.
    fn questions_of(file: &[u8]) -> Option<Vec<usize>> {
        /// More than any library takes.
        const MOST: u64 = 4 << 30;
        let headers = headers_of(file)?;
        let loaded = headers.iter().filter(|h| h.p_type == libc::PT_LOAD);
        let end = loaded
            .clone()
            .map(|h| h.p_vaddr.saturating_add(h.p_memsz))
            .max()?;
        if end > MOST {
            return None;
        }
        let mut image = vec![0; end as usize];
        for h in loaded.clone() {
            let from = file
                .get(h.p_offset as usize..)?
                .get(..h.p_filesz as usize)?;
            image[h.p_vaddr as usize..][..from.len()].copy_from_slice(from);
        }
        let base = image.as_ptr().expose_provenance() as u64;
        // SAFETY: the image holds every segment at its place, and is not written any more.
        let object = unsafe { Object::at(base, &headers) }?;
        let in_file = |place: u64| {
            let at = place - base;
            let mut holding = loaded.clone();
            let h = holding.find(|h| (h.p_vaddr..h.p_vaddr + h.p_filesz).contains(&at))?;
            Some((at - h.p_vaddr + h.p_offset) as usize)
        };
        object.questions().into_iter().map(in_file).collect()
    }

    /// The program headers of a shared object of this architecture.
    fn headers_of(file: &[u8]) -> Option<Vec<libc::Elf64_Phdr>> {
        const EM_X86_64: u16 = 62;
        if file.len() < size_of::<libc::Elf64_Ehdr>() || file[..5] != *b"\x7fELF\x02" {
            return None;
        }
        // SAFETY: as many bytes are there, and any bytes are a header.
        let head = unsafe { file.as_ptr().cast::<libc::Elf64_Ehdr>().read_unaligned() };
        let size = size_of::<libc::Elf64_Phdr>();
        if head.e_machine != EM_X86_64 || usize::from(head.e_phentsize) != size {
            return None;
        }
        let table = file.get(head.e_phoff as usize..)?;
        let table = table.get(..usize::from(head.e_phnum) * size)?;
        // SAFETY: as above.
        let header =
            |bytes: &[u8]| unsafe { bytes.as_ptr().cast::<libc::Elf64_Phdr>().read_unaligned() };
        Some(table.chunks_exact(size).map(header).collect())
    }
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
pub use elsewhere::{begin, copy_of, here};

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod elsewhere {
    use std::io;
    use std::path::{Path, PathBuf};

    const NOT_HERE: &str = "no other CPU can be faked on this one";

    /// Can't be done.
    pub fn begin(_: &str) -> Result<(), String> {
        Err(NOT_HERE.to_owned())
    }

    /// Can't be done.
    pub fn copy_of(_: &Path) -> io::Result<PathBuf> {
        Err(io::Error::other(NOT_HERE))
    }

    /// Can't be done.
    pub fn here() -> io::Result<()> {
        Err(io::Error::other(NOT_HERE))
    }
}

#[cfg(all(test, target_arch = "x86_64", target_os = "linux"))]
mod tests {
    use std::arch::x86_64::__cpuid_count;

    use super::begin;
    use crate::object::Object;

    #[inline(never)]
    extern "C" fn asks_and_loads_what_looks_like_it(leaf: u32) -> u64 {
        let answer = __cpuid_count(std::hint::black_box(leaf), 0);
        u64::from(answer.ecx) ^ std::hint::black_box(0x1122_a20f_3344_a20f)
    }

    #[test]
    fn an_unknown_feature_is_named() {
        assert!(begin("AVX2,MAGIC").unwrap_err().contains("MAGIC"));
    }

    #[test]
    fn instructions_that_ask_are_found_and_numbers_like_them_are_not() {
        let start = asks_and_loads_what_looks_like_it as *const () as u64;
        std::hint::black_box(asks_and_loads_what_looks_like_it(1));
        let object = Object::around(start).unwrap();
        let next = *object.functions.range(start + 1..).next().unwrap();
        let asked = object.questions();
        assert_eq!(
            asked
                .iter()
                .filter(|at| (start..next).contains(*at))
                .count(),
            1
        );
    }
}
