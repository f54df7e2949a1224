//! Enforcement: compiled values in, one way, once.
//!
//! A [`Layer`] is plain data that a policy was compiled to; together with a Landlock ruleset it is
//! enforced by [`Layer::enforce`] on the calling process. This module knows no profile and no YAML.
#![forbid(unsafe_code)]

mod order;
mod privileges;
mod program;
mod rlimits;

pub use order::{EnforceError, Enforced, Layer};
pub use program::{Instruction, Program};
pub use rlimits::ResourceLimits;
