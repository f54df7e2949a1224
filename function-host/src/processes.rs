//! Starting and reaping processes.
//!
//! Zygotes are started from one immortal thread, since PR_SET_PDEATHSIG fires when the thread that
//! started a process ends. The host is a subreaper: whatever loses its parent becomes its child, and is
//! killed here unless it is known.

use std::collections::HashMap;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use leasehold_sandbox::sys::pidfd::PidFd;
use leasehold_sandbox::sys::usage::children;
use leasehold_sandbox::sys::wait::{self, Exit, Reaped};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::function::{PROBE_OUTPUT, PROBE_TIME};

/// The children of this host.
#[derive(Debug)]
pub struct Processes {
    known: Mutex<HashMap<u32, Known>>,
    spawner: mpsc::Sender<Job>,
}

#[derive(Debug)]
enum Known {
    /// Started by us; its end is awaited.
    Started(oneshot::Sender<Exit>),
    /// An undertaker whose zygote may have died before it: it ends by itself.
    Undertaker,
}

type Job = Box<dyn FnOnce() + Send>;

/// A process that was started, and its end to come.
#[derive(Debug)]
pub struct Started {
    /// Its number, not reused before `exit` has come.
    pub pid: u32,
    /// A handle on it, opened before it could be reaped.
    pub handle: PidFd,
    /// Resolves once it is reaped.
    pub exit: oneshot::Receiver<Exit>,
}

/// The longest that processes which nobody knows may take to die.
const STRAY_TIME: Duration = Duration::from_secs(10);

impl Processes {
    /// Starts the spawning thread and the reaping task. Must be called on a runtime.
    ///
    /// # Errors
    /// When there is no thread or no signal handler to be had.
    pub fn start() -> io::Result<Arc<Self>> {
        let (spawner, jobs) = mpsc::channel::<Job>();
        std::thread::Builder::new()
            .name("spawner".into())
            .spawn(move || {
                for job in jobs {
                    job();
                }
            })?;
        let processes = Arc::new(Self {
            known: Mutex::new(HashMap::new()),
            spawner,
        });
        let mut ended = signal(SignalKind::child())?;
        let weak = Arc::downgrade(&processes);
        tokio::spawn(async move {
            while ended.recv().await.is_some() {
                let Some(processes) = weak.upgrade() else {
                    return;
                };
                if processes.reap() {
                    processes.kill_strays().await;
                }
            }
        });
        Ok(processes)
    }

    /// Starts the host's own binary as a launcher, with `control` as its standard input and `log` as
    /// its standard output and error.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn spawn_launcher(
        self: &Arc<Self>,
        control: OwnedFd,
        log: OwnedFd,
    ) -> io::Result<Started> {
        // The child's own link still leads to this very binary, even if its file was replaced.
        let mut command = Command::new("/proc/self/exe");
        command.arg(leasehold_zygote::launch::ARGUMENT).env_clear();
        command.stdin(control).stdout(log.try_clone()?).stderr(log);
        self.on_spawner(move |processes| processes.spawn(command).map(|(started, _)| started))
            .await
    }

    /// Runs a program to its end and returns what it printed. Blocks the calling thread.
    ///
    /// # Errors
    /// When it cannot be started, takes or prints too much, or fails.
    pub fn output(self: &Arc<Self>, mut command: Command) -> io::Result<Vec<u8>> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let (send, receive) = mpsc::channel();
        let processes = Arc::clone(self);
        self.submit(Box::new(move || drop(send.send(processes.spawn(command)))))?;
        let (started, stdout) = receive.recv().map_err(io::Error::other)??;
        let (send, receive) = mpsc::channel();
        std::thread::Builder::new()
            .name("probe".into())
            .spawn(move || {
                let mut printed = Vec::new();
                let read = stdout.map(|mut out| {
                    out.by_ref()
                        .take(PROBE_OUTPUT as u64 + 1)
                        .read_to_end(&mut printed)
                });
                drop(send.send(read.transpose().map(|_| printed)));
            })?;
        let printed = receive.recv_timeout(PROBE_TIME);
        started.handle.kill()?;
        let printed = printed.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        if printed.len() > PROBE_OUTPUT {
            return Err(io::Error::other("it printed too much"));
        }
        Ok(printed)
    }

    /// Remembers an undertaker, which nobody else needs to know once its zygote is dead.
    pub fn know_undertaker(&self, pid: u32) {
        self.lock().entry(pid).or_insert(Known::Undertaker);
    }

    /// Forgets an undertaker that has buried its call.
    pub fn forget_undertaker(&self, pid: u32) {
        let mut known = self.lock();
        if matches!(known.get(&pid), Some(Known::Undertaker)) {
            known.remove(&pid);
        }
    }

    /// Kills every child that nobody knows, and the children that become ours by that, and waits
    /// until none is left.
    ///
    /// They are what a dead zygote or undertaker has left, or what a function's import has started.
    pub async fn kill_strays(&self) {
        // Each round kills one generation; a bound, since a process may fork faster than we look, and
        // may be in a state in which it does not die.
        let end = Instant::now() + STRAY_TIME;
        loop {
            let strays = self.strays();
            if strays.is_empty() {
                return;
            }
            if Instant::now() >= end {
                tracing::error!(?strays, "processes that nobody knows could not be killed");
                return;
            }
            for pid in strays {
                if let Ok(stray) = PidFd::open(pid) {
                    // Another user's process cannot be ours.
                    let _not_ours = stray.kill();
                }
            }
            // Its children become ours when it has been given the time to die.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn strays(&self) -> Vec<u32> {
        self.reap();
        let known = self.lock();
        let mut children = children(std::process::id());
        children.retain(|pid| !known.contains_key(pid));
        children
    }

    /// Whether one has ended whose starter has given it up: nobody else will look for its strays.
    fn reap(&self) -> bool {
        let mut given_up = false;
        let mut known = self.lock();
        while let Ok(Reaped::Child(pid, exit)) = wait::reap(false) {
            if let Some(Known::Started(ended)) = known.remove(&pid) {
                given_up |= ended.send(exit).is_err();
            }
        }
        given_up
    }

    fn spawn(
        &self,
        mut command: Command,
    ) -> io::Result<(Started, Option<std::process::ChildStdout>)> {
        // Held across the start: a child that ends at once is reaped only after it is known.
        let mut known = self.lock();
        let mut child = command.spawn()?;
        // While it cannot be reaped, its number is its own.
        let handle = PidFd::open(child.id()).inspect_err(|_| drop(child.kill()))?;
        let (send, exit) = oneshot::channel();
        known.insert(child.id(), Known::Started(send));
        Ok((
            Started {
                pid: child.id(),
                handle,
                exit,
            },
            child.stdout.take(),
        ))
    }

    async fn on_spawner<T: Send + 'static>(
        self: &Arc<Self>,
        act: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let (send, receive) = oneshot::channel();
        let processes = Arc::clone(self);
        self.submit(Box::new(move || drop(send.send(act(&processes)))))?;
        receive.await.map_err(io::Error::other)?
    }

    fn submit(&self, job: Job) -> io::Result<()> {
        self.spawner
            .send(job)
            .map_err(|_| io::Error::other("the spawning thread is gone"))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
