//! What an attack does beside single system calls: verbs, which have no result.

use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};

use leasehold_sandbox::sys::fds;
use leasehold_sandbox::sys::fork::{self, Fork};

use crate::error::RunError;
use crate::memory;

/// Does what a verb says; `None` if it is none.
///
/// - `within PATH`: changes the working directory; `where` prints it as `at PATH`;
/// - `wait`: a victim: prints `ready PATH ADDRESS PID`, and ends with its standard input;
/// - `daemon`: leaves a process in a session of its own, and prints `daemon PID`;
/// - `descriptors`: prints `open N` for each descriptor above the streams;
/// - `environment`: prints `variable NAME` for each variable;
/// - `deep N`: makes N directories, each in the one before, and stays in the last;
/// - `flood N`: prints N bytes.
pub(crate) fn act(words: &[&str]) -> Option<Result<(), RunError>> {
    Some(match words {
        ["within", path] => std::env::set_current_dir(path).map_err(kernel),
        ["where"] => current().and_then(|path| said(&format!("at {path}"))),
        ["wait"] => wait(),
        ["daemon"] => daemon(),
        ["descriptors"] => descriptors(),
        ["environment"] => environment(),
        ["deep", depth] => deep(depth),
        ["flood", bytes] => flood(bytes),
        _ => return None,
    })
}

fn wait() -> Result<(), RunError> {
    let (path, pid) = (current()?, std::process::id());
    said(&format!("ready {path} {} {pid}", memory::page()))?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn daemon() -> Result<(), RunError> {
    match fork::fork_alone().map_err(kernel)? {
        Fork::Parent(pid) => said(&format!("daemon {pid}")),
        Fork::Child(_) => {
            // It holds nothing of the call's: nothing but a burial ends it.
            // SAFETY: a new child, which never returns: no other owner of a descriptor is dropped.
            let closed = unsafe { fds::close_all_but(&[]) };
            // SAFETY: setsid takes nothing and touches no memory.
            if closed.is_ok() && unsafe { libc::setsid() } != -1 {
                loop {
                    std::thread::park();
                }
            }
            fork::exit_now(1)
        }
    }
}

/// `fcntl(F_GETFD)` of every number that a process may have here.
fn descriptors() -> Result<(), RunError> {
    for number in 3..4096 {
        // SAFETY: F_GETFD reads a flag of a descriptor, open or not, and touches no memory.
        if unsafe { libc::fcntl(number, libc::F_GETFD) } != -1 {
            said(&format!("open {number}"))?;
        }
    }
    Ok(())
}

fn environment() -> Result<(), RunError> {
    for (name, _) in std::env::vars_os() {
        said(&format!("variable {}", name.to_string_lossy()))?;
    }
    Ok(())
}

fn deep(depth: &str) -> Result<(), RunError> {
    for _ in 0..depth.parse::<u32>()? {
        fs::create_dir("d").map_err(kernel)?;
        std::env::set_current_dir("d").map_err(kernel)?;
    }
    Ok(())
}

fn flood(bytes: &str) -> Result<(), RunError> {
    let line = [b'x'; 64];
    let mut out = io::stdout().lock();
    for _ in 0..bytes.parse::<u64>()? / 64 {
        out.write_all(&line).map_err(kernel)?;
    }
    Ok(writeln!(out)?)
}

fn current() -> Result<String, RunError> {
    let path = std::env::current_dir().map_err(kernel)?;
    let path = path.into_os_string().into_string();
    path.map_err(|_| RunError::Broken(Box::<dyn Error>::from("a path that is not UTF-8")))
}

fn said(line: &str) -> Result<(), RunError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

fn kernel(error: io::Error) -> RunError {
    match error.raw_os_error() {
        Some(number) => RunError::Kernel(number),
        None => RunError::Broken(Box::new(error)),
    }
}
