//! A worker: from the fork to its one call.

use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use leasehold_sandbox::enforce::EnforceError;
use leasehold_sandbox::scratch::TMP_DESCRIPTOR;
use leasehold_sandbox::sys::fork::{self, Child};
use leasehold_sandbox::sys::{fds, process};
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use nix::sys::stat::{Mode, umask};

use crate::hooks::Hooks;
use crate::wire::{
    Burial, CallHead, Failure, FailureKind, Fork, HEADER_LEN, Header, Kind, Parked, Program,
    ReplyHead, Serve, Takes, Variables, decode, encode, write_frames,
};

/// Exit codes of a worker that never ran the function's code; the host sees no more of them.
pub(crate) const EXIT_PROTOCOL: i32 = 120;
const EXIT_NOT_ENFORCED: i32 = 121;

/// Why a worker never parked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ParkError {
    #[error("{step}: {source}")]
    Step {
        step: &'static str,
        source: io::Error,
    },
    #[error(transparent)]
    Enforce(#[from] EnforceError),
}

pub(crate) fn step(step: &'static str) -> impl FnOnce(io::Error) -> ParkError {
    move |source| ParkError::Step { step, source }
}

/// Ends a worker that is not restricted as it should be, before any of the function's code.
pub(crate) fn give_up(error: &ParkError) -> ! {
    eprintln!("leasehold: a worker could not be restricted: {error}");
    fork::exit_now(EXIT_NOT_ENFORCED)
}

/// The descriptors of one order, each in its place.
pub(crate) struct Places {
    pub(crate) socket: OwnedFd,
    pub(crate) stderr: OwnedFd,
    pub(crate) ruleset: Option<OwnedFd>,
    pub(crate) undertaker: Option<OwnedFd>,
    pub(crate) stdio: Option<(OwnedFd, OwnedFd)>,
    pub(crate) heirloom: Option<OwnedFd>,
}

impl Places {
    /// `None` when the descriptors are not those that the order announces.
    pub(crate) fn of(order: &Fork, restricted: bool, fds: Vec<OwnedFd>) -> Option<Self> {
        let mut fds = fds.into_iter();
        let places = Self {
            socket: fds.next()?,
            stderr: fds.next()?,
            ruleset: if restricted { Some(fds.next()?) } else { None },
            undertaker: match order.burial {
                Burial::Worker => None,
                Burial::Domain | Burial::Group => Some(fds.next()?),
            },
            stdio: if order.stdio {
                Some((fds.next()?, fds.next()?))
            } else {
                None
            },
            heirloom: if order.heirloom {
                Some(fds.next()?)
            } else {
                None
            },
        };
        fds.next().is_none().then_some(places)
    }

    pub(crate) fn all(&self) -> Vec<&OwnedFd> {
        let (stdin, stdout) = self.stdio.as_ref().map(|(a, b)| (a, b)).unzip();
        [
            Some(&self.socket),
            Some(&self.stderr),
            self.ruleset.as_ref(),
            stdin,
            stdout,
            self.heirloom.as_ref(),
        ]
        .into_iter()
        .chain([self.undertaker.as_ref()])
        .flatten()
        .collect()
    }
}

/// Makes the calling child a parked worker: restricted, known to the host, waiting for its call.
///
/// Foreign descriptors go first, the filter comes last, and no code of the function runs before.
pub(crate) fn park(
    child: Child,
    order: &Fork,
    places: Places,
    serve: &Serve,
    parent: u32,
    hooks: &dyn Hooks,
) -> Result<Worker, ParkError> {
    child
        .keep_only(&places.all())
        .map_err(step("close_range"))?;
    let Places {
        socket,
        stderr,
        ruleset,
        stdio,
        heirloom,
        ..
    } = places;
    place_streams(&stderr, stdio.as_ref()).map_err(step("dup2"))?;
    drop((stderr, stdio));
    process::die_with(parent).map_err(step("PR_SET_PDEATHSIG"))?;
    nix::unistd::setsid()
        .map_err(io::Error::from)
        .map_err(step("setsid"))?;
    std::env::set_current_dir(&order.scratch).map_err(step("chdir to the scratch"))?;
    if serve.private_tmp {
        fds::place_directory(&order.scratch, TMP_DESCRIPTOR)
            .map_err(step("the descriptor of /tmp"))?;
    }
    umask(Mode::S_IWGRP | Mode::S_IWOTH);
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
        .map_err(io::Error::from)
        .map_err(step("sigprocmask"))?;
    if let (Some(layer), Some(ruleset)) = (&serve.layer, ruleset) {
        process::forbid_inspection().map_err(step("PR_SET_DUMPABLE"))?;
        let _enforced = layer.enforce(ruleset)?;
    }
    hooks.after_in_child();
    let mut worker = Worker {
        socket: socket.into(),
        program: serve.program.clone(),
        variables: serve.variables,
        ahead: serve.ahead,
        heirloom,
        reusable: serve.layer.is_none() && !order.stdio,
        unread: Body::None,
        served: false,
    };
    let parked = encode(&Parked {
        pid: std::process::id(),
    })
    .map_err(io::Error::other);
    let parked = parked.map_err(step("encode"))?;
    worker
        .send(&[(Kind::Parked, &parked)])
        .map_err(step("parking"))?;
    if worker.ahead.is_some() {
        worker.await_word().map_err(step("the host's word"))?;
    }
    Ok(worker)
}

fn place_streams(stderr: &OwnedFd, stdio: Option<&(OwnedFd, OwnedFd)>) -> io::Result<()> {
    match stdio {
        Some((stdin, stdout)) => fds::place_stdio(stdin.as_fd(), stdout.as_fd(), stderr.as_fd()),
        // Standard input stays the zygote's /dev/null; what is printed goes to the log.
        None => fds::place_stdio(io::stdin().as_fd(), stderr.as_fd(), stderr.as_fd()),
    }
}

