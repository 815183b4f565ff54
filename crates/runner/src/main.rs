//! The process in which kernels run. Started by the harness: stdin is the channel of requests, stdout the
//! arena; the last argument, if any, is the library to load. Before it may stand `--without FEATURES`: a CPU
//! without these is faked for the library; and `--lenient`: what lies around buffers can be read.

mod faults;
mod threads;

use std::io;
use std::path::Path;
use std::process::ExitCode;

use tierwise_abi::library::Library;
use tierwise_exec::executor::Executor;
use tierwise_exec::request::Response;
use tierwise_exec::{channel, faked, memory, served};

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
    let (mut stream, arena) = served::take_over()?;
    faults::note_in(&arena)?;

    let mut executor = library().map(|library| Executor::new(library, arena));

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

/// The library that the arguments name, in words what is wrong with it.
fn library() -> Result<Library, String> {
    let mut args = std::env::args_os().skip(1).peekable();
    if args.next_if(|first| first == "--lenient").is_some() {
        memory::let_reads_pass();
    }
    let faking = args.next_if(|first| first == "--without").is_some();
    if faking {
        let lacks = args.next().unwrap_or_default();
        faked::begin(&lacks.to_string_lossy())?;
    }
    let path = args.next();
    let library = match path.as_deref().map(Path::new) {
        None => {
            if faking {
                faked::here().map_err(|error| error.to_string())?;
            }
            Library::built_in(tierwise_kernels::library(), tierwise_kernels::executed)
        }
        Some(path) => {
            let copy = faking.then(|| faked::copy_of(path)).transpose();
            let copy = copy.map_err(|error| error.to_string())?;
            // SAFETY: loading a stranger's object is what this process is for; it may only hurt itself.
            unsafe { Library::open(copy.as_deref().unwrap_or(path)) }
        }
    };
    library.map_err(|error| error.to_string())
}
