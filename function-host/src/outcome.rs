//! How a call ended, and what had gone to and fro by then.

use std::fmt;
use std::time::Duration;

use leasehold_sandbox::sys::wait::Exit;

/// How a call ended. `Display` is one line for logs and problem details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The function answered.
    Replied,
    /// It failed without being killed: an exception, an exit code.
    Failed(String),
    /// Its time was up, and everything that it had started was killed.
    TimedOut(Duration),
    /// The filter killed it (SIGSYS). A function can send itself this signal: no security evidence.
    Denied,
    /// A signal killed it, or it ended without an answer.
    Crashed(String),
    /// It went over this limit.
    OverLimit(Limit),
    /// There was no room for it; nothing of it has run.
    Overloaded,
    /// Its client went away.
    Abandoned,
}

/// What has gone to and fro in a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes of the request's body that the worker has taken.
    pub received: u64,
    /// Bytes of the reply's body.
    pub sent: u64,
    /// The function's own status, if it had given one.
    pub status: Option<u16>,
}

/// The limits that end a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// `limits.requestBody`
    RequestBody,
    /// `limits.responseBody`
    ResponseBody,
    /// `limits.cpu`
    Cpu,
    /// `limits.memory`
    Memory,
    /// `limits.processes`
    Processes,
    /// `limits.threads`
    Threads,
    /// `limits.scratch`
    Scratch,
    /// `limits.scratchFiles`
    ScratchFiles,
}

impl Limit {
    /// The field of `function.yaml` that sets it.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::RequestBody => "limits.requestBody",
            Self::ResponseBody => "limits.responseBody",
            Self::Cpu => "limits.cpu",
            Self::Memory => "limits.memory",
            Self::Processes => "limits.processes",
            Self::Threads => "limits.threads",
            Self::Scratch => "limits.scratch",
            Self::ScratchFiles => "limits.scratchFiles",
        }
    }
}

impl Outcome {
    /// Its name, as in logs, metrics and the header `Leasehold-Outcome`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Replied => "Replied",
            Self::Failed(_) => "Failed",
            Self::TimedOut(_) => "TimedOut",
            Self::Denied => "Denied",
            Self::Crashed(_) => "Crashed",
            Self::OverLimit(_) => "OverLimit",
            Self::Overloaded => "Overloaded",
            Self::Abandoned => "Abandoned",
        }
    }

    /// What the end of the worker process says, for one that had not said anything itself.
    #[must_use]
    pub fn of_exit(exit: &Exit) -> Self {
        match (exit.code, exit.signal) {
            (Some(0), _) => Self::Replied,
            (Some(code), _) => Self::Failed(format!("exit status {code}")),
            (None, Some(libc::SIGSYS)) => Self::Denied,
            (None, Some(libc::SIGXCPU)) => Self::OverLimit(Limit::Cpu),
            (None, Some(libc::SIGXFSZ)) => Self::OverLimit(Limit::Scratch),
            (None, Some(signal)) => Self::Crashed(format!("killed by signal {signal}")),
            (None, None) => Self::Crashed("ended in an unknown way".to_owned()),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replied => f.write_str("replied"),
            Self::Failed(message) => write!(f, "failed: {message}"),
            Self::TimedOut(after) => write!(f, "killed after {:.1} s", after.as_secs_f64()),
            Self::Denied => f.write_str("killed by its system call filter"),
            Self::Crashed(how) => write!(f, "crashed: {how}"),
            Self::OverLimit(limit) => write!(f, "went over {}", limit.field()),
            Self::Overloaded => f.write_str("no worker was free and the queue was full"),
            Self::Abandoned => f.write_str("its client went away"),
        }
    }
}
