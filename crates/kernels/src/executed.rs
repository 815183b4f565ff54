//! The name of what ran, as the code that ran says it: the proof that a forced tier was the tier.

use std::cell::Cell;
use std::ffi::{CStr, c_char};
use std::ptr;

use crate::simd::Simd;
use crate::table::Op;

thread_local! {
    static LAST: Cell<*const c_char> = const { Cell::new(ptr::null()) };
}

/// `op/name/tier` of the calling thread's last run, as executed; NULL when it refused, or none was.
pub extern "C" fn executed() -> *const c_char {
    LAST.get()
}

/// Forgets the last run.
pub(crate) fn clear() {
    LAST.set(ptr::null());
}

/// Says that the code which calls this was compiled for the tier `S`. Belongs inside
/// [`Work::run`](crate::simd::Work::run), on the thread that made the call.
#[inline(always)]
pub(crate) fn record<O: Op, S: Simd>() {
    LAST.set(Id::<O, S>::TEXT.as_ptr().cast());
}

/// The id of an operator's kernel in a tier, put together when compiled.
struct Id<O, S>(O, S);

impl<O: Op, S: Simd> Id<O, S> {
    const TEXT: &'static [u8; 64] = &join([O::OP, O::KERNEL, S::TIER]);
}

/// The names with slashes between them, ended by NUL. Too long a name fails to compile.
const fn join(names: [&CStr; 3]) -> [u8; 64] {
    let mut text = [0; 64];
    let mut length = 0;
    let mut name = 0;
    while name < names.len() {
        if name > 0 {
            text[length] = b'/';
            length += 1;
        }
        let bytes = names[name].to_bytes();
        let mut i = 0;
        while i < bytes.len() {
            text[length] = bytes[i];
            length += 1;
            i += 1;
        }
        name += 1;
    }
    assert!(length < text.len());
    text
}
