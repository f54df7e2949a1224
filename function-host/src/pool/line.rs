//! The making of parked workers: scratch, ruleset, sockets, the order to the zygote, and the proof.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use leasehold_sandbox::Policy;
use leasehold_sandbox::policy::{self, CompileError};
use leasehold_sandbox::scratch::{Scratch, ScratchRoot};
use leasehold_sandbox::sys::pidfd::PidFd;
use leasehold_sandbox::sys::{socket, status};
use leasehold_zygote::wire::{
    Burial, Fork, HEADER_LEN, Header, Kind, Parked, decode, write_frames,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::sync::oneshot;

use super::door::Door;
use super::keeper::Keeper;
use super::loading::{self, LoadError};
use super::log::{LAST_WORDS, Lines, drain};
use super::start::{Heirloom, Recipe};
use super::watcher::Watch;
use super::worker::{ParkedWorker, Place, Streams};
use super::zygote::{Ended, Zygote};
use crate::function::{Function, Isolation};
use crate::host::Host;
use crate::shares::Slot;

/// The longest from the order to the parked worker.
const PARK_TIME: Duration = Duration::from_secs(10);

/// Everything that workers of one function are made from.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) host: Arc<Host>,
    pub(super) function: Arc<Function>,
    /// None under `isolation: none`.
    pub(super) policy: Option<Policy>,
    pub(super) recipe: Recipe,
    pub(super) scratches: ScratchRoot,
}

/// Why a worker was not parked.
#[derive(Debug, thiserror::Error)]
pub(super) enum ParkError {
    #[error("{act}: {source}")]
    Act {
        act: &'static str,
        source: io::Error,
    },
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error("the zygote could not fork: {0}")]
    NotForked(io::Error),
    #[error("it ended before it was parked{0}; see the log")]
    Ended(&'static str),
    #[error("it was not parked within {} s", PARK_TIME.as_secs())]
    Slow,
    #[error("it did not say what a worker says when it parks")]
    Protocol,
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("the kernel does not confirm its restrictions: {0}")]
    NotRestricted(&'static str),
}

impl ParkError {
    /// Whether it lies in the function, and not in the machine.
    pub(super) fn is_of_the_function(&self) -> bool {
        matches!(self, Self::Load(_))
    }
}

fn act(act: &'static str) -> impl FnOnce(io::Error) -> ParkError {
    move |source| ParkError::Act { act, source }
}

/// The worker's ends of everything, in the order in which the zygote expects them.
struct Theirs(Vec<OwnedFd>);

impl Line {
    /// Has the zygote fork a worker, and waits until it is restricted and waiting.
    pub(super) async fn park(
        &self,
        zygote: &Arc<Zygote>,
        slot: Slot,
    ) -> Result<ParkedWorker, ParkError> {
        let place = self.place()?;
        let parked = self.park_at(zygote, place.path()).await;
        match parked {
            Ok((streams, keeper, pidfd, root)) => {
                let watch = self.watch(root, place.own());
                let function = Arc::clone(&self.function);
                let host = Arc::clone(&self.host);
                Ok(ParkedWorker {
                    host,
                    function,
                    streams,
                    keeper,
                    pidfd,
                    watch,
                    place,
                    slot,
                    call: None,
                })
            }
            Err(error) => {
                place.remove().await;
                Err(error)
            }
        }
    }

