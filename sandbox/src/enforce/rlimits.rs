//! Resource limits, setrlimit(2). They bound one process; what bounds a call is its host.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use super::EnforceError;

/// The limits of one layer; `None` leaves a limit as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceLimits {
    /// `RLIMIT_DATA` in bytes: private writable memory. (`RLIMIT_AS` breaks Node, Java, wasmtime.)
    pub data: Option<u64>,
    /// `RLIMIT_CPU` in seconds.
    pub cpu: Option<u64>,
    /// `RLIMIT_NOFILE`: one more than the highest descriptor.
    pub open_files: Option<u64>,
    /// `RLIMIT_FSIZE` in bytes.
    pub file_size: Option<u64>,
}

/// `RLIMIT_CORE`: 0 does not stop a handler that core_pattern pipes to, 1 does (core(5), do_coredump).
const CORE: u64 = 1;

impl ResourceLimits {
    /// Sets soft and hard limits. One that is already lower stays.
    pub(super) fn apply(&self) -> Result<(), EnforceError> {
        let limits = [
            ("RLIMIT_CORE", Resource::RLIMIT_CORE, Some(CORE)),
            ("RLIMIT_DATA", Resource::RLIMIT_DATA, self.data),
            ("RLIMIT_CPU", Resource::RLIMIT_CPU, self.cpu),
            ("RLIMIT_NOFILE", Resource::RLIMIT_NOFILE, self.open_files),
            ("RLIMIT_FSIZE", Resource::RLIMIT_FSIZE, self.file_size),
        ];
        for (name, resource, value) in limits {
            let Some(value) = value else { continue };
            let failed = |error: nix::Error| EnforceError::Limit {
                name,
                source: error.into(),
            };
            let (_, hard) = getrlimit(resource).map_err(failed)?;
            // At the hard limit of CPU time comes SIGKILL, which says nothing; at the soft one SIGXCPU.
            let margin = u64::from(resource == Resource::RLIMIT_CPU);
            let value = value.min(hard);
            setrlimit(resource, value, (value + margin).min(hard)).map_err(failed)?;
        }
        Ok(())
    }
}
