//! Every tier against a plain f64 computation and golden values, and against each other.

mod angles;
mod bits;
mod golden;
mod refusals;
mod special;
mod truth;
