//! Asking an interpreter what it is, and judging the answer.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::Deserialize;

use super::{InterpreterError, MIN_GLIBC, MIN_PYTHON};

/// Runs a command to its end and gives its standard output.
pub type Run = dyn Fn(Command) -> io::Result<Vec<u8>> + Send + Sync;

/// An interpreter that has not answered after this time is given up.
pub const PROBE_TIME: Duration = Duration::from_secs(10);

/// An answer of more bytes than this is none.
pub const PROBE_OUTPUT: usize = 64 << 10;

/// Any Python understands it, so that one that is too old can be named.
const SCRIPT: &str = r#"
import json, os, sys, sysconfig
def libc():
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (ValueError, OSError):
        return None
paths = sysconfig.get_paths()
print(json.dumps({
    "executable": sys.executable,
    "basePrefix": sys.base_prefix,
    "baseExecPrefix": sys.base_exec_prefix,
    "version": list(sys.version_info[:3]),
    "implementation": sys.implementation.name,
    "libc": libc(),
    "platform": getattr(sys.implementation, "_multiarch", ""),
    "paths": [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")],
}))
"#;

/// What an interpreter says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    /// `sys.executable`.
    pub(super) executable: PathBuf,
    pub(super) base_prefix: PathBuf,
    pub(super) base_exec_prefix: PathBuf,
    version: (u8, u8, u8),
    implementation: String,
    /// `glibc 2.36`.
    libc: Option<String>,
    /// `x86_64-linux-gnu`, where it was built to know.
    platform: String,
    /// Of the standard library and of what is installed beside it.
    pub(super) paths: Vec<PathBuf>,
}

/// The question. From `/`, so that no file of a function (`.python-version`) has a say in it;
/// isolated and without `site`, so that nothing but the interpreter itself runs.
pub(super) fn command(
    program: &Path,
    search: &[PathBuf],
    environment: &[(&'static str, OsString)],
) -> Command {
    let mut command = Command::new(program);
    command
        .args(["-I", "-S", "-c", SCRIPT])
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    // What came from splitting can be joined.
    if let Ok(path) = std::env::join_paths(search) {
        command.env("PATH", path);
    }
    command
}

impl Answer {
    pub(super) fn parse(program: &Path, output: &[u8]) -> Result<Self, InterpreterError> {
        serde_json::from_slice(output).map_err(|source| InterpreterError::Answer {
            path: program.to_owned(),
            source: Arc::new(source),
        })
    }

    /// The version, if this interpreter can run functions.
    pub(super) fn check(&self, program: &Path) -> Result<(u8, u8, u8), InterpreterError> {
        let (path, version) = (program.to_owned(), self.version);
        if self.implementation != "cpython" {
            let found = self.implementation.clone();
            return Err(InterpreterError::Implementation { path, found });
        }
        if (version.0, version.1) < MIN_PYTHON {
            let found = format!("{}.{}.{}", version.0, version.1, version.2);
            return Err(InterpreterError::Version { path, found });
        }
        match self.libc.as_deref() {
            Some(libc) if glibc(libc).is_some_and(|version| version >= MIN_GLIBC) => Ok(version),
            Some(libc) if !libc.is_empty() => {
                let found = libc.to_owned();
                Err(InterpreterError::Libc { path, found })
            }
            _ => {
                let musl = self.platform.contains("musl");
                let found = if musl {
                    "musl"
                } else {
                    "a C library that does not say which it is"
                };
                let found = found.to_owned();
                Err(InterpreterError::Libc { path, found })
            }
        }
    }
}

/// The version in `glibc 2.36`.
fn glibc(text: &str) -> Option<(u8, u8)> {
    let (major, rest) = text.strip_prefix("glibc ")?.split_once('.')?;
    let minor = rest.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Runs a command as a child of this process, within [`PROBE_TIME`] and [`PROBE_OUTPUT`].
///
/// For processes that reap no children but their own: elsewhere whoever reaps must run it.
///
/// # Errors
/// When it cannot be started, exits with another code than 0, or breaks a bound.
pub fn run_plainly(mut command: Command) -> io::Result<Vec<u8>> {
    // A group, so that what a shim started ends with it.
    let mut child = command.stdout(Stdio::piped()).process_group(0).spawn()?;
    let stdout = child.stdout.take();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut output = Vec::new();
        let most = PROBE_OUTPUT as u64 + 1;
        let read = stdout.map_or(Ok(0), |stdout| stdout.take(most).read_to_end(&mut output));
        // Nobody listens after the time is over.
        let _late = sender.send(read.map(|_| output));
    });
    let deadline = Instant::now() + PROBE_TIME;
    let output = receiver.recv_timeout(PROBE_TIME);
    let whole = matches!(&output, Ok(Ok(output)) if output.len() <= PROBE_OUTPUT);
    // The output has ended, but perhaps not the process.
    while whole && child.try_wait()?.is_none() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
    let timely = whole && child.try_wait()?.is_some();
    if !timely && let Ok(group) = i32::try_from(child.id()) {
        // Its leader is not reaped yet, so the number is still its own.
        let _gone = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
    let status = child.wait()?;
    match output {
        Err(_) => Err(too_long()),
        Ok(Err(error)) => Err(error),
        Ok(Ok(_)) if !whole => Err(io::Error::other("it said too much")),
        Ok(Ok(_)) if !timely => Err(too_long()),
        Ok(Ok(_)) if !status.success() => Err(io::Error::other(format!("it ended with {status}"))),
        Ok(Ok(output)) => Ok(output),
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "it took too long")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_version_of_glibc() {
        assert_eq!(glibc("glibc 2.36"), Some((2, 36)));
        assert_eq!(glibc("glibc 2.36.9000"), Some((2, 36)));
        for wrong in ["", "glibc", "glibc 2", "musl 1.2", "glibc 999.1"] {
            assert_eq!(glibc(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_run_is_bounded_and_tells_failure() {
        let shell = |script: &str| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]);
            run_plainly(command)
        };
        assert_eq!(shell("echo yes").unwrap(), b"yes\n");
        let error = shell("echo no; exit 3").unwrap_err().to_string();
        assert_eq!(error, "it ended with exit status: 3");
        assert_eq!(
            shell("yes & yes").unwrap_err().to_string(),
            "it said too much"
        );
    }
}
