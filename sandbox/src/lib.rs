//! The sandbox: what a function may touch, compiled for this kernel and enforced once.
//!
//! `ProfileSource → Profile → Policy → Enforced`: each step is a type, and having the next type is
//! the evidence that the step before it succeeded. `unsafe` lives in [`sys`] and nowhere else.
#![deny(unsafe_code)]

pub mod enforce;
pub mod kernel;
pub mod names;
#[cfg(feature = "compile")]
pub mod policy;
#[cfg(feature = "compile")]
pub mod profile;
pub mod scratch;
pub mod sys;

pub use enforce::Enforced;
pub use kernel::Kernel;
#[cfg(feature = "compile")]
pub use policy::Policy;
#[cfg(feature = "compile")]
pub use profile::{Profile, ProfileSource};
pub use scratch::Scratch;
