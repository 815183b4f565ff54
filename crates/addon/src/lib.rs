//! What TypeScript gets of the Rust side: memory, runners of kernels, facts of the CPU.
//!
//! Requests and answers cross as the JSON of `tierwise_exec::request`, the same whether the runner is a
//! process or this one. A panic becomes a JavaScript error (napi-rs catches it at the border).

pub mod arena;
pub mod cpu;
pub mod runner;
pub mod served;
