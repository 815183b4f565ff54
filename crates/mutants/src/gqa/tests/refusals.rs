//! What is refused, before anything is written.

use tierwise_abi::c::{TW_INVALID, TW_OK};

use super::case::{Case, Dense, FILL};

type Change = fn(&mut Case);

/// Two batches of three blocks of two slots; four keys are seen in each.
fn paged() -> Case {
    Case {
        kv_len: Some(Dense::integers(&[2], &[4, 4])),
        block_table: Some(Dense::integers(&[2, 3], &[0, 1, -1, 1, 0, 7])),
        mask: Some(Dense::floats(&[1, 1, 2, 6], |_| 0.0)),
        causal: 1,
        ..Case::plain([2, 2, 2], [4, 2, 3])
    }
}

#[test]
fn a_call_that_keeps_the_contract_is_done() {
    assert_eq!(paged().run("two-pass"), TW_OK);
}

#[test]
fn what_breaks_the_contract_is_invalid() {
    let broken: &[(&str, Change)] = &[
        ("threads", |c| c.threads = 0),
        ("heads", |c| c.k.shape[2] = 3),
        ("another head width", |c| c.k.shape[3] = 2),
        ("v of another shape", |c| c.v.shape[1] = 1),
        ("out of another shape", |c| c.out.shape[1] = 1),
        ("a length below 0", |c| {
            c.kv_len.as_mut().unwrap().values[1] = -1
        }),
        ("a length beyond the capacity", |c| {
            c.kv_len.as_mut().unwrap().values[0] = 7
        }),
        ("a length too few", |c| {
            c.kv_len.as_mut().unwrap().shape[0] = 1
        }),
        ("a block below 0", |c| {
            c.block_table.as_mut().unwrap().values[1] = -1
        }),
        ("a block that is not there", |c| {
            c.block_table.as_mut().unwrap().values[4] = 2
        }),
        ("blocks of another batch", |c| {
            c.block_table.as_mut().unwrap().shape[0] = 1
        }),
        ("a mask of too few keys", |c| {
            c.mask.as_mut().unwrap().shape[3] = 4
        }),
        ("a mask of too few queries", |c| {
            c.mask.as_mut().unwrap().shape[2] = 1
        }),
        ("a window without causal", |c| (c.causal, c.window) = (0, 1)),
        ("a negative window", |c| c.window = -1),
        ("a negative softcap", |c| c.softcap = -1.0),
        ("a flag that is none", |c| c.causal = 2),
    ];
    for (what, change) in broken {
        let mut case = paged();
        change(&mut case);
        assert_eq!(case.run("two-pass"), TW_INVALID, "{what}");
        assert!(case.out.values.iter().all(|&out| out == FILL), "{what}");
    }
}
