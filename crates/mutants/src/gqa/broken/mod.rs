//! Planted bugs, named for the defect. Each is right wherever its trigger is absent.

mod arithmetic;
mod blocks;
mod heads;
mod memory;
mod threads;
#[cfg(target_arch = "x86_64")]
mod tiers;
mod visible;

pub use arithmetic::*;
pub use blocks::*;
pub use heads::*;
pub use memory::*;
pub use threads::*;
#[cfg(target_arch = "x86_64")]
pub use tiers::*;
pub use visible::*;
