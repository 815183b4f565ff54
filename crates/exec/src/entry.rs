//! The way into a kernel: registers and stack as the calling convention allows them at worst, and a look at
//! what must be as it was afterwards.

use std::ffi::c_void;
use std::io;

use tierwise_abi::c::TwStatus;

use crate::memory::Guarded;
use crate::request::Fill;

/// A kernel's `run`.
pub type RunFn = unsafe extern "C" fn(args: *const c_void) -> TwStatus;

/// Bytes of stack that a kernel must get along with. Twice what musl gives a thread, half of what macOS
/// gives one that is not the first.
const LITTLE_STACK: usize = 256 << 10;

/// A stack of its own, a guard below it.
pub struct Stack {
    pages: Guarded,
}

impl Stack {
    /// A small stack.
    pub fn little() -> io::Result<Self> {
        Ok(Self {
            pages: Guarded::private(LITTLE_STACK)?,
        })
    }

    /// Fills all of it; returns its upper end.
    fn top(&self, fill: Fill) -> *mut u8 {
        let length = self.pages.length();
        // SAFETY: the pages are this value's own, as long as they say, and nothing runs on them now.
        unsafe { std::slice::from_raw_parts_mut(self.pages.start(), length) }
            .chunks_exact_mut(4)
            .for_each(|word| word.copy_from_slice(&fill.word().to_ne_bytes()));
        self.pages.start().wrapping_add(length)
    }
}

/// Calls `run` with what the convention leaves open filled: argument and scratch registers, vector and mask
/// registers, and the stack where one is given. Returns the status and the names of callee-saved registers
/// (and flags) that came back changed.
///
/// # Safety
/// `run` must be a kernel's own function and `args` what it is meant for.
pub unsafe fn enter(
    run: RunFn,
    args: *const c_void,
    fill: Fill,
    stack: Option<&Stack>,
) -> (TwStatus, Vec<String>) {
    // SAFETY: as the caller says.
    unsafe { machine::enter(run, args, fill, stack.map(|stack| stack.top(fill))) }
}

#[cfg(target_arch = "x86_64")]
mod machine {
    use std::arch::global_asm;
    use std::ffi::c_void;
    use std::mem::offset_of;

    use tierwise_abi::c::TwStatus;

    use super::RunFn;
    use crate::request::Fill;

    /// What callee-saved registers hold in the call: no addresses, no small numbers.
    const CANARIES: [(&str, u64); 6] = [
        ("rbx", 0xb1b1_5eed_0000_0001),
        ("rbp", 0xb1b1_5eed_0000_0002),
        ("r12", 0xb1b1_5eed_0000_0003),
        ("r13", 0xb1b1_5eed_0000_0004),
        ("r14", 0xb1b1_5eed_0000_0005),
        ("r15", 0xb1b1_5eed_0000_0006),
    ];

    /// The direction flag. It is cleared at once: this program's own copies go by it.
    const DF: u64 = 1 << 10;

    /// What `tierwise_enter` takes and gives.
    #[repr(C, align(64))]
    struct Frame {
        /// For vector registers; for others, its first eight bytes.
        pattern: [u32; 16],
        canaries: [u64; 6],
        run: RunFn,
        args: *const c_void,
        /// Upper end of the stack to run on; NULL: this one.
        stack: *mut u8,
        /// Fills the vector registers; takes the pattern in rdi and changes nothing else but masks.
        fill: unsafe extern "C" fn(),
        /// Where this stack was left.
        own: u64,
        /// The flags that the kernel came back with.
        flags: u64,
        status: i32,
        /// Whether there are upper halves to clear afterwards.
        wide: u32,
    }

    global_asm!(
        ".globl tierwise_enter",
        ".hidden tierwise_enter",
        "tierwise_enter:",
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "sub rsp, 8",
        "mov [rdi + {own}], rsp",
        "call [rdi + {fill}]",
        "mov rax, [rdi + {stack}]",
        "test rax, rax",
        "cmovnz rsp, rax",
        "push rdi",
        "push rdi",
        "mov rax, [rdi + {run}]",
        "mov rbx, [rdi + {canaries}]",
        "mov rbp, [rdi + {canaries} + 8]",
        "mov r12, [rdi + {canaries} + 16]",
        "mov r13, [rdi + {canaries} + 24]",
        "mov r14, [rdi + {canaries} + 32]",
        "mov r15, [rdi + {canaries} + 40]",
        "mov rsi, [rdi]",
        "mov rdx, rsi",
        "mov rcx, rsi",
        "mov r8, rsi",
        "mov r9, rsi",
        "mov r10, rsi",
        "mov r11, rsi",
        "mov rdi, [rdi + {args}]",
        "call rax",
        "mov rcx, [rsp]",
        "mov [rcx + {canaries}], rbx",
        "mov [rcx + {canaries} + 8], rbp",
        "mov [rcx + {canaries} + 16], r12",
        "mov [rcx + {canaries} + 24], r13",
        "mov [rcx + {canaries} + 32], r14",
        "mov [rcx + {canaries} + 40], r15",
        "mov [rcx + {status}], eax",
        "pushfq",
        "pop [rcx + {flags}]",
        "cld",
        "cmp dword ptr [rcx + {wide}], 0",
        "je 2f",
        "vzeroupper",
        "2:",
        "mov rsp, [rcx + {own}]",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
        own = const offset_of!(Frame, own),
        fill = const offset_of!(Frame, fill),
        stack = const offset_of!(Frame, stack),
        run = const offset_of!(Frame, run),
        args = const offset_of!(Frame, args),
        canaries = const offset_of!(Frame, canaries),
        flags = const offset_of!(Frame, flags),
        status = const offset_of!(Frame, status),
        wide = const offset_of!(Frame, wide),
    );

