//! Policies: a profile compiled for one kernel and one place.
//!
//! Compilation handles every right that the kernel knows; a profile only lists allowances. What
//! cannot be enforced in full on this kernel, by Landlock or in its place by the filter, is an error
//! that names the missing feature, unless the profile accepts that very gap. The result
//! holds opened paths, so that what was granted stays what was granted.
#![forbid(unsafe_code)]

pub mod bpf;
pub mod channels;
pub mod difference;
mod error;
pub mod explain;
mod filesystem;
pub mod interpreter;
mod interpreters;
pub mod lint;
mod network;
pub mod oci;
pub mod provenance;
pub mod question;
mod residual;
pub mod syscalls;

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreated, Scope,
};

use crate::Kernel;
use crate::enforce::{EnforceError, Enforced, Layer, ResourceLimits};
use crate::names::syscalls::Arch;
use crate::profile::{Limits, Profile};
use crate::scratch::{Scratch, TMP_DESCRIPTOR};
use channels::{Assessment, Closure};
use filesystem::Filesystem;
use network::Network;
use syscalls::Intents;

pub use error::{CompileError, Gap};

/// Where a function lives: what the variables of a profile stand for, and what it starts with.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// `${FUNCTION_DIR}`: absolute.
    pub function_dir: PathBuf,
    /// The directory in which this function's scratches come and go.
    pub scratches: PathBuf,
    /// `${PYTHON_PREFIX}`: every directory that the interpreter loads itself from. Empty without one.
    pub python_prefix: Vec<PathBuf>,
    /// A program that the zygote becomes before it loads the function: an interpreter.
    pub interpreter: Option<PathBuf>,
    /// Files that the function may read whatever its profile: the secrets that it lists.
    pub secrets: Vec<PathBuf>,
    /// Whether each worker is handed a listening socket: that of an HTTP server.
    pub listener: bool,
    /// A program that each worker becomes: the command of an `exec` function.
    pub program: Option<PathBuf>,
    /// Whether `/tmp` leads to a worker's scratch by way of [`TMP_DESCRIPTOR`], which it then cannot
    /// part with.
    pub private_tmp: bool,
}

/// How everything that a call has started is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Burial {
    /// The worker cannot fork: killing it kills all.
    Worker,
    /// An undertaker kills its own Landlock domain, which holds the worker and all that it started.
    Domain,
    /// Below ABI 6: an undertaker kills the worker's process group, which nobody may leave.
    Group,
}

/// A profile compiled for one kernel and one place.
#[derive(Debug)]
pub struct Policy {
    abi: ABI,
    filesystem: Filesystem,
    network: Network,
    zygote: Layer,
    worker: Layer,
    limits: Limits,
    burial: Burial,
    assessments: Vec<Assessment>,
}

/// The first ABI with both scopes: `LANDLOCK_SCOPE_SIGNAL`, `LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET`.
const SCOPES: u32 = 6;

impl Policy {
    /// Compiles `profile` for `kernel` and `site`, with the function's own `limits`.
    ///
    /// # Errors
    /// When a path is missing, a name has no meaning, or the kernel lacks what full enforcement needs.
    pub fn compile(
        profile: &Profile,
        limits: Limits,
        kernel: &Kernel,
        site: &Site,
    ) -> Result<Self, CompileError> {
        let assessments = channels::assess(profile, &limits, kernel, site);
        if let Some(gap) = assessments.iter().find_map(Gap::of) {
            return Err(CompileError::NotEnforceable(gap));
        }
        if !profile.run.is_empty() && limits.processes < 2 {
            let origin = profile.run[0].origin.clone();
            return Err(CompileError::RunWithoutProcesses { origin });
        }
        let abi = abi(kernel);
        let arch = Arch::native().ok_or(CompileError::UnknownArchitecture)?;
        let intents = intents(profile, &limits, kernel, site, &assessments, arch);
        let mut delta = syscalls::worker_delta(&intents)?;
        let mut zygote_files = u64::from(limits.open_files);
        if site.private_tmp {
            let pinned = TMP_DESCRIPTOR.unsigned_abs();
            syscalls::pin_descriptor(&mut delta, pinned)?;
            // A worker places it before its own limit holds, and so under its zygote's.
            zygote_files = zygote_files.max(u64::from(pinned) + 1);
        }
        Ok(Self {
            abi,
            filesystem: Filesystem::compile(profile, site, abi)?,
            network: Network::compile(profile, abi),
            zygote: Layer {
                drop_capabilities: true,
                limits: ResourceLimits {
                    cpu: None,
                    open_files: Some(zygote_files),
                    ..resource_limits(&limits)
                },
                filter: bpf::compile(&syscalls::function_filter(&intents)?)?,
            },
            worker: Layer {
                drop_capabilities: false,
                limits: resource_limits(&limits),
                filter: bpf::compile(&delta)?,
            },
            burial: burial(&limits, kernel),
            limits,
            assessments,
        })
    }

