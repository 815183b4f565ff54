//! Planted bugs, named for the defect. Each is right wherever its trigger is absent.

mod angle;
mod layout;
mod memory;
mod position;
mod threads;
mod turn;

pub use angle::*;
pub use layout::*;
pub use memory::*;
pub use position::*;
pub use threads::*;
pub use turn::*;
