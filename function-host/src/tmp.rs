//! A private `/tmp` without privileges: two links, the second of which means another place in each call.
//!
//! `/tmp` is a link into the state directory, as our images make it; there the host makes a link to
//! `/proc/self/fd/1000`, and that descriptor is each worker's scratch, which its filter pins. (An image
//! whose `/tmp` led into /proc at once would not start wherever something is mounted there: the engine
//! would follow it.) Landlock stays the boundary: the links are only the way.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use leasehold_sandbox::scratch::TMP_DESCRIPTOR;
use nix::sys::resource::{Resource, getrlimit};

use crate::function::Tmp;

/// The second link's name in the state directory.
pub const NAME: &str = "tmp";

/// Where the second link leads.
#[must_use]
pub fn target() -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{TMP_DESCRIPTOR}"))
}

/// Why `/tmp` does not lead calls to their scratches.
#[derive(Debug, thiserror::Error)]
pub enum NoPrivateTmp {
    /// It is a directory, as nearly everywhere.
    #[error("{0} is no link; it takes an image in which it leads to tmp in the state directory")]
    NoLink(PathBuf),
    /// It is a link to something else.
    #[error("{path} leads to {leads_to}, not to {}", target().display())]
    Elsewhere {
        /// The link.
        path: PathBuf,
        /// Its end.
        leads_to: PathBuf,
    },
    /// There is no such descriptor.
    #[error("the limit of open files is {limit}; it takes more than {TMP_DESCRIPTOR}")]
    Descriptors {
        /// `RLIMIT_NOFILE`, the soft one.
        limit: u64,
    },
    /// The links could not be looked at.
    #[error("cannot look at {path}: {source}")]
    Unreadable {
        /// What was looked at.
        path: PathBuf,
        /// Why it was not.
        source: io::Error,
    },
}

/// Whether `/tmp` is to lead a function that asks for this to its scratches, where `there` is what the
/// host has found.
///
/// # Errors
/// What is missing, for a function that insists.
pub fn leads(asked: Tmp, there: &Result<(), NoPrivateTmp>) -> Result<bool, &NoPrivateTmp> {
    match (asked, there) {
        (Tmp::Env, _) | (Tmp::Auto, Err(_)) => Ok(false),
        (Tmp::Auto | Tmp::Link, Ok(())) => Ok(true),
        (Tmp::Link, Err(why)) => Err(why),
    }
}

/// Whether `tmp` is the first of the two links.
///
/// # Errors
/// Why it is not.
pub fn probe(tmp: &Path) -> Result<(), NoPrivateTmp> {
    let mut path = tmp.to_owned();
    for _ in 0..2 {
        let leads_to = fs::read_link(&path).map_err(|source| unreadable(tmp, &path, source))?;
        path = path.parent().unwrap_or(tmp).join(leads_to);
    }
    if path != target() {
        return Err(NoPrivateTmp::Elsewhere {
            path: tmp.to_owned(),
            leads_to: path,
        });
    }
    // What /proc shows of ourselves is what it shows to workers of themselves.
    let shown = Path::new("/proc/self/fd");
    fs::metadata(shown).map_err(|source| unreadable(tmp, shown, source))?;
    let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or_default();
    if limit <= u64::from(TMP_DESCRIPTOR.unsigned_abs()) {
        return Err(NoPrivateTmp::Descriptors { limit });
    }
    Ok(())
}

fn unreadable(tmp: &Path, path: &Path, source: io::Error) -> NoPrivateTmp {
    let path = path.to_owned();
    match source.raw_os_error() {
        // EINVAL: it is there, and no link.
        Some(libc::EINVAL) if path == tmp => NoPrivateTmp::NoLink(path),
        Some(libc::EINVAL) => NoPrivateTmp::Elsewhere {
            path: tmp.to_owned(),
            leads_to: path,
        },
        _ => NoPrivateTmp::Unreadable { path, source },
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_the_two_links_count() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("real")).unwrap();
        symlink("state", at("elsewhere")).unwrap();
        symlink("real", at("state")).unwrap();
        symlink("missing", at("dangling")).unwrap();
        symlink(target(), at("tmp")).unwrap();
        symlink(at("tmp"), at("absolute")).unwrap();
        symlink("tmp", at("relative")).unwrap();
        assert!(matches!(probe(&at("real")), Err(NoPrivateTmp::NoLink(_))));
        assert!(matches!(
            probe(&at("elsewhere")),
            Err(NoPrivateTmp::Elsewhere { leads_to, .. }) if leads_to == at("real")
        ));
        assert!(matches!(
            probe(&at("state")),
            Err(NoPrivateTmp::Elsewhere { .. })
        ));
        assert!(matches!(
            probe(&at("dangling")),
            Err(NoPrivateTmp::Unreadable { path, .. }) if path == at("missing")
        ));
        for good in ["absolute", "relative"] {
            probe(&at(good)).unwrap();
        }
        // One hop is not enough: what stands at /proc/self/fd is not to be found by name.
        assert!(probe(&at("tmp")).is_err());
    }
}
