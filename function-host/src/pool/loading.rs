//! `start: spawn`: a worker that is restricted and parked, and loads the function for itself.

use leasehold_sandbox::sys::wait::Exit;
use leasehold_zygote::wire::Kind;
use tokio::net::unix::ReadHalf;

use super::Outcome;
use super::door::Door;
use super::frames;
use super::keeper::{Fate, Keeper};
use super::launcher::LOAD_TIME;
use super::log::drain;
use super::start::Loaded;
use super::watcher::Watch;
use super::worker::Streams;
use crate::function::Function;

/// Why a worker has not loaded the function.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    /// It says so, or has ended.
    #[error("the function cannot be loaded: {0}")]
    Failed(String),
    /// It took too long.
    #[error("the function took more than {} s to load", LOAD_TIME.as_secs())]
    Slow,
}

impl From<Outcome> for LoadError {
    fn from(outcome: Outcome) -> Self {
        Self::Failed(match outcome {
            Outcome::Failed(message) => message,
            outcome => outcome.to_string(),
        })
    }
}

/// Waits until a worker has loaded the function. It was restricted before, and its limits hold.
///
/// # Errors
/// Why it has not. The worker is then still to be buried.
pub(super) async fn wait(
    loaded: Loaded,
    function: &Function,
    streams: &mut Streams,
    keeper: &mut Keeper,
    watch: Option<Watch>,
) -> Result<(), LoadError> {
    if loaded == Loaded::Parked {
        return Ok(());
    }
    let (mut socket, _) = streams.socket.split();
    let loading = until(loaded, &mut socket, streams.door.as_mut(), keeper);
    let over = async {
        match watch {
            Some(watch) => watch.until_over(&function.limits).await,
            None => std::future::pending().await,
        }
    };
    // What it prints must not stop it.
    let log = drain(&mut streams.stderr, &mut streams.lines, &function.name, "-");
    let slow = tokio::time::sleep(LOAD_TIME);
    tokio::pin!(loading, over, log, slow);
    let mut logging = true;
    loop {
        tokio::select! {
            biased;
            loaded = &mut loading => return loaded,
            _ended = &mut log, if logging => logging = false,
            limit = &mut over => return Err(Outcome::OverLimit(limit).into()),
            () = &mut slow => return Err(LoadError::Slow),
        }
    }
}

async fn until(
    loaded: Loaded,
    socket: &mut ReadHalf<'_>,
    door: Option<&mut Door>,
    keeper: &mut Keeper,
) -> Result<(), LoadError> {
    match (frames::first(socket).await, loaded) {
        (None, Loaded::Accepts) => accepts(door, keeper).await,
        (None, Loaded::Executed) | (Some((Kind::Loaded, _)), Loaded::Said) => Ok(()),
        (Some((Kind::Failed, payload)), _) => Err(frames::failed(&payload).into()),
        (Some(_), _) => Err(frames::protocol("a frame out of order").into()),
        (None, _) => Err(ended(keeper).await),
    }
}

/// Waits until a server accepts connections.
async fn accepts(door: Option<&mut Door>, keeper: &mut Keeper) -> Result<(), LoadError> {
    let Some(door) = door else { return Ok(()) };
    tokio::select! {
        biased;
        accepts = door.until_accepts() => {
            accepts.map_err(|error| LoadError::Failed(format!("no connection to it: {error}")))
        }
        error = ended(keeper) => Err(error),
    }
}

/// It has ended, well or not, before it had loaded the function.
async fn ended(keeper: &mut Keeper) -> LoadError {
    let outcome = match keeper.exited().await {
        Fate::Exited(Exit {
            code: Some(code), ..
        }) => Outcome::Failed(format!("exit status {code}")),
        Fate::Exited(exit) => Outcome::of_exit(&exit),
        Fate::Unknown => Outcome::Crashed("ended with its zygote".to_owned()),
    };
    outcome.into()
}
