//! The variants as a caller meets them: through the table, on memory of their own.

mod broken;
mod case;
mod correct;
mod fatal;
mod refusals;

use std::{ptr, thread};

use tierwise_abi::c::{DLTensor, TW_OK};

use crate::float::Float;
use crate::tierwise_executed;
use case::{Buffer, Case, args, call, kernels, text};

const CORRECT: &[&str] = &[
    "sequential",
    "pairwise",
    "f64",
    "max-scaled",
    #[cfg(target_arch = "x86_64")]
    "newton",
];
const WRONG: &[&str] = &[
    "returns-nan",
    "ignores-eps",
    "writes-nothing",
    "writes-past-end",
    #[cfg(target_arch = "x86_64")]
    "raw-rsqrtss",
];
const FATAL: &[&str] = &[
    "aborts",
    "segfaults",
    "illegal-instruction",
    "never-returns",
    "reads-past-end",
];

const FLOATS: [Float; 3] = [Float::F32, Float::F16, Float::Bf16];

#[test]
fn the_table_holds_these_kernels_and_each_says_that_it_ran() {
    let known = [CORRECT, WRONG, FATAL].concat();
    assert_eq!(kernels().len(), known.len());
    let case = Case::plain(1, &[2.0]);
    for kernel in kernels() {
        let name = text(kernel.name);
        assert!(known.contains(&name), "{name} is in no list of these tests");
        // SAFETY: it asks for nothing.
        assert_eq!(unsafe { kernel.available.unwrap()() }, 1);
        assert_eq!(case.run(name).status, TW_OK);
        let id = format!("rms_norm/{name}/{}", text(kernel.tier));
        assert_eq!(text(tierwise_executed()), id);
    }
}

#[test]
fn nothing_has_run_on_a_new_thread() {
    let executed = thread::spawn(|| tierwise_executed().is_null());
    assert!(executed.join().unwrap());
}

#[test]
fn no_rows_succeed() {
    for name in [CORRECT, WRONG, FATAL].concat() {
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
