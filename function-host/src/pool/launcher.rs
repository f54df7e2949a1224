//! Launchers, started and not yet told anything; and why what they were to become did not come up.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use leasehold_sandbox::policy::CompileError;
use leasehold_sandbox::sys::socket;
use leasehold_sandbox::sys::wait::Exit;
use tokio::net::unix::pipe;

use super::audit::Shared;
use super::log;
use super::messages::Messages;
use crate::host::Host;
use crate::processes::Started;

/// The longest that a function may take to load.
pub(super) const LOAD_TIME: Duration = Duration::from_secs(60);

/// Why a zygote did not come up.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    /// A call of the host's failed.
    #[error("{act}: {source}")]
    Act {
        /// What was to be done.
        act: &'static str,
        /// Why it was not.
        source: io::Error,
    },
    /// The ruleset could not be made.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The function's import failed; its traceback is in the log.
    #[error("the function cannot be loaded: {0}")]
    Import(String),
    /// The compile step ended without a word.
    #[error("its module was not compiled: the compiler ended{0}; see the log")]
    NotCompiled(String),
    /// It took too long.
    #[error("the function took more than {} s to load", LOAD_TIME.as_secs())]
    Slow,
    /// It ended without a word.
    #[error("the zygote ended while the function was loaded{0}; see the log")]
    Ended(String),
    /// Import code has made memory that every call could write.
    #[error(
        "the import has left writable shared memory, which would join all calls: {0}; make it in \
         the handler instead"
    )]
    SharedMemory(Shared),
}

pub(super) fn act(act: &'static str) -> impl FnOnce(io::Error) -> StartError {
    move |source| StartError::Act { act, source }
}

/// Starts a launcher for `function`, whose output goes to the log, and does not tell it anything yet.
pub(super) async fn launcher(
    host: &Arc<Host>,
    function: &str,
) -> Result<(Started, Messages), StartError> {
    let (ours, theirs) =
        socket::pair(socket::Kind::SeqPacket).map_err(act("cannot make a socket"))?;
    let (log_writer, log_reader) = pipe::pipe().map_err(act("cannot make a pipe"))?;
    let log_writer = log_writer
        .into_blocking_fd()
        .map_err(act("cannot make a pipe blocking"))?;
    log::follow(function, log_reader);
    let control = Messages::new(ours).map_err(act("cannot watch a socket"))?;
    let started = host.processes.spawn_launcher(theirs, log_writer).await;
    Ok((started.map_err(act("cannot start a zygote"))?, control))
}

/// How a process has ended, to be put behind a verb.
pub(super) fn how(exit: Option<Exit>) -> String {
    match exit {
        Some(Exit {
            signal: Some(libc::SIGSYS),
            ..
        }) => " (killed by its system call filter)".into(),
        Some(Exit {
            signal: Some(signal),
            ..
        }) => format!(" (killed by signal {signal})"),
        Some(Exit {
            code: Some(code), ..
        }) => format!(" (exit status {code})"),
        _ => String::new(),
    }
}
