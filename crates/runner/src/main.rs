//! The process in which kernels run. Started by the harness: stdin is the channel of requests, stdout the
//! arena; the one argument, if any, is the library to load.

mod faults;
mod threads;

use std::io;
use std::path::Path;
use std::process::ExitCode;

use tierwise_abi::library::Library;
use tierwise_exec::executor::Executor;
use tierwise_exec::request::Response;
use tierwise_exec::{channel, served};

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
