//! Runs and times one call of one kernel on guarded memory.
//!
//! [`executor::Executor`] does the work, in whatever process it stands. [`isolated::Isolated`] is its
//! counterpart in the harness: it keeps a runner process, sends it requests and says what it died of.

mod args;
pub mod channel;
pub mod clock;
mod dense;
mod entry;
mod environment;
pub mod executor;
pub mod faked;
pub mod fault;
pub mod isolated;
pub mod jitter;
pub mod memory;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod object;
mod patience;
mod prepared;
pub mod request;
pub mod roof;
mod scratch;
pub mod served;
mod snapshot;
pub mod survey;
