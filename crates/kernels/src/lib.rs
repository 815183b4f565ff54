//! The kernels of this project, in every tier.
//!
//! An operator is a folder that implements [`table::Op`] once, over the [`simd`] vocabulary, and a line in
//! [`table::OPS`]. The crate is compiled for the baseline of its target: a tier's features are enabled
//! where the tier begins, in [`simd::Simd::vectorize`], and nowhere else. The shared library with the C
//! exports is the crate `native`, so that any library may link this one.

#[cfg(all(target_arch = "x86_64", target_feature = "avx"))]
compile_error!("build without target-cpu: the tiers `scalar` and `sse2` must run on any x86-64");

mod access;
pub mod cpu;
pub mod executed;
pub mod gqa;
mod parallel;
pub mod rms_norm;
pub mod rope;
pub mod simd;
pub mod table;

#[cfg(test)]
mod testing;

pub use executed::executed;
pub use table::library;
