//! [`Watch`]: resolves when files have changed and are quiet again.
//!
//! inotify through `nix`, which we have anyway: what is needed of it is three calls and a thread that
//! reads, since which file has changed does not matter. Any event has everything looked at anew, a lost
//! one (`IN_Q_OVERFLOW`) as well as any other, and what is unchanged is then left alone.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Sources;

/// Nothing more may have happened for this long: a folder is copied file by file.
const QUIET: Duration = Duration::from_millis(200);
/// But changes that never cease are looked at after this long.
const LONGEST: Duration = Duration::from_secs(2);
/// How often everything is looked at where the kernel does not tell.
const POLL: Duration = Duration::from_secs(5);
/// The most directories that are watched; fs.inotify.max_user_watches may allow fewer.
const MAX_DIRECTORIES: usize = 65_536;

/// What may make another version.
const CHANGES: AddWatchFlags = AddWatchFlags::IN_CREATE
    .union(AddWatchFlags::IN_DELETE)
    .union(AddWatchFlags::IN_MOVE)
    .union(AddWatchFlags::IN_MODIFY)
    .union(AddWatchFlags::IN_CLOSE_WRITE)
    .union(AddWatchFlags::IN_ATTRIB)
    .union(AddWatchFlags::IN_DELETE_SELF)
    .union(AddWatchFlags::IN_MOVE_SELF);
/// What may make a name lead elsewhere.
const NAMES: AddWatchFlags = AddWatchFlags::IN_CREATE
    .union(AddWatchFlags::IN_DELETE)
    .union(AddWatchFlags::IN_MOVE);

/// Notices changes of functions and profiles.
#[derive(Debug)]
pub struct Watch {
    events: Option<Events>,
    watched: HashMap<WatchDescriptor, Names>,
    /// Whether something is not watched: then everything is looked at every now and then.
    polling: bool,
    /// Whether something may have changed before it was watched.
    unsure: bool,
}

/// The names in a directory that matter; none means all.
type Names = Option<BTreeSet<OsString>>;

#[derive(Debug)]
struct Events {
    inotify: Arc<Inotify>,
    read: mpsc::Receiver<Vec<InotifyEvent>>,
}

impl Events {
    /// Starts the thread that reads. It ends with the first event that nobody wants any more.
    fn start() -> io::Result<Self> {
        let inotify = Arc::new(Inotify::init(InitFlags::IN_CLOEXEC)?);
        let (send, read) = mpsc::channel(1);
        let reader = Arc::clone(&inotify);
        let thread = std::thread::Builder::new().name("watch".into());
        // What is not taken in time is held by the kernel, which says so if it cannot.
        thread.spawn(move || {
            loop {
                match reader.read_events() {
                    Ok(events) => {
                        if send.blocking_send(events).is_err() {
                            return;
                        }
                    }
                    Err(Errno::EINTR) => {}
                    Err(error) => {
                        tracing::error!(%error, "cannot read changes");
                        return;
                    }
                }
            }
        })?;
        Ok(Self { inotify, read })
    }
}

