//! Profiles: an operator's declaration of what a function may touch.
//!
//! A profile speaks intent (read, write, connect, listen, run, ceiling); Landlock rights and system
//! calls by name are the `advanced` exception. [`ProfileSource`] is YAML as written, [`Profile`] the
//! result of inheritance. This module knows serde and the YAML reader only: no kernel, no policy.
#![forbid(unsafe_code)]

mod catalog;
mod ceiling;
mod diagnostic;
mod entries;
mod granted;
mod inherit;
pub mod oci;
mod path;
mod quantity;
mod reader;
mod source;
mod suggest;
pub mod write;
mod yaml;

use std::fmt;
use std::sync::Arc;

pub use catalog::{Catalog, ReadError, read};
pub use ceiling::{Ceiling, CeilingError, Limits};
pub use diagnostic::{SourceError, Span};
pub use granted::{Granted, What};
pub use inherit::{InheritError, MAX_DEPTH};
pub use path::VARIABLES;
pub use quantity::{Bytes, Millis, QuantityError, QuantityKind};
pub use source::{LoadError, MAX_PROFILES, OpenError, ProfileSource};
pub use yaml::{
    API_VERSION, MAX_DOCUMENT, Object, Spanned, is_dns_label, parse_document, parse_object,
};

/// A profile after inheritance: allowances are unions, limits the smallest of all.
///
/// An empty profile allows nothing beyond the scratch. Every entry remembers where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// `metadata.name`: a DNS label.
    pub name: String,
    /// Paths that may be read: files, or directories with everything below them.
    pub read: Vec<PathGrant>,
    /// Paths that may be read and written, below which entries may be made and removed.
    pub write: Vec<PathGrant>,
    /// Programs that may be executed beside the function's own. EXECUTE is not code integrity.
    pub run: Vec<PathGrant>,
    /// TCP ports that may be connected to.
    pub connect: Vec<PortGrant>,
    /// TCP ports that may be bound and listened on.
    pub listen: Vec<PortGrant>,
    /// The largest limits that a function may have under this profile.
    pub ceiling: Ceiling,
    /// Landlock rights by name (`advanced.landlock`).
    pub landlock: Vec<LandlockGrant>,
    /// System calls by name (`advanced.seccomp`).
    pub seccomp: Vec<SeccompGrant>,
    /// Channels that may stay open where the kernel cannot close them (`acceptGaps`). Not inherited.
    pub accept_gaps: Vec<AcceptedGap>,
}

/// Where an entry was written: for messages, `explain` and audit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The file as given, or `<name>` for a profile that was not read from a file.
    pub file: Arc<str>,
    /// 1-based line.
    pub line: u32,
    /// 1-based column.
    pub column: u32,
    /// Length in characters, as far as it is known.
    pub length: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One path of `read`, `write` or `run`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathGrant {
    /// Absolute once its variables are expanded: `${FUNCTION_DIR}`, `${SCRATCH}`, `${PYTHON_PREFIX}`.
    pub path: String,
    /// A missing path is an error unless this is true.
    pub if_exists: bool,
    /// The operator's reason.
    pub why: Option<String>,
    /// Where it was written.
    pub origin: Origin,
}

/// One TCP port of `connect` or `listen`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortGrant {
    /// 1–65535.
    pub port: u16,
    /// The operator's reason.
    pub why: Option<String>,
    /// Where it was written.
    pub origin: Origin,
}

/// Landlock rights on one path, by Landlock's own names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LandlockGrant {
    /// The path, with variables.
    pub path: String,
    /// Names of `LANDLOCK_ACCESS_FS_*` in lower case (`read_file`, `ioctl_dev`), checked.
    pub access: Vec<String>,
    /// A missing path is an error unless this is true.
    pub if_exists: bool,
    /// The operator's reason.
    pub why: Option<String>,
    /// Where it was written.
    pub origin: Origin,
}

/// What the filter answers to system calls given by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeccompGrant {
    /// Names of system calls, checked against the table of the architecture.
    pub names: Vec<String>,
    /// The answer.
    pub action: SeccompAction,
    /// What must hold of the arguments, all of it; none for any arguments.
    pub args: Vec<ArgumentCheck>,
    /// The operator's reason.
    pub why: Option<String>,
    /// Where it was written.
    pub origin: Origin,
}

/// A channel that the operator knows to be open on an older kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedGap {
    /// One of [`crate::names::channels::ACCEPTABLE`], checked.
    pub channel: String,
    /// Where it was written.
    pub origin: Origin,
}

/// What must hold of one argument of a system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArgumentCheck {
    /// Which argument, 0 to 5.
    pub index: u8,
    /// What it is compared with.
    pub compare: ArgumentCompare,
}

/// An unsigned comparison of all 64 bits of an argument. Each can hold, and each can fail.
///
/// The kernel ignores the high word of an `int`: for one, a mask of `0xffffffff` is what is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ArgumentCompare {
    /// `eq`
    Equal(u64),
    /// `ne`
    NotEqual(u64),
    /// `lt`, above 0
    Less(u64),
    /// `le`
    AtMost(u64),
    /// `ge`
    AtLeast(u64),
    /// `gt`, below the largest
    Greater(u64),
    /// `eq` under a mask, which is not 0 and has every bit of the value.
    Masked {
        /// The bits that count.
        mask: u64,
        /// Their value.
        value: u64,
    },
}

/// The answers that a profile may give to a system call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeccompAction {
    /// `SECCOMP_RET_ALLOW`.
    Allow,
    /// `SECCOMP_RET_ERRNO` with this error's name (`ENOSYS`), or the number of one without a name, as
    /// [`crate::names::errno::written`] reads it.
    Errno(String),
    /// `SECCOMP_RET_KILL_PROCESS`.
    Kill,
}

#[cfg(test)]
mod tests;