    async fn park_at(
        &self,
        zygote: &Arc<Zygote>,
        scratch: &Path,
    ) -> Result<(Streams, Keeper, PidFd, u32), ParkError> {
        let (mut streams, undertaker, theirs) = self.connect(scratch)?;
        let order = |worker| Fork {
            worker,
            scratch: scratch.to_owned(),
            burial: self.burial(),
            stdio: self.recipe.stdio,
            heirloom: self.recipe.heirloom.is_some(),
        };
        let mut fds: Vec<BorrowedFd<'_>> = theirs.0.iter().map(AsFd::as_fd).collect();
        if self.recipe.heirloom == Some(Heirloom::Library) {
            fds.push(self.host.library.as_fd());
        }
        let (number, mut ended) = zygote
            .order(order, &fds)
            .await
            .map_err(act("cannot order a worker"))?;
        drop(fds);
        drop(theirs);
        let parked = until_parked(&mut streams.socket, &mut ended);
        let parked = tokio::time::timeout(PARK_TIME, parked).await;
        let parked = parked.unwrap_or(Err(ParkError::Slow));
        let attested = parked.and_then(|parked| {
            let attested = self.attest(parked.pid, zygote.pid())?;
            Ok((parked, attested))
        });
        let (parked, (pidfd, parent)) = match attested {
            Ok(attested) => attested,
            Err(error) => {
                self.log_last_words(&mut streams).await;
                if undertaker.is_none() {
                    zygote.kill_worker(number).await;
                }
                drop(undertaker);
                until_gone(zygote, ended).await;
                return Err(error);
            }
        };
        if self.recipe.ahead.is_some() {
            // One that is gone by now is found to be so below.
            let mut word = Vec::new();
            write_frames(&mut word, &[(Kind::End, b"")]).map_err(act("cannot write a frame"))?;
            let _gone = streams.socket.write_all(&word).await;
        }
        let root = parent
            .as_ref()
            .map_or(parked.pid, |(undertaker, _)| *undertaker);
        let mut keeper = match undertaker.zip(parent) {
            None => Keeper::zygote(ended),
            Some((control, (pid, handle))) => {
                self.host.processes.know_undertaker(pid);
                Keeper::undertaker(control, pid, handle).map_err(act("cannot watch a socket"))?
            }
        };
        let watch = self.watch(root, Some(scratch));
        let loaded = self.recipe.loaded;
        let loaded = loading::wait(loaded, &self.function, &mut streams, &mut keeper, watch);
        if let Err(error) = loaded.await {
            keeper.bury(&pidfd, &self.host.processes).await;
            self.log_last_words(&mut streams).await;
            return Err(error.into());
        }
        Ok((streams, keeper, pidfd, root))
    }

    /// What is watched of a worker; nothing without isolation.
    fn watch(&self, root: u32, scratch: Option<&Path>) -> Option<Watch> {
        self.policy.as_ref().map(|_| Watch {
            root,
            root_counts: self.burial() == Burial::Worker,
            scratch: scratch.map(Path::to_owned),
        })
    }

    /// What a worker that was never parked had to say.
    async fn log_last_words(&self, streams: &mut Streams) {
        let drained = drain(
            &mut streams.stderr,
            &mut streams.lines,
            &self.function.name,
            "-",
        );
        let _end = tokio::time::timeout(LAST_WORDS, drained).await;
    }

    fn place(&self) -> Result<Place, ParkError> {
        match self.function.isolation {
            Isolation::Call => self
                .scratches
                .make()
                .map(Place::Own)
                .map_err(act("cannot make a scratch")),
            Isolation::None => Ok(Place::Shared(self.recipe.directory.clone())),
        }
    }

    fn burial(&self) -> Burial {
        match self.policy.as_ref().map(Policy::burial) {
            Some(policy::Burial::Domain) => Burial::Domain,
            Some(policy::Burial::Group) => Burial::Group,
            Some(policy::Burial::Worker) | None => Burial::Worker,
        }
    }

    fn connect(&self, scratch: &Path) -> Result<(Streams, Option<OwnedFd>, Theirs), ParkError> {
        let failed = || act("cannot make a worker's sockets and pipes");
        let (ours, socket) = socket::pair(socket::Kind::Stream).map_err(failed())?;
        let (stderr_writer, stderr) = pipe::pipe().map_err(failed())?;
        let mut theirs = vec![socket, stderr_writer.into_blocking_fd().map_err(failed())?];
        if let Some(policy) = &self.policy {
            theirs.push(policy.worker_ruleset(scratch)?);
        }
        let mut undertaker = None;
        if self.burial() != Burial::Worker {
            let (ours, socket) = socket::pair(socket::Kind::SeqPacket).map_err(failed())?;
            theirs.push(socket);
            undertaker = Some(ours);
        }
        let (mut stdin, mut stdout) = (None, None);
        if self.recipe.stdio {
            let (stdin_writer, stdin_reader) = pipe::pipe().map_err(failed())?;
            let (stdout_writer, stdout_reader) = pipe::pipe().map_err(failed())?;
            theirs.push(stdin_reader.into_blocking_fd().map_err(failed())?);
            theirs.push(stdout_writer.into_blocking_fd().map_err(failed())?);
            (stdin, stdout) = (Some(stdin_writer), Some(stdout_reader));
        }
        let mut door = None;
        if self.recipe.heirloom == Some(Heirloom::Listener) {
            let (opened, listener) = Door::open(&self.host.state.sockets()).map_err(failed())?;
            theirs.push(listener);
            door = Some(opened);
        }
        let ours = std::os::unix::net::UnixStream::from(ours);
        ours.set_nonblocking(true).map_err(failed())?;
        let socket = UnixStream::from_std(ours).map_err(failed())?;
        let lines = Lines::new(self.function.limits.stderr.0);
        Ok((
            Streams {
                socket,
                stdin,
                stdout,
                stderr,
                door,
                lines,
            },
            undertaker,
            Theirs(theirs),
        ))
    }

