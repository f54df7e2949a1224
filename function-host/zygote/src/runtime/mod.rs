//! Runtimes: what a worker does with its call.

pub(crate) mod exec;
pub(crate) mod node;
pub(crate) mod python;
mod spawn;

use std::ffi::CString;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use leasehold_sandbox::sys::{fds, fork, process};

use crate::Worker;
use crate::wire::{FailureKind, Program};

/// The shell's exit code for a command that cannot be executed.
const EXIT_CANNOT_EXECUTE: i32 = 126;

/// Becomes the function's program, at its call or ahead of it.
pub(crate) fn run(worker: Worker) -> ! {
    let Some(program) = worker.program().cloned() else {
        fork::exit_now(EXIT_CANNOT_EXECUTE)
    };
    match worker.ahead() {
        None => exec::run(worker, &program),
        Some(takes) => spawn::run(worker, &program, takes),
    }
}

/// Becomes `program`, and if that fails says so and ends.
fn become_or_fail(
    mut worker: Worker,
    program: &Program,
    more: &[(String, Vec<u8>)],
    fds: &[(OwnedFd, RawFd)],
) -> ! {
    let mut env = private(program);
    // What the function sets for itself, it has set.
    let sets = |name: &String| program.env.iter().any(|(known, _)| known == name);
    env.extend(more.iter().filter(|(name, _)| !sets(name)).cloned());
    process::reset_dispositions();
    let error = execute(program, &env, fds);
    let message = format!("cannot execute {}: {error}", program.path.display());
    let _host_gone = worker.reply_failed(FailureKind::Failed, &message);
    fork::exit_now(EXIT_CANNOT_EXECUTE)
}

/// The variables that lead to the scratch, which is the working directory, but those that the function
/// has set.
fn private(program: &Program) -> Vec<(String, Vec<u8>)> {
    let Ok(scratch) = std::env::current_dir() else {
        return Vec::new();
    };
    let scratch = scratch.into_os_string().into_vec();
    ["HOME", "TMPDIR", "TMP", "TEMP"]
        .into_iter()
        .filter(|name| !program.env.iter().any(|(known, _)| known == name))
        .map(|name| (name.to_owned(), scratch.clone()))
        .collect()
}

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
