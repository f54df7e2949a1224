//! [`Explanation`]: a profile flattened for one kernel, every allowance with who granted it.
//!
//! It is made of the same rules and the same tables as [`super::Policy`], beside it: what is enforced
//! carries no reasons.
#![forbid(unsafe_code)]

use std::path::Path;

use super::filesystem::{self, Filesystem, Rights};
use super::provenance::Grantor;
use super::syscalls::{Derived, derive_function, derive_stated, derive_worker};
use super::{CompileError, Site, abi, bpf, channels, intents, residual};
use crate::Kernel;
use crate::enforce::Program;
use crate::names::landlock as names;
use crate::names::syscalls::Arch;
use crate::profile::{Granted, Limits, Profile, What};

/// A profile flattened for one kernel.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// What Landlock allows on paths.
    pub paths: Vec<PathRule>,
    /// What Landlock allows on TCP ports.
    pub ports: Vec<PortRule>,
    /// The filter that all processes of a function share.
    pub function: Derived,
    /// What is taken from each worker on top of it.
    pub worker: Derived,
    /// What the profile states of all calls: what is exported.
    pub stated: Derived,
    /// Both as programs: the function's, the worker's.
    pub programs: (Program, Program),
    /// The limits of a call.
    pub limits: Limits,
    /// What a hostile call could still do.
    pub remains: Vec<String>,
}

/// Rights on a path and everything below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRule {
    /// The path; with a variable in front where no function gives it a value.
    pub path: String,
    /// Landlock's rights by name, in the order of the kernel's bits.
    pub rights: Vec<&'static str>,
    /// Only the zygote has them, before it loads the function.
    pub zygote_only: bool,
    /// Nothing is there, and the entry says that this is fine.
    pub skipped: bool,
    /// Who granted it.
    pub by: Grantor,
}

/// A right on a TCP port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortRule {
    /// The port.
    pub port: u16,
    /// `connect` or `listen`.
    pub right: &'static str,
    /// Who granted it.
    pub by: Grantor,
}

impl Explanation {
    /// Explains a profile as it stands, or as one function meets it at its `site`.
    ///
    /// # Errors
    /// As [`super::Policy::compile`], but for what the kernel lacks.
    pub fn of(
        profile: &Profile,
        limits: Limits,
        kernel: &Kernel,
        site: Option<&Site>,
    ) -> Result<Self, CompileError> {
        let nowhere = Site::default();
        let at = site.unwrap_or(&nowhere);
        let arch = Arch::native().ok_or(CompileError::UnknownArchitecture)?;
        let assessments = channels::assess(profile, &limits, kernel, at);
        let intents = intents(profile, &limits, kernel, at, &assessments, arch);
        let mut function = derive_function(&intents)?;
        let worker = derive_worker(&intents)?;
        attribute_ports(profile, &mut function);
        let programs = (
            bpf::compile(function.table())?,
            bpf::compile(worker.table())?,
        );
        let paths = match site {
            Some(site) => compiled(&Filesystem::compile(profile, site, abi(kernel))?),
            None => written(profile),
        };
        Ok(Self {
            paths,
            ports: ports(profile),
            stated: derive_stated(&intents)?,
            function,
            worker,
            programs,
            remains: residual::remains(profile, &limits),
            limits,
        })
    }
}

impl PathRule {
    fn new(path: impl Into<String>, rights: Rights, by: Grantor) -> Self {
        Self {
            path: path.into(),
            rights: right_names(rights),
            zygote_only: false,
            skipped: false,
            by,
        }
    }

    /// The rights in words: `read`, `read, write, make and remove`.
    #[must_use]
    pub fn words(&self) -> String {
        words(&self.rights)
    }
}

