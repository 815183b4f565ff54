//! The process in which kernels run. Started by the harness: stdin is the channel of requests, stdout the
//! arena; the one argument, if any, is the library to load.

mod faults;
mod threads;

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use tierwise_abi::library::Library;
use tierwise_exec::channel;
use tierwise_exec::executor::Executor;
use tierwise_exec::request::Response;

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tierwise-runner: {error}; it is started by tierwise, not by hand");
            ExitCode::from(2)
        }
    }
}

fn serve() -> io::Result<()> {
    let mut stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let arena = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    stream.peer_addr()?;
    die_with_parent();
    // A kernel that prints must reach neither the channel nor the arena.
    redirect(&File::open("/dev/null")?, 0)?;
    redirect(&io::stderr(), 1)?;
    faults::note_in(&arena)?;

    let library = match std::env::args_os().nth(1) {
        None => Library::built_in(tierwise_kernels::library(), tierwise_kernels::executed),
        // SAFETY: loading a stranger's object is what this process is for; it may only hurt itself.
        Some(path) => unsafe { Library::open(Path::new(&path)) },
    };
    let mut executor = library
        .map(|library| Executor::new(library, arena))
        .map_err(|error| error.to_string());

    let mut message = Vec::new();
    while channel::receive(&mut stream, &mut message)? {
        let response = match &mut executor {
            Ok(executor) => executor.handle(&message),
            Err(error) => Response::Refused {
                error: error.clone(),
            },
        };
        channel::send(&mut stream, &serde_json::to_vec(&response)?)?;
    }
    Ok(())
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
