//! The variants as a caller meets them: through the table, on memory of their own.

mod broken;
mod case;
mod correct;
mod fatal;
mod refusals;

use std::{ptr, thread};

use tierwise_abi::c::{DLTensor, TW_OK};

use crate::float::Float;
use crate::testing::{kernels, named, text};
use crate::tierwise_executed;
use case::{Buffer, Case, args, call};

const FATAL: &[&str] = &[
    "aborts",
    "segfaults",
    "illegal-instruction",
    "never-returns",
    "reads-past-end",
];

const FLOATS: [Float; 3] = [Float::F32, Float::F16, Float::Bf16];

#[test]
fn every_kernel_is_in_the_manifest_and_says_that_it_ran() {
    let known = [named("rms_norm", "correct"), named("rms_norm", "broken")].concat();
    let case = Case::plain(1, &[2.0]);
    for kernel in kernels("rms_norm") {
        let name = text(kernel.name);
        // SAFETY: it asks for nothing.
        if unsafe { kernel.available.unwrap()() } == 0 {
            continue;
        }
        assert!(known.contains(&name), "{name} is not in the manifest");
        assert_eq!(case.run(name).status, TW_OK);
        let executed = text(tierwise_executed());
        assert!(
            executed.starts_with(&format!("rms_norm/{name}/")),
            "{executed}"
        );
    }
}

#[test]
fn nothing_has_run_on_a_new_thread() {
    let executed = thread::spawn(|| tierwise_executed().is_null());
    assert!(executed.join().unwrap());
}

#[test]
fn no_rows_succeed() {
    for name in [named("rms_norm", "correct"), named("rms_norm", "broken")].concat() {
        let mut empty = Buffer::new(Float::F32, &[0, 4], &[4, 1]);
        let mut x = DLTensor {
            data: ptr::null_mut(),
            ..empty.tensor()
        };
        let mut y = x;
        assert_eq!(call(name, &args(&x, &mut y)), TW_OK, "{name}");
        x.strides = ptr::null_mut();
        assert_eq!(call(name, &args(&x, &mut y)), TW_OK, "{name}");
    }
}
