//! Runtimes: what a worker does with its call.

pub(crate) mod exec;
pub(crate) mod python;

use std::ffi::CString;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;

use leasehold_sandbox::sys::fds;

use crate::Worker;
use crate::wire::Program;

/// A runtime that this crate does not know, brought by the binary.
pub trait Runtime {
    /// What [`crate::wire::Load`] calls it by.
    fn name(&self) -> &'static str;

    /// Loads a function into this process, which is restricted already and has one thread. `None` when
    /// there is nothing to serve: the order is fulfilled, and the process ends.
    ///
    /// # Errors
    /// Why it cannot be loaded, for the function's author, in one line.
    fn load(&self, order: &[u8], fds: Vec<OwnedFd>) -> Result<Option<Box<dyn Loaded>>, String>;
}

/// A function that is loaded, in the zygote and in each of its workers.
pub trait Loaded {
    /// In a worker that is restricted, before it parks: whatever can be done without a call.
    fn prepare(&mut self);

    /// In a worker that is parked: serves its one call.
    fn run(self: Box<Self>, worker: Worker) -> !;
}

/// Becomes `program` with `more` added to its environment and `fds` at the numbers beside them.
/// Returns only the error.
pub(crate) fn execute(
    program: &Program,
    more: &[(String, Vec<u8>)],
    fds: &[(OwnedFd, RawFd)],
) -> io::Error {
    let own = program
        .env
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    let more = more
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()));
    let env = own
        .chain(more)
        .map(|(name, value)| [name.as_bytes(), b"=", value].concat());
    let strings = || -> Result<_, std::ffi::NulError> {
        let path = CString::new(program.path.as_os_str().as_bytes())?;
        let args = program.args.iter().map(|arg| CString::new(arg.as_bytes()));
        let env = env.map(CString::new);
        Ok((
            path,
            args.collect::<Result<Vec<_>, _>>()?,
            env.collect::<Result<Vec<_>, _>>()?,
        ))
    };
    match strings() {
        Ok((path, args, env)) => fds::exec(&path, &args, &env, fds),
        Err(error) => error.into(),
    }
}
