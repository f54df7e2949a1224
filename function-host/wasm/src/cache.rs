//! Artefacts on disk, for the host alone. Nothing is believed of an entry but what its tag proves.
//!
//! An entry is found by what it was made from ([`Name`]: the engine and the module's bytes) and bears an
//! HMAC-SHA256 over that name and its content. The key lies beside the entries. Both are in the host's
//! state directory, which no policy grants to a function; so whoever could forge an entry, or put one
//! module's in the place of another's, is the host, or has the host's own access to its files. A function
//! with `isolation: none` has, and where the operator allows those there is no cache on disk.
//!
//! An entry that is torn, altered, renamed, or made under another key is as good as absent.
#![forbid(unsafe_code)]

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::MAX_ARTEFACT;

type Tag = Hmac<Sha256>;

/// What an entry begins with; the number is the form's.
const MAGIC: &[u8; 8] = b"lhwasm\x001";
const TAG: usize = 32;
const KEY: usize = 32;
/// The file of the key. No entry is called so: their names are hexadecimal.
const KEY_FILE: &str = "key";

/// Which engine, on which kind of processor, artefacts are for: as a process of its own has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineId(pub [u8; 8]);

/// What an artefact is made from: SHA-256 over the engine and the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name([u8; 32]);

impl Name {
    /// The name of what `engine` makes of `module`.
    #[must_use]
    pub fn of(engine: EngineId, module: &[u8]) -> Self {
        let digest = Sha256::new().chain_update(engine.0).chain_update(module);
        Self(digest.finalize().into())
    }

    fn file(&self) -> String {
        self.0.iter().fold(String::new(), |mut name, byte| {
            // Writing to a string does not fail.
            let _written = write!(name, "{byte:02x}");
            name
        })
    }
}

/// A directory of artefacts, of which the least recently used go when there is no room.
#[derive(Debug)]
pub struct Cache {
    directory: PathBuf,
    key: [u8; KEY],
    room: u64,
    writing: Mutex<()>,
}

impl Cache {
    /// Opens `directory`, in which only the host may write; makes it and its key where they are missing.
    /// It holds at most `room` bytes.
    ///
    /// # Errors
    /// When it cannot be written to.
    pub fn open(directory: PathBuf, room: u64) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)?;
        let path = directory.join(KEY_FILE);
        let mut key = [0; KEY];
        let known = open(&path).and_then(|mut file| file.read_exact(&mut key));
        if known.is_err() {
            // Whatever was made under another key is foreign now.
            getrandom::fill(&mut key).map_err(io::Error::other)?;
            write(&path, &[&key])?;
        }
        Ok(Self {
            directory,
            key,
            room,
            writing: Mutex::default(),
        })
    }

    /// The artefact of this name, if there is one and it is what was stored.
    #[must_use]
    pub fn load(&self, name: Name) -> Option<Vec<u8>> {
        let path = self.directory.join(name.file());
        let mut bytes = Vec::new();
        let file = open(&path).ok()?;
        let most = MAX_ARTEFACT + (MAGIC.len() + TAG) as u64;
        (&file).take(most).read_to_end(&mut bytes).ok()?;
        let rest = bytes.strip_prefix(MAGIC)?;
        let (tag, artefact) = rest.split_at_checked(TAG)?;
        if self.tag(name, artefact)?.verify_slice(tag).is_err() {
            // It would be in the way of the next one only.
            let _gone = fs::remove_file(&path);
            return None;
        }
        // Kept longer, if that can be noted down.
        let _noted = file.set_modified(SystemTime::now());
        Some(bytes.split_off(MAGIC.len() + TAG))
    }

    /// Stores an artefact, and makes room for it.
    ///
    /// # Errors
    /// When it cannot be written; there is then none of this name.
    pub fn store(&self, name: Name, artefact: &[u8]) -> io::Result<()> {
        let tag = self.tag(name, artefact).map(Mac::finalize);
        let tag = tag.ok_or(io::ErrorKind::InvalidData)?.into_bytes();
        let len = (MAGIC.len() + TAG + artefact.len()) as u64;
        let Some(room) = self.room.checked_sub(len) else {
            return Ok(());
        };
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.shrink_to(room)?;
        write(&self.directory.join(name.file()), &[MAGIC, &tag, artefact])
    }

    fn tag(&self, name: Name, artefact: &[u8]) -> Option<Tag> {
        // A key of any length will do.
        let tag = <Tag as Mac>::new_from_slice(&self.key).ok()?;
        Some(tag.chain_update(name.0).chain_update(artefact))
    }

    /// Removes what was not used for longest, until there are at most `room` bytes.
    fn shrink_to(&self, room: u64) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in self.directory.read_dir()? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if entry.file_name() != KEY_FILE {
                entries.push((metadata.modified()?, metadata.len(), entry.path()));
            }
        }
        entries.sort();
        let mut held: u64 = entries.iter().map(|(_, len, _)| len).sum();
        for (_, len, path) in entries {
            if held <= room {
                break;
            }
            fs::remove_file(path)?;
            held -= len;
        }
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

