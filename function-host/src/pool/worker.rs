//! One worker, one call: `ParkedWorker → RunningWorker → Outcome`. Each step consumes the one before
//! it: there is no reset.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use leasehold_sandbox::scratch::Scratch;
use leasehold_sandbox::sys::pidfd::PidFd;
use leasehold_sandbox::sys::wait::Exit;
use leasehold_zygote::wire::{CallHead, Kind, encode, write_frames};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::door::Door;
use super::exchange::Exchange;
use super::keeper::Keeper;
use super::log::{LAST_WORDS, Lines, drain};
use super::watcher::Watch;
use super::{Outcome, conversation};
use crate::function::{Function, Isolation, Start};
use crate::host::Host;
use crate::outcome::Traffic;
use crate::shares::Slot;

/// A worker that is restricted and waits for its one call.
#[derive(Debug)]
#[must_use = "a worker that is dropped is not buried"]
pub struct ParkedWorker {
    pub(super) host: Arc<Host>,
    pub(super) function: Arc<Function>,
    pub(super) streams: Streams,
    pub(super) keeper: Keeper,
    pub(super) pidfd: PidFd,
    /// What is watched while it runs; nothing without isolation.
    pub(super) watch: Option<Watch>,
    pub(super) place: Place,
    /// Its share of the host's workers.
    pub(super) slot: Slot,
    /// Its call's place among those of the function that run, once it has a call.
    pub(super) call: Option<OwnedSemaphorePermit>,
}

/// The host's ends of what a worker holds.
#[derive(Debug)]
pub(super) struct Streams {
    pub(super) socket: UnixStream,
    pub(super) stdin: Option<pipe::Sender>,
    pub(super) stdout: Option<pipe::Receiver>,
    pub(super) stderr: pipe::Receiver,
    /// The way to a function that is an HTTP server.
    pub(super) door: Option<Door>,
    pub(super) lines: Lines,
}

/// Where a worker's files are.
#[derive(Debug)]
pub(super) enum Place {
    /// Its own scratch.
    Own(Scratch),
    /// Without isolation: a directory that all calls share.
    Shared(PathBuf),
}

/// A worker that has its call.
#[derive(Debug)]
#[must_use = "a worker that is dropped is not buried"]
pub struct RunningWorker {
    parked: ParkedWorker,
    call: CallHead,
}

/// What is left of a call: processes to kill, a scratch to remove, a slot to give back.
#[derive(Debug)]
#[must_use = "what is left of a call has to be buried"]
pub struct Remains {
    parked: ParkedWorker,
    call: String,
    traffic: Traffic,
    reusable: bool,
}

impl ParkedWorker {
    pub(super) fn with_call(self, call: OwnedSemaphorePermit) -> Self {
        Self {
            call: Some(call),
            ..self
        }
    }

    /// Whether it has ended before its call, killed from outside.
    pub(super) fn is_dead(&self) -> bool {
        self.pidfd.ended()
    }

    /// Whether it can serve no call any more. A program that was executed ahead may have ended with its
    /// answer given: its input is all that it would have heard of a call.
    pub(super) fn is_spent(&self) -> bool {
        let answers = self.streams.stdout.is_some() && !self.function.is_told_of_calls();
        self.is_dead() && !answers
    }

    /// Hands it its call.
    ///
    /// # Errors
    /// When it is gone, with what remains of it.
    pub async fn start(mut self, call: CallHead) -> Result<RunningWorker, (Outcome, Remains)> {
        // A program that was executed ahead of its call hears of it by its standard input only.
        let sent = if self.function.is_told_of_calls() {
            self.send(&call).await
        } else {
            Ok(())
        };
        match sent {
            Ok(()) => Ok(RunningWorker { parked: self, call }),
            Err(error) => {
                let outcome = Outcome::Crashed(format!("the worker was gone: {error}"));
                Err((outcome, Remains::of(self, call.id)))
            }
        }
    }

    async fn send(&mut self, call: &CallHead) -> io::Result<()> {
        let head = encode(call).map_err(io::Error::other)?;
        let mut frame = Vec::with_capacity(head.len() + 8);
        write_frames(&mut frame, &[(Kind::Call, &head)])?;
        self.streams.socket.write_all(&frame).await
    }

    /// Ends it without a call.
    pub async fn discard(self) {
        let _exit = Remains::of(self, String::new()).bury().await;
    }
}

impl RunningWorker {
    /// Carries the call to its end: the reply goes out as it comes, and is complete or visibly broken
    /// off when this returns.
    pub async fn finish(self, exchange: Exchange, deadline: Instant) -> (Outcome, Remains) {
        let Self { mut parked, call } = self;
        let (outcome, traffic) = conversation::hold(
            &parked.function,
            &mut parked.streams,
            &mut parked.keeper,
            parked.watch.clone(),
            exchange,
            deadline,
            &call,
        )
        .await;
        let reusable = outcome == Outcome::Replied
            && parked.function.isolation == Isolation::None
            && parked.function.start == Start::Fork
            && parked.streams.stdout.is_none();
        (
            outcome,
            Remains {
                traffic,
                reusable,
                ..Remains::of(parked, call.id)
            },
        )
    }
}

impl Remains {
    fn of(parked: ParkedWorker, call: String) -> Self {
        Self {
            parked,
            call,
            traffic: Traffic::default(),
            reusable: false,
        }
    }

    /// What has gone to and fro.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Kills and reaps everything that the call has started, removes its scratch, gives the slot
    /// back. Says how the worker ended and what it had used, if anybody could tell.
    pub async fn bury(self) -> Option<Exit> {
        let ParkedWorker {
            host,
            function,
            mut streams,
            mut keeper,
            pidfd,
            watch: _,
            place,
            slot,
            call,
        } = self.parked;
        let linger = Duration::from(function.linger);
        if !linger.is_zero() {
            // At-exit hooks run; whether they come to their end is their own affair.
            let _ended = tokio::time::timeout(linger, keeper.exited()).await;
        }
        let exit = keeper.bury(&pidfd, &host.processes).await;
        let last_words = drain(
            &mut streams.stderr,
            &mut streams.lines,
            &function.name,
            &self.call,
        );
        // Without isolation a descendant may live on and hold the pipe open.
        let _end = tokio::time::timeout(LAST_WORDS, last_words).await;
        place.remove().await;
        drop((slot, call));
        exit
    }

    /// Whether the worker may serve another call: only without isolation.
    pub(super) fn reusable(&self) -> bool {
        self.reusable
    }

    pub(super) fn into_parked(self) -> ParkedWorker {
        ParkedWorker {
            call: None,
            ..self.parked
        }
    }
}
