//! Planted bugs, named for the defect. Each is right wherever its trigger is absent.

mod eps;
mod fatal;
mod layout;
mod memory;
mod passes;
mod result;
mod scale;
mod scratch;
mod sum;
#[cfg(target_arch = "x86_64")]
mod tiers;

pub use eps::*;
pub use fatal::*;
pub use layout::*;
pub use memory::*;
pub use passes::*;
pub use result::*;
pub use scale::*;
pub use scratch::*;
pub use sum::*;
#[cfg(target_arch = "x86_64")]
pub use tiers::*;
