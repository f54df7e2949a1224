//! The sandboxed side of Leasehold: what runs among hostile code, small enough to be read in an hour.
//!
//! A zygote is one single-threaded process per function. It is started by [`launch`], restricts itself
//! with the function's policy, loads the function, and from then on only forks: `zygote` is the
//! loop, `worker` what a child does until it has its call, `undertaker` who kills what a call
//! leaves, `guard` who kills what an import leaves. [`wire`] is all that is ever said between these
//! processes and the host. A [`Runtime`] that needs more than that is brought by the binary.
//!
//! No async runtime, no HTTP, no YAML.
#![deny(unsafe_code)]

mod control;
mod events;
mod guard;
mod hooks;
pub mod launch;
mod runtime;
mod undertaker;
pub mod wire;
mod worker;
mod zygote;

pub use control::{CONTROL_FD, Control, LIBRARY_FD, MAX_MESSAGE};
pub use runtime::exec::variables as call_variables;
pub use runtime::node::BOOTSTRAP as NODE_BOOTSTRAP;
pub use runtime::python::BOOTSTRAP as PYTHON_BOOTSTRAP;
pub use runtime::{Loaded, Runtime};
pub use worker::Worker;
