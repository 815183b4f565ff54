//! Notes what this process dies of, on the page that it shares with its parent.

use std::fs::File;
use std::io;
use std::mem::{ManuallyDrop, zeroed};
use std::ptr::{null_mut, with_exposed_provenance};
use std::sync::atomic::{AtomicUsize, Ordering};

use tierwise_exec::fault::{Fault, FaultNote};
use tierwise_exec::memory::{Mapping, PAGE};

/// Address of the note, for the handler.
static NOTE: AtomicUsize = AtomicUsize::new(0);

const SIGNALS: [i32; 5] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGABRT,
];

/// Installs the handlers; the note is the arena's first page. The standard library has given the main
/// thread an alternate stack, so that an overflowing stack is noted too.
pub fn note_in(arena: &File) -> io::Result<()> {
    let page = ManuallyDrop::new(Mapping::shared(arena, 0, PAGE)?);
    NOTE.store(page.start().expose_provenance(), Ordering::Release);
    for signal in SIGNALS {
        // SAFETY: a zeroed sigaction with a handler of the type that SA_SIGINFO asks for.
        unsafe {
            let mut action: libc::sigaction = zeroed();
            action.sa_sigaction = handle as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            if libc::sigaction(signal, &action, null_mut()) != 0 {
                return Err(io::Error::last_os_error());
            }
        }
    }
    Ok(())
}

extern "C" fn handle(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel hands valid pointers; the note is mapped for ever; all calls here are
    // async-signal-safe.
    unsafe {
        let note: &FaultNote = &*with_exposed_provenance::<FaultNote>(NOTE.load(Ordering::Acquire));
        // An abort has no address.
        let address = if signal == libc::SIGABRT {
            0
        } else {
            (*info).si_addr() as u64
        };
        note.write(Fault {
            signal,
            address,
            write: access(signal, context),
        });
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

/// Bit 1 of the page fault's error code: set on a write.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
unsafe fn access(signal: i32, context: *mut libc::c_void) -> Option<bool> {
    if signal != libc::SIGSEGV && signal != libc::SIGBUS {
        return None;
    }
    // SAFETY: with SA_SIGINFO the third argument is a ucontext_t.
    let context = unsafe { &*context.cast::<libc::ucontext_t>() };
    Some(context.uc_mcontext.gregs[libc::REG_ERR as usize] & 2 != 0)
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
unsafe fn access(_signal: i32, _context: *mut libc::c_void) -> Option<bool> {
    None
}
