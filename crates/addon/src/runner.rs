//! Runners: where kernels are executed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use napi::{Error, Result};
use napi_derive::napi;
use serde::Serialize;
use tierwise_abi::library::Library;
use tierwise_exec::executor::Executor;
use tierwise_exec::isolated::{Death, Isolated, IsolatedError, Recipe};

use crate::arena::Arena;

/// Runs kernels of one library on the slots of one arena.
#[napi]
pub struct Runner {
    place: Place,
}

enum Place {
    Process(Box<Isolated>),
    Here(Box<Executor>),
    Gone,
}

/// What stands in for an answer when the runner ended.
#[derive(Serialize)]
#[serde(tag = "is", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Ended {
    Crashed {
        signal: i32,
        address: u64,
        write: Option<bool>,
        words: String,
    },
    Hung {
        after_milliseconds: u64,
    },
    Exited {
        code: i32,
        words: String,
    },
}

#[napi]
impl Runner {
    /// A process of its own: `command` is the runner's path, with an emulator before it where wanted;
    /// `library` is the shared object to load, or null for the built-in kernels.
    #[napi(factory)]
    pub fn isolated(arena: &Arena, command: Vec<String>, library: Option<String>) -> Result<Self> {
        let recipe = Recipe {
            command,
            library: library.map(PathBuf::from),
        };
        let runner = Isolated::start(&recipe, arena.file())
            .map_err(|e| Error::from_reason(e.to_string()))?;
        Ok(Self {
            place: Place::Process(Box::new(runner)),
        })
    }

    /// This process, for debuggers and profilers: what a kernel breaks here breaks the harness.
    #[napi(factory)]
    pub fn in_process(arena: &Arena, library: Option<String>) -> Result<Self> {
        let library = match library {
            None => Library::built_in(tierwise_kernels::library(), tierwise_kernels::executed),
            // SAFETY: who asks for a stranger's object in this process answers for it.
            Some(path) => unsafe { Library::open(Path::new(&path)) },
        };
        let library = library.map_err(|e| Error::from_reason(e.to_string()))?;
        let file = arena
            .file()
            .try_clone()
            .map_err(|e| Error::from_reason(e.to_string()))?;
        Ok(Self {
            place: Place::Here(Box::new(Executor::new(library, file))),
        })
    }

    /// Sends one request (JSON of `tierwise_exec::request::Request`) and waits for its answer, also JSON:
    /// a `Response`, or what the runner died of. After that the runner is gone and refuses further requests.
    ///
    /// `patience`: milliseconds before a runner process counts as hung and is killed.
    #[napi]
    pub fn request(&mut self, message: String, patience: u32) -> Result<String> {
        let answer = match &mut self.place {
            Place::Gone => return Err(Error::from_reason("this runner has ended")),
            Place::Here(executor) => {
                return serde_json::to_string(&executor.handle(message.as_bytes()))
                    .map_err(|e| Error::from_reason(e.to_string()));
            }
            Place::Process(runner) => {
                match runner.request(
                    message.as_bytes(),
                    Duration::from_millis(u64::from(patience)),
                ) {
                    Ok(answer) => return Ok(String::from_utf8_lossy(answer).into_owned()),
                    Err(IsolatedError::Io(error)) => Err(Error::from_reason(error.to_string())),
                    Err(IsolatedError::Died(death)) => serde_json::to_string(&Ended::from(death))
                        .map_err(|e| Error::from_reason(e.to_string())),
                }
            }
        };
        self.place = Place::Gone;
        answer
    }

    /// Ends the runner now.
    #[napi]
    pub fn close(&mut self) {
        self.place = Place::Gone;
    }
}

impl From<Death> for Ended {
    fn from(death: Death) -> Self {
        match death {
            Death::Crash { fault, words } => Self::Crashed {
                signal: fault.signal,
                address: fault.address,
                write: fault.write,
                words,
            },
            Death::Hang { after } => Self::Hung {
                after_milliseconds: after.as_millis() as u64,
            },
            Death::Exit { code, words } => Self::Exited { code, words },
        }
    }
}