/// A parked or running worker, seen from inside.
pub struct Worker {
    socket: UnixStream,
    program: Option<Program>,
    variables: Variables,
    /// What that program takes over, if it is executed ahead of its call.
    ahead: Option<Takes>,
    heirloom: Option<OwnedFd>,
    /// Only without isolation, and where bodies come in frames: it may serve call after call.
    reusable: bool,
    unread: Body,
    served: bool,
}

/// Where a call's body stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    None,
    Coming,
}

impl Worker {
    /// The worker that this process became before it was an interpreter, parked since.
    pub(crate) fn adopted(socket: OwnedFd) -> Self {
        Self {
            socket: socket.into(),
            program: None,
            variables: Variables::default(),
            ahead: None,
            heirloom: None,
            reusable: false,
            unread: Body::None,
            served: false,
        }
    }

    /// What to execute, if the worker is not a runtime's own.
    pub(crate) fn program(&self) -> Option<&Program> {
        self.program.as_ref()
    }

    /// What that program takes over, if it is executed ahead of its call.
    pub(crate) fn ahead(&self) -> Option<Takes> {
        self.ahead
    }

    /// How a program is told of its request.
    #[must_use]
    pub fn variables(&self) -> Variables {
        self.variables
    }

    /// A copy of its socket, for the program that it becomes.
    ///
    /// # Errors
    /// When there is no descriptor to be had.
    pub(crate) fn socket(&self) -> io::Result<OwnedFd> {
        self.socket.as_fd().try_clone_to_owned()
    }

    /// What the host has given it for that program.
    pub(crate) fn heirloom(&mut self) -> Option<OwnedFd> {
        self.heirloom.take()
    }

    /// Says that the function is loaded.
    ///
    /// # Errors
    /// `EPIPE` when the host has given it up.
    pub(crate) fn loaded(&mut self) -> io::Result<()> {
        self.send(&[(Kind::Loaded, b"")])
    }

    /// Waits for the next call; `None` when there will be none.
    ///
    /// # Errors
    /// When the host breaks the protocol.
    pub fn next_call(&mut self) -> io::Result<Option<CallHead>> {
        if self.served && !self.reusable {
            return Ok(None);
        }
        let Some((Kind::Call, payload)) = self.read_frame()? else {
            return Ok(None);
        };
        self.served = true;
        self.unread = Body::Coming;
        decode(&payload).map(Some).map_err(io::Error::other)
    }

    /// Waits until the host has seen that this process is restricted: a program that is executed ahead
    /// of its call may end at once, and nothing could be seen then.
    fn await_word(&mut self) -> io::Result<()> {
        match self.read_frame()? {
            Some((Kind::End, _)) => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Reads what is left of the call's body.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when the host ends the call.
    pub(crate) fn read_body(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        while self.unread == Body::Coming {
            match self.read_frame()? {
                Some((Kind::Body, chunk)) => body.extend_from_slice(&chunk),
                Some((Kind::End, _)) => self.unread = Body::None,
                _ => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        Ok(body)
    }

    /// Begins the reply; with a whole `body` it also ends it, in one write.
    ///
    /// # Errors
    /// `EPIPE` when the host has ended the call.
    pub(crate) fn reply(&mut self, head: &ReplyHead, body: Option<&[u8]>) -> io::Result<()> {
        let head = encode(head).map_err(io::Error::other)?;
        match body {
            None => self.send(&[(Kind::Head, &head)]),
            Some(b"") => self.finish(&[(Kind::Head, &head), (Kind::End, b"")]),
            Some(body) => self.finish(&[(Kind::Head, &head), (Kind::Body, body), (Kind::End, b"")]),
        }
    }

    /// Sends a piece of the reply's body.
    ///
    /// # Errors
    /// `EPIPE` when the host has ended the call.
    pub(crate) fn reply_body(&mut self, chunk: &[u8]) -> io::Result<()> {
        if chunk.is_empty() {
            Ok(())
        } else {
            self.send(&[(Kind::Body, chunk)])
        }
    }

    /// Ends the reply.
    ///
    /// # Errors
    /// `EPIPE` when the host has ended the call.
    pub(crate) fn reply_end(&mut self) -> io::Result<()> {
        self.finish(&[(Kind::End, b"")])
    }

    /// Says that the function has failed. A worker whose output is a pipe ends with an exit code that is
    /// not 0 as well.
    ///
    /// # Errors
    /// `EPIPE` when the host has ended the call.
    pub fn reply_failed(&mut self, kind: FailureKind, message: &str) -> io::Result<()> {
        let message: String = message.chars().take(1000).collect();
        let failure = encode(&Failure { kind, message }).map_err(io::Error::other)?;
        self.finish(&[(Kind::Failed, &failure)])
    }

    /// A body that nobody has read must not be taken for the next call.
    fn finish(&mut self, frames: &[(Kind, &[u8])]) -> io::Result<()> {
        if self.reusable {
            drop(self.read_body()?);
        }
        self.send(frames)
    }

    fn send(&mut self, frames: &[(Kind, &[u8])]) -> io::Result<()> {
        write_frames(&mut self.socket, frames)
    }

    fn read_frame(&mut self) -> io::Result<Option<(Kind, Vec<u8>)>> {
        let mut header = [0; HEADER_LEN];
        match self.socket.read_exact(&mut header) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let header = Header::decode(header).map_err(io::Error::other)?;
        let mut payload = vec![0; header.len];
        self.socket.read_exact(&mut payload)?;
        Ok(Some((header.kind, payload)))
    }
}
