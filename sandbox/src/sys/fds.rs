//! Descriptors: closing what is foreign, and putting what is ours where it belongs.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::{check, check_long};

/// Closes every descriptor of this process but those in `keep`.
///
/// # Safety
/// No value that owns a closed descriptor may be used or dropped afterwards.
///
/// # Errors
/// `ENOSYS` where the kernel (before 5.9) or an engine's filter has no `close_range`.
pub unsafe fn close_all_but(keep: &[RawFd]) -> io::Result<()> {
    let mut keep: Vec<libc::c_uint> = keep.iter().filter_map(|&fd| fd.try_into().ok()).collect();
    keep.sort_unstable();
    keep.dedup();
    let mut first: libc::c_uint = 0;
    for fd in keep {
        if fd > first {
            close_range(first, fd - 1)?;
        }
        first = fd + 1;
    }
    close_range(first, libc::c_uint::MAX)
}

fn close_range(first: libc::c_uint, last: libc::c_uint) -> io::Result<()> {
    // SAFETY: takes integers only; who owns the descriptors is `close_all_but`'s precondition.
    check_long(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0u32) }).map(drop)
}

/// Makes the standard streams copies of these.
///
/// # Errors
/// `EBADF`.
pub fn place_stdio(
    stdin: BorrowedFd<'_>,
    stdout: BorrowedFd<'_>,
    stderr: BorrowedFd<'_>,
) -> io::Result<()> {
    for (source, target) in [(stdin, 0), (stdout, 1), (stderr, 2)] {
        // SAFETY: the standard streams have no owner; std expects that they are replaced.
        check(unsafe { libc::dup2(source.as_raw_fd(), target) })?;
    }
    Ok(())
}

/// Makes `number` the directory `path`, for this process and every program that it becomes.
///
/// Opened O_PATH: nothing is read or changed by the descriptor itself, and ioctl does not take it.
///
/// # Errors
/// `EBUSY` when `number` is open already, `EINVAL` when it is beyond `RLIMIT_NOFILE`, and those of
/// open(2).
pub fn place_directory(path: &Path, number: RawFd) -> io::Result<()> {
    let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_NOFOLLOW;
    let mut options = std::fs::OpenOptions::new();
    let directory = options.read(true).custom_flags(flags).open(path)?;
    // Not dup2, which would replace in silence whatever is there.
    // SAFETY: duplicates an open descriptor.
    let copy = check(unsafe { libc::fcntl(directory.as_raw_fd(), libc::F_DUPFD, number) })?;
    // SAFETY: the kernel has just made it for us alone.
    let copy = unsafe { OwnedFd::from_raw_fd(copy) };
    if copy.as_raw_fd() != number {
        return Err(io::Error::from_raw_os_error(libc::EBUSY));
    }
    // Like a standard stream from now on: it has no owner.
    let _number = copy.into_raw_fd();
    Ok(())
}

/// Becomes another program, which inherits `fds` at the numbers beside them and nothing else that
/// is close-on-exec. Returns only the error; the descriptors are then in disorder, and the process
/// must end.
pub fn exec(path: &CStr, args: &[CString], env: &[CString], fds: &[(OwnedFd, RawFd)]) -> io::Error {
    let place = || -> io::Result<()> {
        let floor = 1 + fds.iter().map(|(_, target)| *target).max().unwrap_or(2);
        // Out of the way first, so that no target is another's source.
        let sources = fds
            .iter()
            .map(|(fd, target)| Ok((duplicate_above(fd.as_fd(), floor)?, *target)))
            .collect::<io::Result<Vec<_>>>()?;
        for (source, target) in sources {
            // SAFETY: the program is replaced next, and with it every owner of `target`.
            check(unsafe { libc::dup2(source.as_raw_fd(), target) })?;
        }
        Ok(())
    };
    match place() {
        Ok(()) => match nix::unistd::execve(path, args, env) {
            Ok(never) => match never {},
            Err(error) => error.into(),
        },
        Err(error) => error,
    }
}

/// A copy of `fd` at number `floor` or above, close-on-exec.
///
/// # Errors
/// `EMFILE` when none is free.
pub fn duplicate_above(fd: BorrowedFd<'_>, floor: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: duplicates an open descriptor.
    let copy = check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, floor) })?;
    // SAFETY: the kernel has just made it for us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Takes ownership of a descriptor that this process was started with, close-on-exec from now on.
///
/// # Safety
/// Nothing else in this process may own it.
///
/// # Errors
/// `EBADF` when it is not open.
unsafe fn adopt(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: fcntl on a number is harmless; it proves that the descriptor is open.
    check(unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) })?;
    // SAFETY: open (just proven), and the caller vouches for sole ownership.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Moves standard input, which a process may be given a socket as, to a number of its own, and puts
/// `/dev/null` in its place.
///
/// # Errors
/// `EBADF` when there is none.
pub fn take_stdin() -> io::Result<OwnedFd> {
    let socket = duplicate_above(io::stdin().as_fd(), 3)?;
    let null = std::fs::File::open("/dev/null")?;
    place_stdio(null.as_fd(), io::stdout().as_fd(), io::stderr().as_fd())?;
    Ok(socket)
}

/// Takes the descriptor `number` that the program which became this one has left for it. It can be
/// taken once in the life of a process.
///
/// # Errors
/// `EBADF` when it is not open or was taken before.
pub fn take_inherited(number: RawFd) -> io::Result<OwnedFd> {
    static TAKEN: std::sync::Mutex<Vec<RawFd>> = std::sync::Mutex::new(Vec::new());
    let mut taken = TAKEN.lock().map_err(|_| io::ErrorKind::Other)?;
    if number < 3 || taken.contains(&number) {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    taken.push(number);
    // SAFETY: agreed on between this program and the one that became it, and taken only once.
    unsafe { adopt(number) }
}

/// An unnamed file in memory.
///
/// # Errors
/// `ENOSYS` without memfd_create; `EMFILE`.
pub fn memfd(name: &CStr) -> io::Result<std::fs::File> {
    // SAFETY: the name is a NUL-terminated string that outlives the call.
    let fd = check(unsafe {
        libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING)
    })?;
    // SAFETY: the kernel has just made it for us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) }.into())
}

/// A sealed, unnamed file with `bytes` in it, readable and mappable and never to change again.
///
/// # Errors
/// `ENOSYS` without memfd_create; `ENOSPC`/`ENOMEM`.
pub fn sealed_memfd(name: &CStr, bytes: &[u8]) -> io::Result<OwnedFd> {
    use std::io::Write;
    let mut file = memfd(name)?;
    file.write_all(bytes)?;
    let seals = libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE;
    // SAFETY: fcntl on a descriptor that we own.
    check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) })?;
    Ok(file.into())
}
