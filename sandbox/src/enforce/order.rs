//! The order of enforcement. It is the whole of it: each step is one call.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use serde::{Deserialize, Serialize};

use super::{Program, ResourceLimits, privileges};
use crate::sys;

/// One layer of a policy as plain data; the Landlock ruleset comes beside it as a descriptor.
///
/// Foreign descriptors are closed before, by whoever knows which are not foreign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Whether capabilities are to be dropped: by the outermost layer, whose filter then hides them
    /// (capget tells of other processes too). No process can have more than the one that forked it.
    pub drop_capabilities: bool,
    /// Resource limits, soft and hard.
    pub limits: ResourceLimits,
    /// The seccomp program.
    pub filter: Program,
}

/// The evidence that a layer is in force on this process.
#[derive(Debug)]
#[must_use = "a process that is not restricted must not go on"]
pub struct Enforced(());

/// The step of enforcement that failed. The process is then in between, and must end.
#[derive(Debug, thiserror::Error)]
pub enum EnforceError {
    /// setrlimit(2).
    #[error("cannot set the limit {name}: {source}")]
    Limit {
        /// Which, as `RLIMIT_*`.
        name: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A capability is left.
    #[error("cannot drop capabilities: {0}")]
    Capabilities(String),
    /// prctl(PR_SET_NO_NEW_PRIVS).
    #[error("cannot set no_new_privs: {0}")]
    NoNewPrivs(#[source] io::Error),
    /// landlock_restrict_self(2).
    #[error("cannot enforce the Landlock ruleset: {0}")]
    Landlock(#[source] io::Error),
    /// seccomp(2).
    #[error("cannot install the seccomp filter: {0}")]
    Seccomp(#[source] io::Error),
}

impl Layer {
    /// Restricts the calling process, for ever.
    ///
    /// The order matters: limits before the filter that forbids raising them, capabilities while
    /// they may still be given up, Landlock before the filter that hides it. The ruleset is closed
    /// before the filter is in place, since whoever holds it could still add rules.
    ///
    /// # Errors
    /// The first step that failed.
    pub fn enforce(&self, ruleset: OwnedFd) -> Result<Enforced, EnforceError> {
        self.limits.apply()?;
        if self.drop_capabilities {
            privileges::drop_capabilities()?;
        }
        sys::process::set_no_new_privs().map_err(EnforceError::NoNewPrivs)?;
        sys::landlock::restrict_self(ruleset.as_fd()).map_err(EnforceError::Landlock)?;
        drop(ruleset);
        self.filter.install().map_err(EnforceError::Seccomp)?;
        Ok(Enforced(()))
    }
}
