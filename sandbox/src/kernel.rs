//! The kernel as a value: probed once, passed to compilation, simulated where an older one is wanted.

use std::io;

use crate::sys;

/// What this kernel, as seen from this process, can enforce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// Landlock's ABI version as the kernel reports it, 0 when there is none.
    pub landlock_abi: u32,
    /// Whether seccomp filters can be installed and know every action that is used.
    pub seccomp: bool,
    /// Filters already installed on this process, by a container engine for example.
    pub inherited_filters: u32,
    /// `uname -r`, for messages.
    pub release: String,
}

/// Why the kernel could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// `/proc` is needed for the evidence that filters are in place.
    #[error("cannot read /proc/self/status: {0}; mount procfs at /proc")]
    Status(#[source] io::Error),
    /// The kernel answered neither with a version nor with "not supported".
    #[error("cannot ask the kernel for its Landlock ABI: {0}")]
    Landlock(#[source] io::Error),
}

impl Kernel {
    /// Asks the running kernel.
    ///
    /// # Errors
    /// When procfs is not there or the probe fails in an unforeseen way. A kernel without Landlock
    /// is not an error here: compiling a profile for it is.
    pub fn probe() -> Result<Self, KernelError> {
        let status = sys::status::read_self().map_err(KernelError::Status)?;
        Ok(Self {
            landlock_abi: sys::landlock::abi().map_err(KernelError::Landlock)?,
            seccomp: sys::seccomp::available(),
            inherited_filters: status.seccomp_filters,
            release: sys::kernel_release(),
        })
    }

    /// A kernel like this one with another Landlock ABI, for simulation.
    #[must_use]
    pub fn with_landlock_abi(mut self, abi: u32) -> Self {
        self.landlock_abi = abi;
        self
    }
}
