//! The C interface of a kernel library: its types, and calls checked against the contracts.

pub mod c;
pub mod call;
pub mod gqa;
pub mod invalid;
pub mod library;
pub mod overlap;
pub mod rms_norm;
pub mod rope;
pub mod tensor;
