//! What the kernel itself must refuse, and that nothing is written then. Every rule of the contract on its own is
//! broken in the tests of [`GqaCall`](tierwise_abi::gqa::GqaCall).

use std::ptr;

use tierwise_abi::c::{TW_INVALID, TW_OK, TwGqaArgs};

use crate::gqa::Gqa;
use crate::testing::{Attended, Attending, Edge, GqaCase, Guarded, Numbers, kernels_of, text};

fn call() -> GqaCase {
    let mut asked = Attending::any(&mut Numbers(1), 4, 60, 20);
    (asked.batch, asked.kv_len) = (1, Some(vec![1]));
    asked.mask = None;
    GqaCase::dense(&asked, &Attended::new(&asked, 1))
}

/// Runs a changed call in every tier, in so much less scratch than it asks for, so far from where it should be.
fn answers(change: impl Fn(&mut TwGqaArgs), less: u64, misplaced: usize) -> Vec<(i32, bool)> {
    let answer = |kernel: &tierwise_abi::c::TwKernel| {
        let mut case = call();
        let before = case.out.bytes();
        let status = case.with_args(|args| {
            // SAFETY: the args are as the interface says, but for what must be refused; here and below.
            let bytes = unsafe { kernel.scratch_size.unwrap()(ptr::from_ref(args).cast()) };
            assert!(bytes > 0, "{}", text(kernel.tier));
            let scratch = Guarded::new(bytes as usize + 64, Edge::Start);
            args.call.scratch = scratch.as_ptr().wrapping_add(misplaced).cast();
            args.call.scratch_bytes = bytes.saturating_sub(less);
            change(args);
            // SAFETY: as above.
            unsafe { kernel.run.unwrap()(ptr::from_ref(args).cast()) }
        });
        (status, case.out.bytes() != before)
    };
    kernels_of::<Gqa>().into_iter().map(answer).collect()
}

fn all_are(answers: Vec<(i32, bool)>, expected: (i32, bool)) {
    assert!(
        answers.iter().all(|&answer| answer == expected),
        "{answers:?}"
    );
}

#[test]
fn a_legal_call_is_done() {
    all_are(answers(|_| (), 0, 0), (TW_OK, true));
    all_are(
        answers(|args| args.call.struct_size += 64, 0, 0),
        (TW_OK, true),
    );
}

#[test]
fn scratch_is_checked() {
    all_are(answers(|_| (), 1, 0), (TW_INVALID, false));
    all_are(answers(|_| (), u64::MAX, 0), (TW_INVALID, false));
    all_are(answers(|_| (), 0, 32), (TW_INVALID, false));
    all_are(
        answers(|args| args.call.scratch = ptr::null_mut(), 0, 0),
        (TW_INVALID, false),
    );
}

#[test]
fn broken_calls_are_refused() {
    let changes: [fn(&mut TwGqaArgs); 5] = [
        |args| args.call.threads = 0,
        |args| args.call.struct_size -= 1,
        |args| args.softcap = -1.0,
        |args| (args.causal, args.window) = (0, 3),
        |args| args.out = args.q.cast_mut(),
    ];
    for change in changes {
        all_are(answers(change, 0, 0), (TW_INVALID, false));
    }
}

/// No batch, no query: nothing to do, and no scratch; but what is invalid stays so.
#[test]
fn no_work_needs_no_scratch() {
    for empty in 0..2 {
        for kernel in kernels_of::<Gqa>() {
            let mut asked = Attending::any(&mut Numbers(5), 4, 60, 20);
            (asked.mask, asked.page, asked.kv_len) = (None, None, None);
            if empty == 0 {
                asked.batch = 0;
            } else {
                asked.q_len = 0;
            }
            let mut case = GqaCase::dense(&asked, &Attended::new(&asked, 1));
            for (threads, expected) in [(3, TW_OK), (0, TW_INVALID)] {
                case.threads = threads;
                let status = case.with_args(|args| {
                    // SAFETY: the args are as the interface says, but for no threads.
                    unsafe {
                        let args = ptr::from_ref(args).cast();
                        assert_eq!(kernel.scratch_size.unwrap()(args), 0);
                        kernel.run.unwrap()(args)
                    }
                });
                assert_eq!(status, expected, "{}", text(kernel.tier));
            }
        }
    }
}
