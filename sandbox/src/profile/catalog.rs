//! Where profiles are found: directories in order, then those that ship inside the binary.
//!
//! Names are DNS labels, so a name is never a path. A file is read only if it is regular and small.
//! Knows files and text, not what a profile says.
#![forbid(unsafe_code)]

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::yaml::MAX_DOCUMENT;

/// The profiles that ship with Leasehold; every allowance in them says why.
const SHIPPED: &[(&str, &str)] = &[
    ("base", include_str!("../../../profiles/base.yaml")),
    ("compute", include_str!("../../../profiles/compute.yaml")),
    (
        "managed-runtime",
        include_str!("../../../profiles/managed-runtime.yaml"),
    ),
    ("media", include_str!("../../../profiles/media.yaml")),
    (
        "network-client",
        include_str!("../../../profiles/network-client.yaml"),
    ),
    ("node", include_str!("../../../profiles/node.yaml")),
    ("python", include_str!("../../../profiles/python.yaml")),
    (
        "python-shell",
        include_str!("../../../profiles/python-shell.yaml"),
    ),
    ("shell", include_str!("../../../profiles/shell.yaml")),
    ("wasm", include_str!("../../../profiles/wasm.yaml")),
];

/// Profiles by name: `NAME.yaml` in the first directory that has it, or else a shipped one.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    directories: Vec<PathBuf>,
}

/// Why a document could not be read from a file.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A directory, device, pipe or socket.
    #[error("{} is not a regular file", path.display())]
    NotRegular {
        /// The file.
        path: PathBuf,
    },
    /// More than a document may have.
    #[error("{} is larger than {MAX_DOCUMENT} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Not text.
    #[error("{} is not UTF-8: byte {offset} is wrong", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The first byte that is no part of UTF-8.
        offset: usize,
    },
}

impl Catalog {
    /// A catalog of these directories, searched in order, and the shipped profiles behind them.
    #[must_use]
    pub fn new(directories: impl IntoIterator<Item = PathBuf>) -> Self {
        Self {
            directories: directories.into_iter().collect(),
        }
    }

    /// Every name that the catalog has, sorted. Directories that cannot be listed have none.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let entries = self
            .directories
            .iter()
            .filter_map(|dir| dir.read_dir().ok())
            .flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter_map(|file| file.strip_suffix(".yaml").map(str::to_owned))
            .filter(|name| super::yaml::is_dns_label(name))
            .chain(SHIPPED.iter().map(|&(name, _)| name.to_owned()))
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// Where the profile of this name is looked for, for messages.
    #[must_use]
    pub fn searched(&self) -> String {
        let mut places: Vec<_> = self
            .directories
            .iter()
            .map(|dir| dir.display().to_string())
            .collect();
        places.push("the shipped profiles".to_owned());
        places.join(", ")
    }

    /// The text of a profile and the file that it is from (`<NAME>` for a shipped one).
    pub(super) fn find(&self, name: &str) -> Result<Option<(String, String)>, ReadError> {
        for directory in &self.directories {
            let path = directory.join(format!("{name}.yaml"));
            match read(&path) {
                Ok(text) => return Ok(Some((text, path.display().to_string()))),
                Err(ReadError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        let shipped = SHIPPED.iter().find(|&&(known, _)| known == name);
        Ok(shipped.map(|&(name, text)| (text.to_owned(), format!("<{name}>"))))
    }
}

/// Reads a document: a regular file of bounded size that holds UTF-8.
///
/// Symbolic links are followed: Kubernetes mounts ConfigMaps as such.
///
/// # Errors
/// When the file is not there or not such a file. A pipe or a device is refused, not waited for.
pub fn read(path: &Path) -> Result<String, ReadError> {
    let io = |source| ReadError::Io {
        path: path.to_owned(),
        source,
    };
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(io)?;
    if !file.metadata().map_err(io)?.is_file() {
        return Err(ReadError::NotRegular {
            path: path.to_owned(),
        });
    }
    let mut bytes = Vec::new();
    let most = MAX_DOCUMENT as u64 + 1;
    file.take(most).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() > MAX_DOCUMENT {
        return Err(ReadError::TooLarge {
            path: path.to_owned(),
        });
    }
    String::from_utf8(bytes).map_err(|error| ReadError::NotUtf8 {
        path: path.to_owned(),
        offset: error.utf8_error().valid_up_to(),
    })
}