/// Rights in words; those that make no familiar set by their names.
#[must_use]
pub fn words(rights: &[&'static str]) -> String {
    /// The widest first: what a set says is not said again.
    const SETS: &[(&str, &[&str])] = &[
        (
            "write, make and remove",
            &[
                "write_file",
                "remove_dir",
                "remove_file",
                "make_dir",
                "make_reg",
                "make_sym",
                "refer",
                "truncate",
            ],
        ),
        ("write", &["write_file", "truncate"]),
        ("read", &["read_file", "read_dir"]),
        ("read", &["read_file"]),
        ("list", &["read_dir"]),
        ("execute", &["execute"]),
    ];
    let mut left = rights.to_vec();
    let mut said = Vec::new();
    for (word, set) in SETS {
        if set.iter().all(|right| left.contains(right)) {
            left.retain(|right| !set.contains(right));
            said.push(*word);
        }
    }
    // Reading before writing, as one says it.
    said.sort_by_key(|word| {
        ["read", "list", "execute"]
            .iter()
            .position(|first| first == word)
            .unwrap_or(9)
    });
    said.extend(left);
    said.join(", ")
}

fn right_names(rights: Rights) -> Vec<&'static str> {
    names::all()
        .filter(|name| names::bit(name).is_some_and(|bit| rights.bits() & bit != 0))
        .collect()
}

/// The rules of the profile's text. What is a file has fewer rights; which is one is not asked.
fn written(profile: &Profile) -> Vec<PathRule> {
    let scratch = PathRule::new("${SCRATCH}", filesystem::SCRATCH, filesystem::OWN_SCRATCH);
    let entries = profile.granted().filter_map(|granted| {
        let (path, if_exists) = match granted.what {
            What::Read(grant) | What::Write(grant) | What::Run(grant) => {
                (&grant.path, grant.if_exists)
            }
            What::Landlock(grant) => (&grant.path, grant.if_exists),
            What::Connect(_) | What::Listen(_) | What::Seccomp(_) => return None,
        };
        let rights = filesystem::rights_of(granted.what);
        let on_disk = Path::new(path);
        let rights = match on_disk.is_absolute() && on_disk.exists() && !on_disk.is_dir() {
            true => rights & filesystem::FILE,
            false => rights,
        };
        let mut rule = PathRule::new(path.as_str(), rights, granted.into());
        rule.skipped = if_exists && on_disk.is_absolute() && !on_disk.exists();
        Some(rule)
    });
    entries.chain([scratch]).collect()
}

/// The rules of a function, in which variables have values and what is missing is left out.
fn compiled(filesystem: &Filesystem) -> Vec<PathRule> {
    let (rules, zygote) = filesystem.rules();
    let rule = |rule: &filesystem::Rule| {
        PathRule::new(rule.path.to_string_lossy(), rule.rights, rule.by.clone())
    };
    let zygote = zygote.iter().map(|of_zygote| PathRule {
        zygote_only: true,
        ..rule(of_zygote)
    });
    let scratch = filesystem.scratch_rights();
    let scratch = PathRule::new("${SCRATCH}", scratch, filesystem::OWN_SCRATCH);
    rules
        .iter()
        .map(rule)
        .chain(zygote)
        .chain([scratch])
        .collect()
}

fn ports(profile: &Profile) -> Vec<PortRule> {
    let rule = |granted: Granted<'_>| {
        let (port, right) = match granted.what {
            What::Connect(grant) => (grant.port, "connect"),
            What::Listen(grant) => (grant.port, "listen"),
            _ => return None,
        };
        Some(PortRule {
            port,
            right,
            by: granted.into(),
        })
    };
    profile.granted().filter_map(rule).collect()
}

/// Where the filter lets sockets through, it is a port of the profile that made it.
fn attribute_ports(profile: &Profile, function: &mut Derived) {
    let first = |wanted: fn(&What<'_>) -> bool| {
        let mut granted = profile.granted();
        granted
            .find(|granted| wanted(&granted.what))
            .map(Grantor::from)
    };
    let connect = first(|what| matches!(what, What::Connect(_)));
    let listen = first(|what| matches!(what, What::Listen(_)));
    let named = |name: &str| {
        profile
            .seccomp
            .iter()
            .any(|grant| grant.names.iter().any(|known| known == name))
    };
    for (name, by) in [
        ("connect", &connect),
        ("bind", &listen),
        ("listen", &listen),
        ("socket", if connect.is_some() { &connect } else { &listen }),
    ] {
        if let Some(by) = by.as_ref().filter(|_| !named(name)) {
            function.attribute(name, by);
        }
    }
}

#[cfg(test)]
pub(in crate::policy) mod tests;
