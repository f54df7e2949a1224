//! What a profile grants that defeats its purpose: warnings, not errors.
//!
//! Everything here can be meant, so nothing here stops a function. Each warning names the entry and what
//! to write instead. Knows profiles and the table of system calls; files, ports and the kernel come in
//! as [`Surroundings`].
#![forbid(unsafe_code)]

use std::fmt;
use std::path::Path;

use super::bpf::Action;
use super::syscalls::{groups, has_argument_rules};
use crate::names::landlock;
use crate::profile::{
    Granted, LandlockGrant, Origin, PathGrant, Profile, SeccompAction, SeccompGrant, What,
};

/// What a profile meets where it is to be used.
pub struct Surroundings<'a> {
    /// The kernel's Landlock ABI.
    pub landlock_abi: u32,
    /// The ports that the host itself listens on.
    pub own_ports: &'a [u16],
    /// Whether there is something at an absolute path.
    pub exists: &'a dyn Fn(&Path) -> bool,
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("landlock_abi", &self.landlock_abi)
            .field("own_ports", &self.own_ports)
            .finish_non_exhaustive()
    }
}

/// One thing that may not be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Its kind, for machines: `broad-write`.
    pub kind: &'static str,
    /// What is remarkable.
    pub message: String,
    /// What to write instead.
    pub hint: String,
    /// The entry.
    pub origin: Origin,
}

/// Looks at every entry of a profile after inheritance.
#[must_use]
pub fn lint(profile: &Profile, surroundings: &Surroundings<'_>) -> Vec<Warning> {
    let linter = Linter {
        profile,
        surroundings,
    };
    profile
        .granted()
        .flat_map(|granted| {
            let mut found = linter.entry(granted);
            if granted.why.is_none() {
                found.push(Found {
                    kind: "no-why",
                    message: format!("`{}` does not say why", granted.what),
                    hint: "add `why:`, for whoever reads the profile next".to_owned(),
                });
            }
            found.into_iter().map(|found| found.at(granted.origin))
        })
        .collect()
}

/// A warning without its place.
struct Found {
    kind: &'static str,
    message: String,
    hint: String,
}

impl Found {
    fn at(self, origin: &Origin) -> Warning {
        Warning {
            kind: self.kind,
            message: self.message,
            hint: self.hint,
            origin: origin.clone(),
        }
    }
}

struct Linter<'a> {
    profile: &'a Profile,
    surroundings: &'a Surroundings<'a>,
}

/// Nothing of these, nor of anything below them, is for functions to change.
const SYSTEM: &[&str] = &[
    "/bin", "/boot", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/sbin", "/sys", "/usr",
];
/// These as a whole are everybody's.
const SHARED: &[&str] = &[
    "/", "/dev", "/dev/shm", "/home", "/mnt", "/opt", "/root", "/run", "/srv", "/tmp", "/var",
    "/var/lib", "/var/tmp",
];
/// Reading these tells about other calls, or holds what the host is trusted with.
const TELLING: &[(&str, &str)] = &[
    ("/", "everything that the host can read"),
    ("/proc", "what other calls and the host are doing"),
    ("/root", "the home of the user that the host may run as"),
    ("/run", "sockets and secrets of the machine"),
    ("/run/secrets", "the pod's credentials"),
    ("/var/run", "sockets and secrets of the machine"),
    ("/var/run/secrets", "the pod's credentials"),
];
/// Rights with which a file comes to have what somebody wants.
const WRITING: &[&str] = &["write_file", "make_reg", "refer"];

