//! Stands before libc's `pthread_create` for all code of this process, so that the threads of a kernel can be
//! made to come late and held up ([`tierwise_exec::jitter`]). The build script exports it from the program.

use std::ffi::{c_int, c_void};
use std::mem::transmute;
use std::sync::OnceLock;
use std::time::Duration;

use tierwise_exec::jitter;

type Start = extern "C" fn(*mut c_void) -> *mut c_void;
type Create = unsafe extern "C" fn(
    *mut libc::pthread_t,
    *const libc::pthread_attr_t,
    Start,
    *mut c_void,
) -> c_int;

/// What a late thread is to do.
struct Late {
    delay: Duration,
    start: Start,
    argument: *mut c_void,
}

/// As libc's; while the environment is restless, the thread begins later and is held up.
///
/// # Safety
/// As libc's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_create(
    thread: *mut libc::pthread_t,
    attributes: *const libc::pthread_attr_t,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    static REAL: OnceLock<Create> = OnceLock::new();
    // SAFETY: the next definition of the name is libc's, and of this type.
    let real = REAL.get_or_init(|| unsafe {
        transmute::<*mut c_void, Create>(libc::dlsym(libc::RTLD_NEXT, c"pthread_create".as_ptr()))
    });
    let Some(delay) = jitter::delay() else {
        // SAFETY: as the caller says.
        return unsafe { real(thread, attributes, start, argument) };
    };
    let late = Box::into_raw(Box::new(Late {
        delay,
        start,
        argument,
    }));
    // SAFETY: the box belongs to the thread, or to nobody where none was started.
    unsafe {
        let failed = real(thread, attributes, come_late, late.cast());
        if failed != 0 {
            drop(Box::from_raw(late));
        }
        failed
    }
}

extern "C" fn come_late(late: *mut c_void) -> *mut c_void {
    // SAFETY: the box that `pthread_create` has handed over.
    let Late {
        delay,
        start,
        argument,
    } = *unsafe { Box::from_raw(late.cast::<Late>()) };
    jitter::wait(delay);
    let _interrupted = jitter::Interrupted::new();
    start(argument)
}
