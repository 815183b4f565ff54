//! What a runner process that Node executes needs of the system.

use std::fs::File;
use std::os::unix::net::UnixStream;

use napi::{Error, Result};
use napi_derive::napi;
use tierwise_exec::{channel, served};

use crate::arena::Arena;

/// This process as a runner: a channel of requests, and the arena that they are about.
#[napi]
pub struct Served {
    stream: UnixStream,
    arena: File,
    message: Vec<u8>,
}

#[napi]
impl Served {
    /// Takes stdin and stdout over, and dies with its parent from now on. Throws in a process that was not
    /// started as a runner.
    #[napi(factory)]
    pub fn take_over() -> Result<Self> {
        let (stream, arena) = served::take_over().map_err(|e| Error::from_reason(e.to_string()))?;
        Ok(Self {
            stream,
            arena,
            message: Vec::new(),
        })
    }

    /// The arena of the harness.
    #[napi]
    pub fn arena(&self) -> Result<Arena> {
        let file = self.arena.try_clone();
        Arena::of(file.map_err(|e| Error::from_reason(e.to_string()))?)
    }

    /// Waits for the next request; null: there will be none.
    #[napi]
    pub fn receive(&mut self) -> Result<Option<String>> {
        let more = channel::receive(&mut self.stream, &mut self.message)
            .map_err(|e| Error::from_reason(e.to_string()))?;
        Ok(more.then(|| String::from_utf8_lossy(&self.message).into_owned()))
    }

    /// Answers it.
    #[napi]
    pub fn send(&mut self, message: String) -> Result<()> {
        channel::send(&mut self.stream, message.as_bytes())
            .map_err(|e| Error::from_reason(e.to_string()))
    }
}
