//! What else the kernel executes when it executes a file: the loader that an ELF header names, the
//! interpreter of a `#!` line. Both need EXECUTE of their own.
//!
//! The files are hostile: every read is bounded, and what is malformed names nothing.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The kernel follows `#!` at most this often (`exec_binprm` of fs/exec.c).
const MAX_DEPTH: usize = 5;

/// The loaders of this architecture's C libraries, as their ABIs fix them.
const LOADERS: [&str; 2] = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"];

/// The loaders and interpreters that executing `program` executes; for a directory, the loaders
/// of this architecture that are installed.
pub(super) fn of(program: &Path) -> Vec<PathBuf> {
    if program.is_dir() {
        return loaders();
    }
    let mut found = Vec::new();
    let mut next = Some(program.to_owned());
    while let Some(interpreter) = next.as_deref().and_then(interpreter) {
        if found.len() == MAX_DEPTH || !interpreter.exists() {
            break;
        }
        found.push(interpreter.clone());
        next = Some(interpreter);
    }
    found
}

/// The loaders of this architecture that are installed.
pub(super) fn loaders() -> Vec<PathBuf> {
    LOADERS
        .iter()
        .map(PathBuf::from)
        .filter(|path| path.exists())
        .collect()
}

fn interpreter(program: &Path) -> Option<PathBuf> {
    let mut options = std::fs::OpenOptions::new();
    // O_NONBLOCK: a FIFO must not hold us.
    let file = options
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(program)
        .ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut head = Vec::with_capacity(256);
    (&file).take(256).read_to_end(&mut head).ok()?;
    match head.strip_prefix(b"#!") {
        Some(line) => of_script(line),
        None => of_elf(&file, &head),
    }
}

fn of_script(line: &[u8]) -> Option<PathBuf> {
    let line = line.split(|&byte| byte == b'\n').next()?;
    let path = line
        .split(|byte| b" \t".contains(byte))
        .find(|word| !word.is_empty())?;
    path.starts_with(b"/")
        .then(|| PathBuf::from(OsStr::from_bytes(path)))
}

/// `PT_INTERP` of a 64-bit little-endian ELF file, elf(5).
fn of_elf(file: &File, head: &[u8]) -> Option<PathBuf> {
    const PT_INTERP: u32 = 3;
    const HEADER_SIZE: u64 = 56;
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let offset = u64::from_le_bytes(head.get(32..40)?.try_into().ok()?);
    let count = u16::from_le_bytes(head.get(56..58)?.try_into().ok()?);
    for index in 0..u64::from(count.min(64)) {
        let mut header = [0u8; HEADER_SIZE as usize];
        let at = offset.checked_add(index * HEADER_SIZE)?;
        file.read_exact_at(&mut header, at).ok()?;
        if u32::from_le_bytes(header[0..4].try_into().ok()?) != PT_INTERP {
            continue;
        }
        let start = u64::from_le_bytes(header[8..16].try_into().ok()?);
        let size = u64::from_le_bytes(header[32..40].try_into().ok()?);
        let mut path = vec![0u8; usize::try_from(size.min(4096)).ok()?];
        file.read_exact_at(&mut path, start).ok()?;
        let path = path.split(|&byte| byte == 0).next()?;
        return path
            .starts_with(b"/")
            .then(|| PathBuf::from(OsStr::from_bytes(path)));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_needs_its_shell_and_the_shell_its_loader() {
        let directory = tempfile::tempdir().unwrap();
        let script = directory.path().join("script");
        std::fs::write(&script, "#!/bin/sh -e\n").unwrap();
        let found = of(&script);
        assert_eq!(found.first().unwrap(), Path::new("/bin/sh"));
        assert!(found.len() == 2, "{found:?}");
    }

    #[test]
    fn hostile_files_name_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        let mut elf = b"\x7fELF\x02\x01".to_vec();
        elf.resize(64, 0xff);
        for bytes in [&b""[..], b"#!", b"#!relative\n", b"\x7fELF", &elf] {
            std::fs::write(&file, bytes).unwrap();
            assert_eq!(of(&file), Vec::<PathBuf>::new());
        }
        // A script that names itself ends.
        std::fs::write(&file, format!("#!{}\n", file.display())).unwrap();
        assert_eq!(of(&file).len(), MAX_DEPTH);
    }
}