/// Writes a file whole, or not at all under this name.
fn write(path: &Path, pieces: &[&[u8]]) -> io::Result<()> {
    let new = path.with_extension("new");
    // Left by a host that died, at most.
    let _left = fs::remove_file(&new);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    let written = pieces.iter().try_for_each(|piece| file.write_all(piece));
    written
        .and_then(|()| fs::rename(&new, path))
        .inspect_err(|_| drop(fs::remove_file(&new)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGINE: EngineId = EngineId(*b"engine-1");
    const ROOM: u64 = 1 << 20;

    fn entry(cache: &Cache, name: Name) -> PathBuf {
        cache.directory.join(name.file())
    }

    #[test]
    fn what_is_stored_is_found_again_by_the_next_host() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("wasm");
        let name = Name::of(ENGINE, b"module");
        let cache = Cache::open(path.clone(), ROOM).unwrap();
        assert_eq!(cache.load(name), None);
        cache.store(name, b"artefact").unwrap();
        assert_eq!(cache.load(name).as_deref(), Some(&b"artefact"[..]));
        let cache = Cache::open(path, ROOM).unwrap();
        assert_eq!(cache.load(name).as_deref(), Some(&b"artefact"[..]));
        assert_eq!(cache.load(Name::of(ENGINE, b"modulf")), None);
        assert_eq!(
            cache.load(Name::of(EngineId(*b"engine-2"), b"module")),
            None
        );
    }

    #[test]
    fn no_bit_of_an_entry_may_change() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path().join("wasm"), ROOM).unwrap();
        let name = Name::of(ENGINE, b"module");
        cache.store(name, b"artefact").unwrap();
        let good = fs::read(entry(&cache, name)).unwrap();
        let mut bad: Vec<Vec<u8>> = (0..good.len() * 8)
            .map(|bit| {
                let mut bytes = good.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                bytes
            })
            .collect();
        bad.extend((0..good.len()).map(|len| good[..len].to_vec()));
        bad.push([&good[..], b"more"].concat());
        for bytes in bad {
            fs::write(entry(&cache, name), &bytes).unwrap();
            assert_eq!(cache.load(name), None, "{bytes:?}");
        }
        fs::write(entry(&cache, name), &good).unwrap();
        assert!(cache.load(name).is_some());
    }

    #[test]
    fn an_entry_holds_for_its_own_module_and_key_only() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path().join("one"), ROOM).unwrap();
        let other = Cache::open(directory.path().join("other"), ROOM).unwrap();
        let (name, victim) = (Name::of(ENGINE, b"mine"), Name::of(ENGINE, b"theirs"));
        cache.store(name, b"artefact").unwrap();
        fs::copy(entry(&cache, name), entry(&cache, victim)).unwrap();
        assert_eq!(cache.load(victim), None);
        fs::copy(entry(&cache, name), entry(&other, name)).unwrap();
        assert_eq!(other.load(name), None);
        // A link may lead to anything.
        std::os::unix::fs::symlink(entry(&cache, name), entry(&cache, victim)).unwrap();
        assert_eq!(cache.load(victim), None);
    }

    #[test]
    fn the_least_recently_used_make_room() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path().join("wasm"), 400).unwrap();
        let names: Vec<_> = (0..4u8).map(|it| Name::of(ENGINE, &[it])).collect();
        let age = |name: &Name, seconds| {
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            open(&entry(&cache, *name))
                .unwrap()
                .set_modified(time)
                .unwrap();
        };
        for (at, name) in names[..3].iter().enumerate() {
            cache.store(*name, &[0; 80]).unwrap();
            age(name, at as u64);
        }
        assert!(cache.load(names[0]).is_some(), "used just now");
        cache.store(names[3], &[0; 80]).unwrap();
        let held: Vec<_> = names.iter().map(|it| cache.load(*it).is_some()).collect();
        assert_eq!(held, [true, false, true, true]);
        cache.store(names[1], &[0; 1000]).unwrap();
        assert!(cache.load(names[1]).is_none(), "it would never fit");
        assert!(cache.load(names[3]).is_some());
    }
}
