//! [`Granted`]: one allowance of a profile, of whatever kind: what, why, and where it was written.
#![forbid(unsafe_code)]

use std::fmt;

use super::{LandlockGrant, Origin, PathGrant, PortGrant, Profile, SeccompAction, SeccompGrant};

/// One entry of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted<'a> {
    /// What is granted.
    pub what: What<'a>,
    /// The operator's reason.
    pub why: Option<&'a str>,
    /// Where it was written.
    pub origin: &'a Origin,
}

/// What an entry grants. Shown as the profile's fields and values: `read /usr/lib`, `connect 443`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What<'a> {
    /// `read`
    Read(&'a PathGrant),
    /// `write`
    Write(&'a PathGrant),
    /// `run`
    Run(&'a PathGrant),
    /// `connect`
    Connect(&'a PortGrant),
    /// `listen`
    Listen(&'a PortGrant),
    /// `advanced.landlock`
    Landlock(&'a LandlockGrant),
    /// `advanced.seccomp`
    Seccomp(&'a SeccompGrant),
}

impl Profile {
    /// Every allowance, kind by kind, each kind in the order of inheritance.
    pub fn granted(&self) -> impl Iterator<Item = Granted<'_>> {
        let paths = self.read.iter().map(What::Read);
        let paths = paths
            .chain(self.write.iter().map(What::Write))
            .chain(self.run.iter().map(What::Run));
        let ports = self.connect.iter().map(What::Connect);
        let ports = ports.chain(self.listen.iter().map(What::Listen));
        let advanced = self.landlock.iter().map(What::Landlock);
        let advanced = advanced.chain(self.seccomp.iter().map(What::Seccomp));
        paths.chain(ports).chain(advanced).map(Granted::from)
    }
}

impl<'a> From<What<'a>> for Granted<'a> {
    fn from(what: What<'a>) -> Self {
        let (why, origin) = match what {
            What::Read(grant) | What::Write(grant) | What::Run(grant) => {
                (&grant.why, &grant.origin)
            }
            What::Connect(grant) | What::Listen(grant) => (&grant.why, &grant.origin),
            What::Landlock(grant) => (&grant.why, &grant.origin),
            What::Seccomp(grant) => (&grant.why, &grant.origin),
        };
        Self {
            what,
            why: why.as_deref(),
            origin,
        }
    }
}

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(grant) => write!(f, "read {}", grant.path),
            Self::Write(grant) => write!(f, "write {}", grant.path),
            Self::Run(grant) => write!(f, "run {}", grant.path),
            Self::Connect(grant) => write!(f, "connect {}", grant.port),
            Self::Listen(grant) => write!(f, "listen {}", grant.port),
            Self::Landlock(grant) => write!(f, "{} {}", grant.access.join(", "), grant.path),
            Self::Seccomp(grant) => {
                write!(f, "{} {}", grant.action, grant.names.join(", "))?;
                match grant.args.is_empty() {
                    true => Ok(()),
                    false => f.write_str(" with certain arguments"),
                }
            }
        }
    }
}

impl fmt::Display for SeccompAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Kill => "kill",
            Self::Errno(name) => name,
        })
    }
}
