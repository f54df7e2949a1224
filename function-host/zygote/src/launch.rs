//! The launcher: the host's own binary, executed once more to become a zygote.
//!
//! It is handed one socket as standard input. It restricts itself before anything of the function is
//! read, and then enters the fork loop or becomes the interpreter that will.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use leasehold_sandbox::enforce::EnforceError;
use leasehold_sandbox::sys::{fds, process};

use crate::control::{CONTROL_FD, Control, LIBRARY_FD};
use crate::guard;
use crate::hooks::NoHooks;
use crate::runtime::{self, exec};
use crate::wire::{FromZygote, Launch, Program, Start};
use crate::zygote;

/// The argument that makes the host's binary a launcher.
pub const ARGUMENT: &str = "zygote";

/// Why a launcher did not become a zygote.
#[derive(Debug, thiserror::Error)]
enum LaunchError {
    #[error("{step}: {source}")]
    Step {
        step: &'static str,
        source: io::Error,
    },
    #[error(transparent)]
    Enforce(#[from] EnforceError),
    #[error("the host is gone")]
    HostGone,
}

/// Becomes a zygote, and in its children a worker.
///
/// The process that starts it is expected to be its parent still, and must be the only one whose
/// end it is to survive: it dies with the thread that started it.
#[must_use]
pub fn main() -> ExitCode {
    let parent = std::os::unix::process::parent_id();
    match launch(parent) {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("leasehold zygote: {error}");
            ExitCode::FAILURE
        }
    }
}

fn launch(parent: u32) -> Result<std::convert::Infallible, LaunchError> {
    let control = Control::new(fds::take_stdin().map_err(step("the control socket"))?);
    match begin(&control, parent) {
        Ok(Begun::Serve) => {
            let worker = zygote::serve(control, &NoHooks).map_err(step("the fork loop"))?;
            exec::run(worker)
        }
        Ok(Begun::Become(program, library)) => {
            let fds = [(control.into(), CONTROL_FD), (library, LIBRARY_FD)];
            Err(step("the interpreter")(runtime::execute(
                &program,
                &[],
                &fds,
            )))
        }
        Err(error) => {
            let _host_gone = control.send(
                &FromZygote::Failed {
                    message: error.to_string(),
                },
                &[],
            );
            Err(error)
        }
    }
}

fn step(step: &'static str) -> impl FnOnce(io::Error) -> LaunchError {
    move |source| LaunchError::Step { step, source }
}

enum Begun {
    Serve,
    Become(Program, OwnedFd),
}

fn begin(control: &Control, parent: u32) -> Result<Begun, LaunchError> {
    process::die_with(parent).map_err(step("PR_SET_PDEATHSIG"))?;
    nix::unistd::setsid()
        .map_err(io::Error::from)
        .map_err(step("setsid"))?;
    let received = control
        .receive::<Launch>()
        .map_err(step("the host's first message"))?;
    let (launch, fds) = received.ok_or(LaunchError::HostGone)?;
    let mut fds = fds.into_iter();
    std::env::set_current_dir(&launch.directory).map_err(step("chdir"))?;
    if let Some(layer) = &launch.layer {
        let ruleset = fds.next().ok_or(LaunchError::HostGone)?;
        if matches!(launch.start, Start::Become(_)) {
            guard::keep(control, ruleset.as_fd(), parent).map_err(step("the guard"))?;
        }
        announce(control)?;
        let _enforced = layer.enforce(ruleset)?;
    } else {
        announce(control)?;
    }
    Ok(match launch.start {
        Start::Serve => Begun::Serve,
        Start::Become(program) => Begun::Become(program, fds.next().ok_or(LaunchError::HostGone)?),
    })
}

/// Tells the host which process will be the zygote, before any of the function's code can.
fn announce(control: &Control) -> Result<(), LaunchError> {
    let pid = std::process::id();
    control
        .send(&FromZygote::Started { pid }, &[])
        .map_err(step("the first message"))
}
