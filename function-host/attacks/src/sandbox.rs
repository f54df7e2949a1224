//! The way into the sandbox, as a worker goes it; or none, for a control.

use std::error::Error;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};

use leasehold_sandbox::enforce::{Instruction, Layer, Program};
use leasehold_sandbox::policy::Site;
use leasehold_sandbox::profile::Catalog;
use leasehold_sandbox::scratch::{Scratch, ScratchRoot, TMP_DESCRIPTOR};
use leasehold_sandbox::sys::{fds, process};
use leasehold_sandbox::{Kernel, Policy, ProfileSource};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What an attack is run in.
#[derive(Debug)]
pub(crate) enum Sandbox {
    /// Nothing.
    Without,
    /// A compiled profile.
    Within {
        profile: String,
        /// Holds `function/`, `scratches/`, and `profiles/` with those that do not ship.
        state: PathBuf,
        layers: Layers,
    },
}

/// Which layers are in force: both, or the one whose part is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layers {
    Both,
    Landlock,
    Filter,
}

impl Sandbox {
    /// Reads the options, and gives back what follows them.
    pub(crate) fn from_arguments<'a>(arguments: &'a [&'a str]) -> Result<(Self, &'a [&'a str])> {
        let ["--sandboxed", profile, state, rest @ ..] = arguments else {
            return Ok((Self::Without, arguments));
        };
        let (layers, rest) = match rest {
            ["--only", "landlock", rest @ ..] => (Layers::Landlock, rest),
            ["--only", "filter", rest @ ..] => (Layers::Filter, rest),
            rest => (Layers::Both, rest),
        };
        let sandbox = Self::Within {
            profile: (*profile).to_owned(),
            state: Path::new(state).canonicalize()?,
            layers,
        };
        Ok((sandbox, rest))
    }

    /// Restricts this process as a worker is. `handed` holds the descriptors that stay open, and may
    /// hold other numbers.
    pub(crate) fn enter(&self, handed: &[u64]) -> Result<()> {
        let mut keep: Vec<RawFd> = vec![0, 1, 2];
        keep.extend(handed.iter().filter_map(|&fd| RawFd::try_from(fd).ok()));
        // SAFETY: at this point nothing in this process owns a descriptor but the standard streams.
        unsafe { fds::close_all_but(&keep)? };
        if let Self::Without = self {
            fds::place_directory(Path::new("."), TMP_DESCRIPTOR)?;
            return Ok(());
        }
        process::forbid_inspection()?;
        self.restrict().map(drop)
    }

    /// Restricts this process as a victim: as a worker, but dumpable, so that an attack that fails
    /// has not failed at that. Gives its directory.
    pub(crate) fn victim(&self) -> Result<PathBuf> {
        match self {
            Self::Without => Ok(std::env::current_dir()?),
            Self::Within { .. } => Ok(self.restrict()?.path().to_owned()),
        }
    }

    fn restrict(&self) -> Result<Scratch> {
        let Self::Within {
            profile,
            state,
            layers,
        } = self
        else {
            return Err("no profile".into());
        };
        let catalog = Catalog::new([state.join("profiles")]);
        let profile = ProfileSource::load(&catalog, profile)?.inherit()?;
        let site = Site {
            function_dir: state.join("function"),
            scratches: state.join("scratches"),
            private_tmp: true,
            ..Site::default()
        };
        let limits = profile.ceiling.limits();
        let policy = Policy::compile(&profile, limits, &Kernel::probe()?, &site)?;
        // A root of its own below the one that the policy names: the zygote's layer reaches every
        // process of this state directory, so it is the worker's layer that parts them.
        let scratch = ScratchRoot::create(&site.scratches, "of")?.make()?;
        std::env::set_current_dir(scratch.path())?;
        fds::place_directory(scratch.path(), TMP_DESCRIPTOR)?;
        match layers {
            Layers::Both => drop(policy.enforce(&scratch)?),
            Layers::Landlock => {
                let rulesets = (
                    policy.zygote_ruleset()?,
                    policy.worker_ruleset(scratch.path())?,
                );
                drop(unfiltered(policy.zygote_layer()).enforce(rulesets.0)?);
                drop(unfiltered(policy.worker_layer()).enforce(rulesets.1)?);
            }
            Layers::Filter => {
                policy.zygote_layer().filter.install()?;
                policy.worker_layer().filter.install()?;
            }
        }
        Ok(scratch)
    }
}

/// The layer with a filter that allows everything.
fn unfiltered(layer: &Layer) -> Layer {
    let allow = Instruction {
        code: 0x06, // BPF_RET | BPF_K
        jt: 0,
        jf: 0,
        k: libc::SECCOMP_RET_ALLOW,
    };
    Layer {
        filter: Program(vec![allow]),
        ..layer.clone()
    }
}
