//! The launcher: the host's own binary, executed once more to become a zygote.
//!
//! It is handed one socket as standard input. It restricts itself before anything of the function is
//! read, and then enters the fork loop or becomes the interpreter that will.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use leasehold_sandbox::enforce::EnforceError;
use leasehold_sandbox::scratch::TMP_DESCRIPTOR;
use leasehold_sandbox::sys::{fds, fork, process};

use crate::control::{CONTROL_FD, Control, LIBRARY_FD};
use crate::guard;
use crate::hooks::{Hooks, NoHooks};
use crate::runtime::{self, Loaded, Runtime};
use crate::wire::{FromZygote, Launch, Load, Program, Start};
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
    #[error("there is no runtime {0:?}")]
    NoRuntime(String),
    #[error("{0}")]
    NotLoaded(String),
}

/// Becomes a zygote, and in its children a worker.
///
/// The process that starts it is expected to be its parent still, and must be the only one whose
/// end it is to survive: it dies with the thread that started it. `runtimes` are those that this crate
/// does not have itself.
#[must_use]
pub fn main(runtimes: &[&dyn Runtime]) -> ExitCode {
    let parent = std::os::unix::process::parent_id();
    match launch(parent, runtimes) {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("leasehold zygote: {error}");
            ExitCode::FAILURE
        }
    }
}

fn launch(parent: u32, runtimes: &[&dyn Runtime]) -> Result<std::convert::Infallible, LaunchError> {
    let control = Control::new(fds::take_stdin().map_err(step("the control socket"))?);
    match begin(&control, parent, runtimes) {
        Ok(Begun::Serve) => {
            let worker = zygote::serve(control, &NoHooks).map_err(step("the fork loop"))?;
            runtime::run(worker)
        }
        Ok(Begun::Loaded(loaded)) => {
            let loaded = RefCell::new(loaded);
            let worker =
                zygote::serve(control, &Prepared(&loaded)).map_err(step("the fork loop"))?;
            loaded.into_inner().run(worker)
        }
        Ok(Begun::Done) => fork::exit_now(0),
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
    Loaded(Box<dyn Loaded>),
    Done,
}

fn begin(control: &Control, parent: u32, runtimes: &[&dyn Runtime]) -> Result<Begun, LaunchError> {
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
    if launch.private_tmp {
        fds::place_directory(&launch.directory, TMP_DESCRIPTOR)
            .map_err(step("the descriptor of /tmp"))?;
    }
    if let Some(layer) = &launch.layer {
        let ruleset = fds.next().ok_or(LaunchError::HostGone)?;
        // A runtime that loads runs no code of the function's in doing so.
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
        Start::Load(load) => self::load(&load, fds.collect(), runtimes)?,
    })
}

/// Tells the host which process will be the zygote, before any of the function's code can.
fn announce(control: &Control) -> Result<(), LaunchError> {
    let pid = std::process::id();
    control
        .send(&FromZygote::Started { pid }, &[])
        .map_err(step("the first message"))
}

fn load(load: &Load, fds: Vec<OwnedFd>, runtimes: &[&dyn Runtime]) -> Result<Begun, LaunchError> {
    let runtime = runtimes.iter().find(|it| it.name() == load.runtime);
    let runtime = runtime.ok_or_else(|| LaunchError::NoRuntime(load.runtime.clone()))?;
    let loaded = runtime
        .load(&load.order, fds)
        .map_err(LaunchError::NotLoaded)?;
    Ok(loaded.map_or(Begun::Done, Begun::Loaded))
}

struct Prepared<'a>(&'a RefCell<Box<dyn Loaded>>);

impl Hooks for Prepared<'_> {
    fn after_in_child(&self) {
        // Nobody else has it: the loop calls one hook at a time.
        if let Ok(mut loaded) = self.0.try_borrow_mut() {
            loaded.prepare();
        }
    }
}
