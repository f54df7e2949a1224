//! Compiled modules, kept for all functions: on disk, where nobody else could write to them.
//!
//! Knows neither functions nor processes; what is compiled is a pool's affair.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use leasehold_wasm::{Cache, EngineId, Name};
use tokio::sync::{OnceCell, Semaphore};

/// The most bytes of artefacts on disk, which may be a memory's.
const ROOM: u64 = 256 << 20;

/// Compiled modules, and what making them needs to share.
#[derive(Debug)]
pub struct Artefacts {
    /// Where they are kept, if anywhere.
    directory: Option<PathBuf>,
    /// Opened at the first module; none where that is not possible.
    cache: OnceCell<Option<Arc<Cache>>>,
    /// What artefacts have to fit, once it was asked.
    pub engine: OnceCell<EngineId>,
    /// One permit for each module that is compiled at a time.
    pub compilers: Semaphore,
}

impl Artefacts {
    /// Keeps them in `directory`, if there is one and it can be used.
    #[must_use]
    pub fn new(directory: Option<PathBuf>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, Into::into);
        Self {
            directory,
            cache: OnceCell::new(),
            engine: OnceCell::new(),
            compilers: Semaphore::new(processors),
        }
    }

    /// The artefact of this name, if there is one that was kept by us.
    pub async fn load(&self, name: Name) -> Option<Vec<u8>> {
        let cache = self.cache().await?;
        blocking(move || Ok(cache.load(name))).await.ok()?
    }

    async fn cache(&self) -> Option<Arc<Cache>> {
        let open = async {
            let directory = self.directory.clone()?;
            let cache = blocking(move || Cache::open(directory, ROOM)).await;
            cache
                .inspect_err(|error| tracing::warn!(%error, "compiled modules are not kept"))
                .ok()
                .map(Arc::new)
        };
        self.cache.get_or_init(|| open).await.clone()
    }

    /// Keeps an artefact, if that is possible.
    pub async fn store(&self, name: Name, artefact: Vec<u8>) {
        let Some(cache) = self.cache().await else {
            return;
        };
        if let Err(error) = blocking(move || cache.store(name, &artefact)).await {
            tracing::warn!(%error, "a compiled module is not kept");
        }
    }
}

/// Does what blocks beside the event loop.
///
/// # Errors
/// Those of `act`.
pub async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(act)
        .await
        .map_err(io::Error::other)?
}
