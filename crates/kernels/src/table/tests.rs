//! The table as a caller sees it.

use std::collections::HashSet;
use std::ffi::CStr;
use std::slice;
use std::thread;

use tierwise_abi::c::{TIERWISE_ABI, TW_INVALID, TW_UNSUPPORTED, TwKernel};

use super::{library, run_in};
use crate::executed;
use crate::rms_norm::RmsNorm;
use crate::simd::Scalar;
use crate::testing::{Asked, Case, Data, kernels, text};

fn rows() -> &'static [TwKernel] {
    // SAFETY: the table has so many rows.
    unsafe { slice::from_raw_parts(library().kernels, library().kernel_count as usize) }
}

fn small_case() -> Case {
    let data = Data {
        x: vec![1.0; 8],
        weight: vec![1.0; 8],
        residual: vec![1.0; 8],
    };
    Case::dense(Asked::all()[0], 1, 8, &data)
}

/// What the calling thread ran last.
fn last() -> Option<&'static str> {
    let id = executed();
    // SAFETY: NULL or a constant C string.
    (!id.is_null()).then(|| unsafe { CStr::from_ptr(id) }.to_str().unwrap())
}

#[test]
fn names_are_unique_and_every_row_can_be_called() {
    assert_eq!(
        (library().abi, text(library().name)),
        (TIERWISE_ABI, "native")
    );
    let (number, hash) = text(library().version).split_once('+').unwrap();
    assert_eq!(number, env!("CARGO_PKG_VERSION"));
    assert!(hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let ids: HashSet<_> = rows()
        .iter()
        .map(|row| [row.op, row.name, row.tier].map(text))
        .collect();
    assert_eq!(ids.len(), rows().len());
    assert!(
        rows()
            .iter()
            .all(|row| row.run.is_some() && row.available.is_some())
    );
}

#[test]
fn a_run_says_which_tier_ran() {
    for kernel in kernels() {
        small_case().run(kernel);
        let id = [kernel.op, kernel.name, kernel.tier].map(text).join("/");
        assert_eq!(last(), Some(id.as_str()));
        assert_eq!(
            thread::spawn(last).join().unwrap(),
            None,
            "another thread ran nothing"
        );
        // SAFETY: NULL is refused.
        assert_eq!(unsafe { kernel.run.unwrap()(std::ptr::null()) }, TW_INVALID);
        assert_eq!(last(), None, "a refused call ran nothing");
    }
}

#[test]
fn a_tier_that_is_missing_never_falls_back() {
    let mut case = small_case();
    let before = case.y().bytes();
    let status = case.with_args(|args| {
        // SAFETY: the args are as the interface says.
        unsafe { run_in::<RmsNorm, Scalar>(None, std::ptr::from_ref(args).cast()) }
    });
    assert_eq!(status, TW_UNSUPPORTED);
    assert_eq!(case.y().bytes(), before);
    assert_eq!(last(), None);
}
