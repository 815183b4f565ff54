//! A runner process, seen from the harness: requests go out, answers come back, deaths are explained.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::channel;
use crate::fault::{Fault, FaultNote};
use crate::memory::{Mapping, PAGE, anonymous_file};
use crate::patience::Patience;

/// How a runner ended.
#[derive(Clone, Debug)]
pub enum Death {
    /// By a signal.
    Crash {
        /// What the runner noted, or at least the signal.
        fault: Fault,
        /// The last that it wrote to stderr.
        words: String,
    },
    /// It had not answered in time and was killed.
    Hang {
        /// How much time it was given.
        after: Duration,
    },
    /// It left by itself.
    Exit {
        /// Its exit code.
        code: i32,
        /// The last that it wrote to stderr.
        words: String,
    },
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum IsolatedError {
    /// The runner is gone.
    #[error("the runner ended: {0:?}")]
    Died(Death),
    /// The runner could not be started or spoken to.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// How to start a runner.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Program and leading arguments: the runner, or an emulator before it.
    pub command: Vec<String>,
    /// The shared object to load; `None`: the built-in kernels.
    pub library: Option<PathBuf>,
}

/// A running runner.
#[derive(Debug)]
pub struct Isolated {
    child: Child,
    stream: UnixStream,
    words: File,
    note: Mapping,
    answer: Vec<u8>,
}

impl Isolated {
    /// Starts a runner on an arena. Its descriptors: stdin is the channel, stdout the arena, stderr is kept.
    /// The arena's first page is the status page.
    pub fn start(recipe: &Recipe, arena: &File) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let words = anonymous_file(c"tierwise-words")?;
        let [program, leading @ ..] = recipe.command.as_slice() else {
            return Err(io::Error::other("no command for the runner"));
        };
        let child = Command::new(program)
            .args(leading)
            .args(recipe.library.as_deref().map(Path::as_os_str))
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(arena.try_clone()?))
            .stderr(Stdio::from(words.try_clone()?))
            .spawn()
            .map_err(|e| {
                io::Error::new(e.kind(), format!("cannot start the runner {program}: {e}"))
            })?;
        let note = Mapping::shared(arena, 0, PAGE)?;
        let runner = Self {
            child,
            stream: ours,
            words,
            note,
            answer: Vec::new(),
        };
        runner.note().take();
        Ok(runner)
    }

    fn note(&self) -> &FaultNote {
        // SAFETY: the page is mapped, zeroed at first, and touched through atomics alone.
        unsafe { &*self.note.start().cast::<FaultNote>() }
    }

    /// Sends a request and waits for its answer until the runner has had `patience`, not counting what it queued
    /// for a processor. After an error the runner is gone.
    pub fn request(&mut self, message: &[u8], patience: Duration) -> Result<&[u8], IsolatedError> {
        if let Err(error) = channel::send(&mut self.stream, message) {
            return Err(self.bury(error));
        }
        if !self.readable(patience)? {
            self.child.kill()?;
            self.child.wait()?;
            return Err(IsolatedError::Died(Death::Hang { after: patience }));
        }
        let mut answer = std::mem::take(&mut self.answer);
        let received = channel::receive(&mut self.stream, &mut answer);
        self.answer = answer;
        match received {
            Ok(true) => Ok(&self.answer),
            Ok(false) => Err(self.bury(io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(self.bury(error)),
        }
    }

    fn readable(&self, patience: Duration) -> io::Result<bool> {
        let mut patience = Patience::with(self.child.id(), patience);
        loop {
            let mut poll = libc::pollfd {
                fd: self.stream.as_raw_fd(),
                events: libc::POLLIN,
                revents: 0,
            };
            let milliseconds = i32::try_from(patience.window().as_millis()).unwrap_or(i32::MAX);
            // SAFETY: one pollfd, and its count is 1.
            match unsafe { libc::poll(&raw mut poll, 1, milliseconds) } {
                -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                -1 => return Err(io::Error::last_os_error()),
                0 if patience.is_over() => return Ok(false),
                0 => {}
                _ => return Ok(true),
            }
        }
    }

    /// The runner has closed its end: waits for it and says what it died of.
    fn bury(&mut self, error: io::Error) -> IsolatedError {
        let status = match self.ended(Duration::from_millis(500)) {
            Some(status) => status,
            // One that closed its end and lives on is in no state to be kept.
            None => {
                let _ = self.child.kill();
                match self.child.wait() {
                    Ok(status) => status,
                    Err(_) => return error.into(),
                }
            }
        };
        let words = self.last_words();
        IsolatedError::Died(match (self.note().take(), status.signal()) {
            (Some(fault), _) => Death::Crash { fault, words },
            (None, Some(signal)) => Death::Crash {
                fault: Fault {
                    signal,
                    address: 0,
                    write: None,
                },
                words,
            },
            (None, None) => Death::Exit {
                code: status.code().unwrap_or(-1),
                words,
            },
        })
    }

    fn ended(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_micros(200))
                }
                _ => return None,
            }
        }
    }

    fn last_words(&mut self) -> String {
        const MOST: u64 = 2000;
        let mut read = || -> io::Result<String> {
            let length = self.words.metadata()?.len();
            self.words
                .seek(SeekFrom::Start(length.saturating_sub(MOST)))?;
            let mut bytes = Vec::new();
            self.words.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
        };
        read().unwrap_or_default()
    }
}

impl Drop for Isolated {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