    /// One instruction for each number, `r` in it replaced.
    macro_rules! each {
        ($($r:literal)*; $before:literal $after:literal) => {
            concat!($($before, $r, $after, "\n"),*)
        };
    }

    global_asm!(
        ".globl tierwise_fill_sse",
        ".hidden tierwise_fill_sse",
        "tierwise_fill_sse:",
        each!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; "movaps xmm" ", [rdi]"),
        "ret",
        ".globl tierwise_fill_avx",
        ".hidden tierwise_fill_avx",
        "tierwise_fill_avx:",
        each!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; "vmovaps ymm" ", [rdi]"),
        "ret",
        ".globl tierwise_fill_avx512",
        ".hidden tierwise_fill_avx512",
        "tierwise_fill_avx512:",
        each!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31; "vmovaps zmm" ", [rdi]"),
        each!(0 1 2 3 4 5 6 7; "kmovq k" ", [rdi]"),
        "ret",
    );

    unsafe extern "C" {
        fn tierwise_enter(frame: *mut Frame);
        fn tierwise_fill_sse();
        fn tierwise_fill_avx();
        fn tierwise_fill_avx512();
    }

    pub unsafe fn enter(
        run: RunFn,
        args: *const c_void,
        fill: Fill,
        stack: Option<*mut u8>,
    ) -> (TwStatus, Vec<String>) {
        let wide = is_x86_feature_detected!("avx");
        let mut frame = Frame {
            pattern: [fill.word(); 16],
            canaries: CANARIES.map(|(_, value)| value),
            run,
            args,
            stack: stack.unwrap_or(std::ptr::null_mut()),
            fill: match (wide, is_x86_feature_detected!("avx512bw")) {
                (_, true) => tierwise_fill_avx512,
                (true, false) => tierwise_fill_avx,
                (false, false) => tierwise_fill_sse,
            },
            own: 0,
            flags: 0,
            status: 0,
            wide: u32::from(wide),
        };
        // SAFETY: saves what it changes, runs what the caller answers for, and comes back on this stack.
        unsafe { tierwise_enter(&raw mut frame) };
        let registers = CANARIES.iter().zip(frame.canaries);
        let mut changed: Vec<String> = registers
            .filter(|((_, value), now)| value != now)
            .map(|((name, _), _)| format!("callee-saved register {name}"))
            .collect();
        if frame.flags & DF != 0 {
            changed.push("direction flag set".to_owned());
        }
        (frame.status, changed)
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod machine {
    use std::ffi::c_void;

    use tierwise_abi::c::TwStatus;

    use super::RunFn;
    use crate::request::Fill;

    pub unsafe fn enter(
        run: RunFn,
        args: *const c_void,
        _fill: Fill,
        _stack: Option<*mut u8>,
    ) -> (TwStatus, Vec<String>) {
        // SAFETY: as the caller says.
        (unsafe { run(args) }, Vec::new())
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use std::arch::naked_asm;
    use std::ffi::c_void;
    use std::ptr::null;

    use super::{RunFn, Stack, enter};
    use crate::request::Fill;

    extern "C" fn answer(args: *const c_void) -> i32 {
        args as i32
    }

    #[unsafe(naked)]
    unsafe extern "C" fn spoils_r13_and_rbp(_: *const c_void) -> i32 {
        naked_asm!("mov r13, 7", "xor ebp, ebp", "xor eax, eax", "ret")
    }

    /// The low word of a vector register that nobody has set.
    #[unsafe(naked)]
    unsafe extern "C" fn reads_xmm5(_: *const c_void) -> i32 {
        naked_asm!("movd eax, xmm5", "ret")
    }

    /// A word of stack that nobody has set.
    #[unsafe(naked)]
    unsafe extern "C" fn reads_its_stack(_: *const c_void) -> i32 {
        naked_asm!("mov eax, [rsp - 4096]", "ret")
    }

    #[unsafe(naked)]
    unsafe extern "C" fn sets_the_direction_flag(_: *const c_void) -> i32 {
        naked_asm!("std", "xor eax, eax", "ret")
    }

    fn call(run: RunFn, args: *const c_void, fill: Fill) -> (i32, Vec<String>) {
        // SAFETY: the functions of this test take anything.
        unsafe { enter(run, args, fill, None) }
    }

    #[test]
    fn the_argument_gets_in_and_the_status_out() {
        let args = std::ptr::without_provenance(42);
        assert_eq!(call(answer, args, Fill::Nan), (42, Vec::new()));
        let stack = Stack::little().unwrap();
        // SAFETY: as in `call`.
        let on_little = unsafe { enter(answer, args, Fill::One, Some(&stack)) };
        assert_eq!(on_little, (42, Vec::new()));
    }

    #[test]
    fn a_callee_saved_register_that_is_not_saved_is_named() {
        let names = ["callee-saved register rbp", "callee-saved register r13"];
        assert_eq!(call(spoils_r13_and_rbp, null(), Fill::Nan).1, names);
        let flag = call(sets_the_direction_flag, null(), Fill::Nan).1;
        assert_eq!(flag, ["direction flag set"]);
    }

    #[test]
    fn registers_and_stack_hold_what_they_are_filled_with() {
        let stack = Stack::little().unwrap();
        for fill in [Fill::Nan, Fill::Zero, Fill::One] {
            assert_eq!(call(reads_xmm5, null(), fill).0, fill.word().cast_signed());
            // SAFETY: reads inside the stack that is given.
            let (word, _) = unsafe { enter(reads_its_stack, null(), fill, Some(&stack)) };
            assert_eq!(word, fill.word().cast_signed());
        }
    }
}