impl Linter<'_> {
    fn entry(&self, granted: Granted<'_>) -> Vec<Found> {
        match granted.what {
            What::Read(grant) => {
                let found = [self.missing(&grant.path, grant.if_exists), telling(grant)];
                found.into_iter().flatten().collect()
            }
            What::Write(grant) => {
                let found = [
                    self.missing(&grant.path, grant.if_exists),
                    broad(&grant.path),
                    self.executable(&grant.path),
                ];
                found.into_iter().flatten().collect()
            }
            What::Run(grant) => self
                .missing(&grant.path, grant.if_exists)
                .into_iter()
                .collect(),
            What::Connect(grant) => self.own_port(grant.port).into_iter().collect(),
            What::Listen(_) => Vec::new(),
            What::Landlock(grant) => self.landlock(grant),
            What::Seccomp(grant) => seccomp(grant),
        }
    }

    fn missing(&self, path: &str, if_exists: bool) -> Option<Found> {
        let missing = path.starts_with('/') && !(self.surroundings.exists)(Path::new(path));
        (missing && !if_exists).then(|| Found {
            kind: "missing-path",
            message: format!("{path} does not exist here"),
            hint: "correct the path, or say `ifExists: true`".to_owned(),
        })
    }

    /// What can be written and executed is a way to run any machine code at all.
    fn executable(&self, path: &str) -> Option<Found> {
        let run = self
            .profile
            .run
            .iter()
            .map(|grant| (&grant.path, &grant.origin));
        let by_name = self.profile.landlock.iter();
        let by_name = by_name
            .filter(|grant| grant.access.iter().any(|right| right == "execute"))
            .map(|grant| (&grant.path, &grant.origin));
        let (_, origin) = run
            .chain(by_name)
            .find(|(executed, _)| overlap(executed, path))?;
        Some(Found {
            kind: "write-and-execute",
            message: format!("`{path}` may be written, and what is in it executed"),
            hint: format!("part the two; {origin} lets it be executed"),
        })
    }

    fn own_port(&self, port: u16) -> Option<Found> {
        self.surroundings.own_ports.contains(&port).then(|| Found {
            kind: "own-port",
            message: format!("the host itself listens on port {port}"),
            hint:
                "a call could call other functions, or read the host's metrics; move one of the two"
                    .to_owned(),
        })
    }

    fn landlock(&self, grant: &LandlockGrant) -> Vec<Found> {
        let abi = self.surroundings.landlock_abi;
        let mut found: Vec<Found> = grant
            .access
            .iter()
            .filter_map(|right| Some((right, landlock::abi(right).filter(|&since| since > abi)?)))
            .map(|(right, since)| Found {
                kind: "unknown-right",
                message: format!("this kernel's Landlock (ABI {abi}) does not know `{right}`"),
                hint: format!(
                    "it takes ABI {since}; a function under this profile is refused here"
                ),
            })
            .collect();
        found.extend(self.missing(&grant.path, grant.if_exists));
        if grant
            .access
            .iter()
            .any(|right| WRITING.contains(&right.as_str()))
        {
            found.extend(broad(&grant.path));
            found.extend(self.executable(&grant.path));
        }
        found
    }
}

fn telling(grant: &PathGrant) -> Option<Found> {
    let (_, what) = TELLING.iter().find(|(path, _)| *path == grant.path)?;
    Some(Found {
        kind: "broad-read",
        message: format!("every call may read {what}, below `{}`", grant.path),
        hint: "name the files that are needed".to_owned(),
    })
}

fn broad(path: &str) -> Option<Found> {
    let system = SYSTEM
        .iter()
        .any(|system| Path::new(path).starts_with(system));
    let (kind, message) = if system || SHARED.contains(&path) {
        let message =
            format!("every call may change what is below `{path}`, for the whole machine");
        ("broad-write", message)
    } else if path.starts_with("${FUNCTION_DIR}") || path.starts_with("${PYTHON_PREFIX}") {
        let message = format!("a call may change `{path}`, and so what later calls run or read");
        ("code-write", message)
    } else {
        return None;
    };
    let hint = "write into the scratch (TMPDIR), or grant one directory made for it".to_owned();
    Some(Found {
        kind,
        message,
        hint,
    })
}

fn seccomp(grant: &SeccompGrant) -> Vec<Found> {
    if grant.action != SeccompAction::Allow {
        return Vec::new();
    }
    let found = |name: &String| {
        let refused = |name: &str| {
            let mut groups = groups().iter();
            groups.find(|group| group.calls.contains(&name) && group.answer == Action::KillProcess)
        };
        if let Some(group) = refused(name) {
            Some(Found {
                kind: "escape-call",
                message: format!("`{name}` is one of the calls that lead out of sandboxes"),
                hint: format!("remove it: {}", group.why),
            })
        } else if grant.args.is_empty() && has_argument_rules(name) {
            Some(Found {
                kind: "lifted-rule",
                message: format!("allowing `{name}` lifts the rules on its arguments as well"),
                hint: "`leasehold profile explain` shows the rules that hold without this entry"
                    .to_owned(),
            })
        } else {
            None
        }
    };
    grant.names.iter().filter_map(found).collect()
}