impl Watch {
    /// Watches nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let mut watch = Self {
            events: None,
            watched: HashMap::new(),
            polling: false,
            unsure: false,
        };
        match Events::start() {
            Ok(events) => watch.events = Some(events),
            Err(error) => watch.poll_instead(&error),
        }
        watch
    }

    /// Watches these folders and where functions and profiles come and go, and nothing else any more.
    pub fn follow(&mut self, sources: &Sources, folders: Vec<PathBuf>) {
        let Some(inotify) = self.events.as_ref().map(|it| Arc::clone(&it.inotify)) else {
            return;
        };
        let mut watched: HashMap<_, Names> = HashMap::new();
        let mut failed = None;
        for (directory, names) in wanted(sources, folders).into_iter().take(MAX_DIRECTORIES) {
            let mask = if names.is_some() { NAMES } else { CHANGES };
            // Two paths may lead to one directory.
            let mask = mask
                | AddWatchFlags::IN_ONLYDIR
                | AddWatchFlags::from_bits_retain(libc::IN_MASK_ADD);
            match inotify.add_watch(&directory, mask) {
                Ok(descriptor) => match (watched.entry(descriptor), names) {
                    (Entry::Vacant(entry), names) => drop(entry.insert(names)),
                    (Entry::Occupied(mut entry), Some(more)) => {
                        if let Some(known) = entry.get_mut() {
                            known.extend(more);
                        }
                    }
                    (Entry::Occupied(mut entry), None) => *entry.get_mut() = None,
                },
                // What is not there, or not for us, is seen to come by its parent.
                Err(Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES) => {}
                Err(error) => failed = Some(error),
            }
        }
        for descriptor in self.watched.keys() {
            if !watched.contains_key(descriptor) {
                // It may be gone already.
                let _gone = inotify.rm_watch(*descriptor);
            }
        }
        self.unsure |= watched.keys().any(|it| !self.watched.contains_key(it));
        self.watched = watched;
        match failed {
            Some(error) => self.poll_instead(&error.into()),
            None => self.polling = false,
        }
    }

    /// Resolves when something has changed, and nothing has for a while. Safe to cancel: what was
    /// seen is then forgotten, so that everything has to be looked at.
    pub async fn changed(&mut self) {
        let poll = Instant::now() + POLL;
        while !std::mem::take(&mut self.unsure) {
            tokio::select! {
                changed = self.event() => if changed { break },
                () = sleep_until(poll), if self.polling => return,
            }
        }
        let end = Instant::now() + LONGEST;
        let mut quiet = Instant::now() + QUIET;
        while let Ok(changed) = timeout_at(quiet.min(end), self.event()).await {
            if changed {
                quiet = Instant::now() + QUIET;
            }
        }
    }

    /// Waits for events; whether any of them matters.
    async fn event(&mut self) -> bool {
        let Some(events) = &mut self.events else {
            return std::future::pending().await;
        };
        match events.read.recv().await {
            Some(read) => read.iter().any(|event| self.matters(event)),
            None => {
                self.events = None;
                self.poll_instead(&io::ErrorKind::BrokenPipe.into());
                true
            }
        }
    }

    fn matters(&self, event: &InotifyEvent) -> bool {
        if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            tracing::warn!("changes were missed; looking at everything");
            return true;
        }
        if event.mask.contains(AddWatchFlags::IN_IGNORED) {
            return false;
        }
        match (self.watched.get(&event.wd), &event.name) {
            (Some(None), _) => true,
            (Some(Some(names)), Some(name)) => names.contains(name),
            // Removed from our list, with events still under way.
            (Some(Some(_)), None) | (None, _) => false,
        }
    }

    fn poll_instead(&mut self, error: &io::Error) {
        if !self.polling {
            tracing::warn!(
                %error,
                "cannot watch everything; looking every {} s instead. fs.inotify.max_user_watches \
                 and max_user_instances may be too low",
                POLL.as_secs()
            );
        }
        self.polling = true;
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}

/// The directories to be watched, and for what.
fn wanted(sources: &Sources, folders: Vec<PathBuf>) -> BTreeMap<PathBuf, Names> {
    let mut wanted: BTreeMap<PathBuf, Names> = BTreeMap::new();
    for place in places(sources) {
        // The place itself may be a link that is replaced, or not be there yet.
        let absolute = std::path::absolute(place).unwrap_or_else(|_| place.clone());
        if let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) {
            let names = wanted
                .entry(parent.to_owned())
                .or_insert(Some(BTreeSet::new()));
            if let Some(names) = names {
                names.insert(name.to_owned());
            }
        }
    }
    let places =
        places(sources).map(|place| Path::canonicalize(place).unwrap_or_else(|_| place.clone()));
    wanted.extend(places.chain(folders).map(|place| (place, None)));
    wanted
}

/// The directories in which functions, profiles and secrets come and go.
fn places(sources: &Sources) -> impl Iterator<Item = &PathBuf> {
    let Sources {
        functions,
        profiles,
        secrets,
        ..
    } = sources;
    functions.iter().chain(profiles).chain([secrets])
}
