//! A runner process, seen from within: what it takes over when it starts. Counterpart of
//! [`isolated`](crate::isolated).

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;

/// The channel of requests and the arena, which came as stdin and stdout. From here on stdin is empty and stdout
/// is stderr, since what a kernel prints must reach neither; and the process dies with its parent, not by a Ctrl-C
/// that is meant for it.
///
/// # Errors
/// What the system says, where stdin is no channel: the process was started by hand.
pub fn take_over() -> io::Result<(UnixStream, File)> {
    let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let arena = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    stream.peer_addr()?;
    die_with_parent();
    // SAFETY: a setting of this process.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) };
    redirect(&File::open("/dev/null")?, 0)?;
    redirect(&io::stderr(), 1)?;
    Ok((stream, arena))
}

fn die_with_parent() {
    // SAFETY: two settings of this process; no memory is involved but the struct that is read.
    unsafe {
        #[cfg(target_os = "linux")]
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::setrlimit(
            libc::RLIMIT_CORE,
            &libc::rlimit {
                rlim_cur: 0,
                rlim_max: 0,
            },
        );
    }
}

fn redirect(source: &impl AsRawFd, target: i32) -> io::Result<()> {
    // SAFETY: acts on descriptors alone.
    if unsafe { libc::dup2(source.as_raw_fd(), target) } < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
