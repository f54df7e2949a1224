//! What every part of the host shares: the kernel, the state, and who starts and reaps processes.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use leasehold_sandbox::Kernel;
use leasehold_sandbox::kernel::KernelError;
use leasehold_sandbox::sys::{fds, process};

use crate::artefacts::Artefacts;
use crate::processes::Processes;
use crate::shares::Workers;
use crate::state::State;
use crate::telemetry::Metrics;
use crate::tmp::{self, NoPrivateTmp};

/// The library that CPython loads, built by build.rs.
const ZYGOTE_LIBRARY: &[u8] = include_bytes!(env!("LEASEHOLD_ZYGOTE_LIBRARY"));

/// The host's own surroundings, made once.
#[derive(Debug)]
pub struct Host {
    /// The kernel as it was probed at start, or as it is to be taken.
    pub kernel: Kernel,
    /// The state directory.
    pub state: State,
    /// Starts and reaps.
    pub processes: Arc<Processes>,
    /// How many workers there may be, and who gets the next.
    pub workers: Arc<Workers>,
    /// Whether functions may ask for `isolation: none`.
    pub allow_unisolated: bool,
    /// The folder of secrets.
    pub secrets: PathBuf,
    /// The library for interpreters, sealed.
    pub library: OwnedFd,
    /// Compiled modules.
    pub artefacts: Artefacts,
    /// Whether `/tmp` leads each call to its scratch, or why it does not.
    pub private_tmp: Result<(), NoPrivateTmp>,
    /// What is counted.
    pub metrics: Metrics,
}

/// What an operator may choose about a host.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether functions may ask for `isolation: none`.
    pub allow_unisolated: bool,
    /// The most workers of all functions together: parked, running or not yet buried.
    pub max_workers: usize,
    /// The folder of secrets.
    pub secrets: PathBuf,
    /// The Landlock ABI to make do with, at most the kernel's own.
    pub kernel_abi: Option<u32>,
}

/// Why there is no host.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The kernel cannot be asked.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// Simulating takes a kernel that can do it.
    #[error(
        "this kernel has Landlock ABI {kernel}, so policies for ABI {asked} cannot be enforced; only \
         `check` takes a higher one"
    )]
    KernelAbi {
        /// The ABI to be simulated.
        asked: u32,
        /// The kernel's own.
        kernel: u32,
    },
    /// A call to it failed.
    #[error("{act}: {source}")]
    Act {
        /// What was to be done.
        act: &'static str,
        /// Why it was not.
        source: io::Error,
    },
}

impl Host {
    /// Prepares this process to be a host: orphans become its children, and nobody of its own user
    /// may inspect it. Must be called on a runtime.
    ///
    /// # Errors
    /// When the kernel lacks something that does not depend on the function.
    pub fn new(state: State, options: Options) -> Result<Arc<Self>, HostError> {
        let act = |act| move |source| HostError::Act { act, source };
        process::become_subreaper().map_err(act("cannot become a subreaper"))?;
        process::forbid_inspection().map_err(act("cannot forbid inspection"))?;
        // A worker takes up to nine.
        process::raise_descriptor_limit().map_err(act("cannot raise the limit of descriptors"))?;
        let kernel = as_asked(Kernel::probe()?, options.kernel_abi)?;
        Ok(Arc::new(Self {
            metrics: Metrics::new(kernel.landlock_abi),
            kernel,
            // A function without isolation could write to them.
            artefacts: Artefacts::new((!options.allow_unisolated).then(|| state.artefacts())),
            state,
            processes: Processes::start().map_err(act("cannot watch processes"))?,
            workers: Workers::new(options.max_workers),
            allow_unisolated: options.allow_unisolated,
            secrets: options.secrets,
            private_tmp: tmp::probe(Path::new("/tmp")),
            library: fds::sealed_memfd(c"leasehold-zygote", ZYGOTE_LIBRARY)
                .map_err(act("cannot make a memfd for the library"))?,
        }))
    }
}

/// The kernel, with a lower Landlock ABI if that is wanted.
fn as_asked(kernel: Kernel, abi: Option<u32>) -> Result<Kernel, HostError> {
    match abi {
        None => Ok(kernel),
        Some(asked) if asked > kernel.landlock_abi => Err(HostError::KernelAbi {
            asked,
            kernel: kernel.landlock_abi,
        }),
        Some(asked) => {
            if asked < kernel.landlock_abi {
                tracing::info!(abi = asked, "only this much of Landlock is used");
            }
            Ok(kernel.with_landlock_abi(asked))
        }
    }
}