/// Whether one of two paths is the other or below it.
fn overlap(one: &str, other: &str) -> bool {
    let (one, other) = (Path::new(one), Path::new(other));
    one.starts_with(other) || other.starts_with(one)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::profile::{Catalog, ProfileSource};

    fn kinds(spec: &str) -> Vec<(&'static str, u32)> {
        let head =
            "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {name: p}\nspec:\n";
        let source = ProfileSource::parse(&format!("{head}{spec}"), "p.yaml").unwrap();
        let surroundings = Surroundings {
            landlock_abi: 4,
            own_ports: &[8080],
            exists: &|path| path != Path::new("/missing"),
        };
        let warnings = lint(&source.inherit().unwrap(), &surroundings);
        warnings
            .iter()
            .map(|warning| (warning.kind, warning.origin.line))
            .collect()
    }

    #[test]
    fn what_defeats_the_purpose_is_found_and_its_neighbour_is_not() {
        let cases = [
            ("write: [{path: /, why: w}]", Some("broad-write")),
            ("write: [{path: /etc/app, why: w}]", Some("broad-write")),
            ("write: [{path: /tmp, why: w}]", Some("broad-write")),
            ("write: [{path: /srv/app, why: w}]", None),
            ("write: [{path: /etcetera, why: w}]", None),
            (
                "write: [{path: \"${FUNCTION_DIR}/db\", why: w}]",
                Some("code-write"),
            ),
            ("read: [{path: /proc, why: w}]", Some("broad-read")),
            ("read: [{path: /proc/cpuinfo, why: w}]", None),
            ("read: [{path: /missing, why: w}]", Some("missing-path")),
            ("read: [{path: /missing, ifExists: true, why: w}]", None),
            ("read: [{path: /srv}]", Some("no-why")),
            ("connect: [{port: 8080, why: w}]", Some("own-port")),
            ("connect: [{port: 8082, why: w}]", None),
            (
                "advanced: {landlock: [{path: /dev/dri, access: [ioctl_dev], why: w}]}",
                Some("unknown-right"),
            ),
            (
                "advanced: {landlock: [{path: /dev/dri, access: [truncate], why: w}]}",
                None,
            ),
            (
                "advanced: {landlock: [{path: /, access: [make_reg], why: w}]}",
                Some("broad-write"),
            ),
            (
                "advanced: {seccomp: [{names: [ptrace], action: allow, why: w}]}",
                Some("escape-call"),
            ),
            (
                "advanced: {seccomp: [{names: [ptrace], action: errno, errno: EPERM, why: w}]}",
                None,
            ),
            (
                "advanced: {seccomp: [{names: [socket], action: allow, why: w}]}",
                Some("lifted-rule"),
            ),
            (
                "advanced: {seccomp: [{names: [socket], action: allow, args: [{index: 0, value: 1}], why: w}]}",
                None,
            ),
            (
                "advanced: {seccomp: [{names: [chmod], action: allow, why: w}]}",
                None,
            ),
        ];
        for (spec, kind) in cases {
            let expected: Vec<_> = kind.map(|kind| (kind, 5)).into_iter().collect();
            assert_eq!(kinds(&format!("  {spec}\n")), expected, "{spec}");
        }
    }

    #[test]
    fn write_and_execute_meet_below_each_other() {
        for (write, run, warned) in [
            ("/data", "/data/bin", true),
            ("/srv/bin/x", "/srv/bin", true),
            ("/srv/a", "/srv/ab", false),
            ("${SCRATCH}", "${SCRATCH}", true),
        ] {
            let spec = format!(
                "  write: [{{path: \"{write}\", why: w}}]\n  run: [{{path: \"{run}\", why: w}}]\n  ceiling: {{processes: 2}}\n"
            );
            let expected = if warned {
                vec![("write-and-execute", 5)]
            } else {
                vec![]
            };
            assert_eq!(kinds(&spec), expected, "{write} {run}");
        }
    }

    #[test]
    fn the_shipped_profiles_are_free_of_them() {
        let catalog = Catalog::default();
        for name in catalog.names() {
            let profile = ProfileSource::load(&catalog, &name)
                .unwrap()
                .inherit()
                .unwrap();
            let surroundings = Surroundings {
                landlock_abi: 1,
                own_ports: &[8080, 8081],
                exists: &|path| path.exists(),
            };
            assert_eq!(lint(&profile, &surroundings), [], "{name}");
        }
    }
}