    /// The zygote's layer. Its ruleset is [`Policy::zygote_ruleset`].
    #[must_use]
    pub fn zygote_layer(&self) -> &Layer {
        &self.zygote
    }

    /// The layer that every worker adds. Its ruleset is [`Policy::worker_ruleset`].
    #[must_use]
    pub fn worker_layer(&self) -> &Layer {
        &self.worker
    }

    /// The function's limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How a call under this policy is buried.
    #[must_use]
    pub fn burial(&self) -> Burial {
        self.burial
    }

    /// The channels, and what closes each of them.
    #[must_use]
    pub fn assessments(&self) -> &[Assessment] {
        &self.assessments
    }

    /// The channels that are open because the profile accepts it.
    pub fn open_channels(&self) -> impl Iterator<Item = &Assessment> {
        let accepted = |it: &&Assessment| matches!(it.closure, Closure::Accepted(_));
        self.assessments.iter().filter(accepted)
    }

    /// A ruleset for the zygote: the profile's paths, and the directory of all its scratches.
    ///
    /// # Errors
    /// When the kernel refuses a rule.
    pub fn zygote_ruleset(&self) -> Result<OwnedFd, CompileError> {
        let ruleset = self.network.add_rules(self.create_ruleset()?)?;
        close_over(self.filesystem.add_zygote_rules(ruleset, self.abi)?)
    }

    /// A ruleset for one worker: the profile's paths, and its own scratch.
    ///
    /// # Errors
    /// When the kernel refuses a rule or the scratch cannot be opened.
    pub fn worker_ruleset(&self, scratch: &Path) -> Result<OwnedFd, CompileError> {
        let ruleset = self.network.add_rules(self.create_ruleset()?)?;
        close_over(self.filesystem.add_worker_rules(ruleset, scratch)?)
    }

    /// Enforces both layers on the calling process, as a worker ends up with. One way, once.
    ///
    /// # Errors
    /// The step that failed; the process is then in between and must end.
    pub fn enforce(&self, scratch: &Scratch) -> Result<Enforced, PolicyError> {
        let (outer, inner) = (self.zygote_ruleset()?, self.worker_ruleset(scratch.path())?);
        self.zygote.enforce(outer).map(drop)?;
        Ok(self.worker.enforce(inner)?)
    }

    fn create_ruleset(&self) -> Result<RulesetCreated, CompileError> {
        let mut ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(self.abi))?;
        let network = AccessNet::from_all(self.abi);
        if !network.is_empty() {
            ruleset = ruleset.handle_access(network)?;
        }
        let scopes = Scope::from_all(self.abi);
        if !scopes.is_empty() {
            ruleset = ruleset.scope(scopes)?;
        }
        Ok(ruleset.create()?)
    }
}

/// Why a policy is not in force.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Its rulesets could not be made.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// A step of enforcement failed.
    #[error(transparent)]
    Enforce(#[from] EnforceError),
}

/// What the profile and the kernel mean for system calls.
fn intents<'a>(
    profile: &'a Profile,
    limits: &Limits,
    kernel: &Kernel,
    site: &Site,
    assessments: &[Assessment],
    arch: Arch,
) -> Intents<'a> {
    Intents {
        arch,
        connect: !profile.connect.is_empty(),
        listen: !profile.listen.is_empty(),
        listener: site.listener,
        processes: limits.processes > 1,
        exec: site.program.is_some() || !profile.run.is_empty(),
        imports: site.interpreter.is_some(),
        group_burial: kernel.landlock_abi < SCOPES,
        substitutes: channels::substitutes(assessments),
        grants: &profile.seccomp,
    }
}

fn abi(kernel: &Kernel) -> ABI {
    ABI::from(i32::try_from(kernel.landlock_abi).unwrap_or(i32::MAX))
}

fn burial(limits: &Limits, kernel: &Kernel) -> Burial {
    match (limits.processes > 1, kernel.landlock_abi >= SCOPES) {
        (false, _) => Burial::Worker,
        (true, true) => Burial::Domain,
        (true, false) => Burial::Group,
    }
}

fn resource_limits(limits: &Limits) -> ResourceLimits {
    ResourceLimits {
        data: Some(limits.memory.0),
        cpu: Some(limits.cpu.0.div_ceil(1000).max(1)),
        open_files: Some(u64::from(limits.open_files)),
        file_size: Some(limits.scratch.0),
    }
}

fn close_over(ruleset: RulesetCreated) -> Result<OwnedFd, CompileError> {
    Option::<OwnedFd>::from(ruleset).ok_or(CompileError::NoRuleset)
}

#[cfg(test)]
mod tests;
