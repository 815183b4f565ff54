//! Bugs that end the process, or never end, each in a process of its own.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, ptr, thread};

use tierwise_abi::c::{DLDevice, DLTensor, TW_OK};

use super::FATAL;
use super::case::{Case, args, call, dlpack};
use crate::float::Float;
use crate::testing::named;

/// Runs a kernel on f32 rows of `n` whose last element ends where the accessible page does.
fn run_before_a_guard_page(name: &str, n: usize) {
    let page = 1 << 16;
    // SAFETY: a fresh mapping of two pages, the second inaccessible, that nothing else knows of.
    let (memory, done) = unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let memory = libc::mmap(ptr::null_mut(), 2 * page, libc::PROT_NONE, flags, -1, 0);
        let done = libc::mprotect(memory, page, libc::PROT_READ | libc::PROT_WRITE);
        (memory, done)
    };
    assert!(memory != libc::MAP_FAILED && done == 0);
    let (mut shape, mut strides) = ([2, n as i64], [n as i64, 1]);
    let x = DLTensor {
        data: memory.wrapping_byte_add(page - 2 * n * 4),
        device: DLDevice {
            device_type: 1,
            device_id: 0,
        },
        ndim: 2,
        dtype: dlpack(Float::F32),
        shape: shape.as_mut_ptr(),
        strides: strides.as_mut_ptr(),
        byte_offset: 0,
    };
    let mut y = x;
    assert_eq!(call(name, &args(&x, &mut y)), TW_OK);
}

const KERNEL: &str = "TIERWISE_MUTANTS_TEST_KERNEL";
const LENGTH: &str = "TIERWISE_MUTANTS_TEST_LENGTH";

/// Not a test of its own: what the next one does in a process that may die of it.
#[test]
#[ignore = "run by fatal_kernels_end_the_process_in_their_own_way"]
fn child() {
    if let (Ok(name), Ok(n)) = (env::var(KERNEL), env::var(LENGTH)) {
        run_before_a_guard_page(&name, n.parse().unwrap());
    }
}

fn spawn_child(name: &str, n: usize) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "rms_norm::tests::fatal::child", "--ignored"])
        .envs([(KERNEL, name.to_string()), (LENGTH, n.to_string())])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn fatal_kernels_end_the_process_in_their_own_way() {
    let end = |name, n| spawn_child(name, n).wait().unwrap();
    for name in named("rms_norm", "correct") {
        assert!(end(name, 5).success(), "{name}");
    }
    for (name, fatal) in [
        ("aborts", libc::SIGABRT),
        ("segfaults", libc::SIGSEGV),
        ("illegal-instruction", libc::SIGILL),
    ] {
        assert_eq!(end(name, 2).signal(), Some(fatal), "{name}");
        assert!(end(name, 1).success(), "{name} away from its trigger");
    }
    for name in ["reads-past-end", "writes-past-end"] {
        assert_eq!(end(name, 5).signal(), Some(libc::SIGSEGV), "{name}");
    }
}

#[test]
fn never_returns_is_still_running_when_others_are_done() {
    assert!(spawn_child("never-returns", 1).wait().unwrap().success());
    let mut child = spawn_child("never-returns", 2);
    thread::sleep(Duration::from_millis(300));
    let ended = child.try_wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(ended, None);
}

#[test]
fn fatal_kernels_are_right_where_they_survive() {
    let column = Case::plain(1, &[3.0, -0.5, 0.0, 1e-3]);
    for name in FATAL {
        assert_eq!(column.complaint(&column.run(name)), None, "{name}");
    }
    let rows = Case::plain(3, &[1.0, 2.0, -3.0, 4.0, 5.0, 6.0]);
    assert_eq!(rows.run("reads-past-end"), rows.run("sequential"));
}
