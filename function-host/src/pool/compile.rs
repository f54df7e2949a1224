//! What a module compiles to: out of what is kept, or made by a compile step.
//!
//! Modules are hostile, and the host does not look into them. It reads them, from the function's folder
//! and nowhere else, hashes them, and hands them to a process of its own binary that the function's
//! policy restricts. What that writes, the host seals, keeps, and hands to zygotes of the same module.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use leasehold_sandbox::Policy;
use leasehold_sandbox::enforce::{Layer, ResourceLimits};
use leasehold_sandbox::sys::fds;
use leasehold_sandbox::sys::pidfd::PidFd;
use leasehold_sandbox::sys::wait::Exit;
use leasehold_wasm::{EngineId, MAX_ARTEFACT, MAX_MODULE, Name, Order};
use leasehold_zygote::wire::{FromZygote, Launch};
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

use super::launcher::{LOAD_TIME, StartError, act, how, launcher};
use super::start::{Module, Recipe};
use crate::artefacts::blocking;
use crate::host::Host;

/// What a compile step may use, in bytes: several times what the largest module takes that compiles in
/// time.
const COMPILE_MEMORY: u64 = 1 << 30;

/// What the module of `recipe` compiles to, sealed; nothing if there is none.
///
/// # Errors
/// Why the function cannot be served.
pub(super) async fn artefact(
    host: &Arc<Host>,
    recipe: &Recipe,
    policy: Option<&Policy>,
    function: &str,
) -> Result<Option<OwnedFd>, StartError> {
    let Some(module) = recipe.module.clone() else {
        return Ok(None);
    };
    let step = Step {
        host,
        policy,
        directory: &recipe.directory,
        function,
    };
    let artefacts = &host.artefacts;
    let engine = artefacts.engine.get_or_try_init(|| identify(&step)).await?;
    let module = blocking(move || read(&module)).await;
    let module = module.map_err(act("cannot read the module"))?;
    let name = Name::of(*engine, &module);
    if let Some(artefact) = artefacts.load(name).await {
        return seal(&artefact).map(Some);
    }
    let artefact = {
        // Never closed.
        let _permit = artefacts.compilers.acquire().await;
        compile(&step, &module).await?
    };
    tracing::info!(
        function,
        module = module.len(),
        artefact = artefact.len(),
        "compiled"
    );
    let sealed = seal(&artefact)?;
    artefacts.store(name, artefact).await;
    Ok(Some(sealed))
}

fn seal(bytes: &[u8]) -> Result<OwnedFd, StartError> {
    fds::sealed_memfd(c"leasehold-wasm", bytes).map_err(act("cannot make a memfd"))
}

/// Reads a module, which may lie behind links as long as they stay in the folder.
fn read(module: &Module) -> io::Result<Vec<u8>> {
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY)
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    let file = File::from(openat2(File::open(&module.directory)?, &module.file, how)?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    bounded(file, MAX_MODULE)
}

fn bounded(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other(format!("it is over {} MiB", most >> 20)));
    }
    Ok(bytes)
}

async fn identify(step: &Step<'_>) -> Result<EngineId, StartError> {
    let id = step.run(&Order::Identify, None).await?;
    id.try_into()
        .map(EngineId)
        .map_err(|_| StartError::NotCompiled(" without naming itself".to_owned()))
}

async fn compile(step: &Step<'_>, module: &[u8]) -> Result<Vec<u8>, StartError> {
    step.run(&Order::Compile, Some(seal(module)?)).await
}

/// For whom a step is done, and in which bounds.
struct Step<'a> {
    host: &'a Arc<Host>,
    policy: Option<&'a Policy>,
    directory: &'a Path,
    function: &'a str,
}

impl Step<'_> {
    /// Has a process of its own fulfil `order`, and returns what it has written.
    async fn run(&self, order: &Order, input: Option<OwnedFd>) -> Result<Vec<u8>, StartError> {
        let ruleset = self.policy.map(Policy::zygote_ruleset).transpose()?;
        let mut output = fds::memfd(c"leasehold-step").map_err(act("cannot make a memfd"))?;
        let launch = Launch {
            layer: self.policy.map(layer),
            start: order
                .start()
                .map_err(io::Error::other)
                .map_err(act("cannot order"))?,
            directory: self.directory.to_owned(),
            // It writes what it is asked for, and nothing by name.
            private_tmp: false,
        };
        let (started, control) = launcher(self.host, self.function).await?;
        let killed_at_last = Killed(started.handle);
        let given = ruleset.iter().chain(&input).map(AsFd::as_fd);
        let given: Vec<BorrowedFd<'_>> = given.chain([output.as_fd()]).collect();
        let work = async {
            control
                .send(&launch, &given)
                .await
                .map_err(act("cannot instruct a compiler"))?;
            loop {
                let said = control.receive::<FromZygote>().await;
                match said.map_err(act("cannot read from a compiler"))? {
                    Some(FromZygote::Started { .. }) => {}
                    Some(FromZygote::Failed { message }) => {
                        return Err(StartError::Import(message));
                    }
                    Some(_) => return Err(StartError::NotCompiled(" with nonsense".to_owned())),
                    None => break,
                }
            }
            match started.exit.await {
                Ok(Exit { code: Some(0), .. }) => Ok(()),
                exit => Err(StartError::NotCompiled(how(exit.ok()))),
            }
        };
        let done = tokio::time::timeout(LOAD_TIME, work).await;
        drop(killed_at_last);
        // A compiler that was taken over may have started something.
        self.host.processes.kill_strays().await;
        done.unwrap_or(Err(StartError::Slow))?;
        let read = blocking(move || {
            output.rewind()?;
            bounded(output, MAX_ARTEFACT)
        });
        read.await.map_err(act("cannot read what was compiled"))
    }
}

/// The function's own layer, with the limits of compiling instead of those of its calls.
fn layer(policy: &Policy) -> Layer {
    let layer = policy.zygote_layer();
    Layer {
        limits: ResourceLimits {
            data: Some(COMPILE_MEMORY),
            cpu: Some(LOAD_TIME.as_secs()),
            file_size: Some(MAX_ARTEFACT),
            ..layer.limits
        },
        ..layer.clone()
    }
}

/// A process that does not outlive its order, given up or not.
struct Killed(PidFd);

impl Drop for Killed {
    fn drop(&mut self) {
        // It is dead already, as a rule.
        let _dead = self.0.kill();
    }
}