    /// Asks the kernel, not the worker, whether its filters are in place and whose child it is.
    /// Returns a handle on it, and its undertaker with a handle on that.
    fn attest(&self, pid: u32, zygote: u32) -> Result<(PidFd, Option<(u32, PidFd)>), ParkError> {
        let read = |pid| status::read(pid).map_err(act("cannot read a worker's status"));
        let open = |pid| PidFd::open(pid).map_err(act("cannot open a worker"));
        let handle = open(pid)?;
        let status = read(pid)?;
        let (undertaker, ancestor) = match self.burial() {
            Burial::Worker => (None, status.parent),
            Burial::Domain | Burial::Group => {
                let undertaker = open(status.parent)?;
                let ancestor = read(status.parent)?.parent;
                (Some((status.parent, undertaker)), ancestor)
            }
        };
        if ancestor != zygote {
            return Err(ParkError::NotRestricted("it is no child of its zygote"));
        }
        if self.policy.is_some() {
            // The zygote's filter and the worker's own, on top of what the host itself has.
            let filters = self.host.kernel.inherited_filters + 2;
            if !status.no_new_privs {
                return Err(ParkError::NotRestricted("NoNewPrivs is not set"));
            }
            if status.seccomp != 2 || status.seccomp_filters != filters {
                return Err(ParkError::NotRestricted(
                    "its seccomp filters are not those expected",
                ));
            }
        }
        // Only now is it certain that all of this was said of the processes that the handles are for.
        let undertaker_ended = undertaker
            .as_ref()
            .is_some_and(|(_, handle)| handle.ended());
        if handle.ended() || undertaker_ended {
            Err(ParkError::Ended(""))
        } else {
            Ok((handle, undertaker))
        }
    }
}

/// Waits until a worker that was never parked is gone, with all that it has started. A zygote in whose
/// hands it does not end is ended itself, and its workers with it.
async fn until_gone(zygote: &Zygote, ended: oneshot::Receiver<Ended>) {
    if !ended.is_terminated() && tokio::time::timeout(PARK_TIME, ended).await.is_err() {
        zygote.end().await;
    }
}

async fn until_parked(
    socket: &mut UnixStream,
    ended: &mut oneshot::Receiver<Ended>,
) -> Result<Parked, ParkError> {
    tokio::select! {
        parked = read_parked(socket) => parked,
        end = ended => Err(match end {
            Ok(Ended::NotForked(errno)) => ParkError::NotForked(io::Error::from_raw_os_error(errno)),
            Ok(Ended::Exited(exit)) if exit.signal == Some(libc::SIGSYS) => {
                ParkError::Ended(", killed by its system call filter")
            }
            Ok(Ended::Exited(_)) => ParkError::Ended(""),
            Err(_) => ParkError::Ended(", with its zygote"),
        }),
    }
}

async fn read_parked(socket: &mut UnixStream) -> Result<Parked, ParkError> {
    /// A process number in postcard's encoding, with room to spare.
    const MAX: usize = 16;
    let mut header = [0; HEADER_LEN];
    socket
        .read_exact(&mut header)
        .await
        .map_err(|_| ParkError::Ended(""))?;
    let header = Header::decode(header).map_err(|_| ParkError::Protocol)?;
    if header.kind != Kind::Parked || header.len > MAX {
        return Err(ParkError::Protocol);
    }
    let mut payload = [0; MAX];
    let payload = &mut payload[..header.len];
    socket
        .read_exact(payload)
        .await
        .map_err(|_| ParkError::Ended(""))?;
    decode(payload).map_err(|_| ParkError::Protocol)
}

impl Place {
    /// Its path.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Own(scratch) => scratch.path(),
            Self::Shared(path) => path,
        }
    }

    /// Its path, if it is a call's own.
    fn own(&self) -> Option<&Path> {
        match self {
            Self::Own(scratch) => Some(scratch.path()),
            Self::Shared(_) => None,
        }
    }

    /// Removes what is a call's own, off the event loop if there is anything in it.
    pub(super) async fn remove(self) {
        let Self::Own(scratch) = self else { return };
        let Err(full) = Scratch::remove_if_empty(scratch) else {
            return;
        };
        let path: PathBuf = full.path().to_owned();
        let removed = tokio::task::spawn_blocking(move || full.remove()).await;
        if let Ok(Err(error)) = removed {
            tracing::error!(path = %path.display(), %error, "a scratch could not be removed");
        }
    }
}
