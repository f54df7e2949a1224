//! The beginning and the end of a version: when a pool can take over, and what it leaves.

use leasehold_sandbox::scratch::remove_tree;

use super::{Pool, Readiness};

impl Pool {
    /// Waits until the first worker is parked.
    ///
    /// # Errors
    /// Why there is none yet. The pool tries again by itself.
    pub async fn warm(&self) -> Result<(), String> {
        let mut readiness = self.readiness.subscribe();
        loop {
            match &*readiness.borrow_and_update() {
                Readiness::Failed(why) => return Err(why.clone()),
                Readiness::Closed => return Err("it is closed".to_owned()),
                Readiness::Starting | Readiness::Ready => {}
            }
            tokio::select! {
                true = self.stock.stocked() => return Ok(()),
                changed = readiness.changed() => if changed.is_err() {
                    return Err("it is closed".to_owned());
                },
            }
        }
    }

    /// Resolves once the pool is closed.
    pub(super) async fn closed(&self) {
        let mut readiness = self.readiness.subscribe();
        // The sender is ours: it cannot be gone.
        let _closed = readiness
            .wait_for(|state| *state == Readiness::Closed)
            .await;
    }

    /// Ends every worker that is parked.
    pub(super) async fn discard_parked(&self) {
        for worker in self.stock.sweep(true) {
            worker.discard().await;
        }
    }

    /// Removes the directory of scratches of a pool that is closed.
    pub async fn remove_scratches(&self) {
        let path = self.line.scratches.path().to_owned();
        let removed =
            tokio::task::spawn_blocking(move || remove_tree(&path).map_err(|error| (path, error)));
        if let Ok(Err((path, error))) = removed.await {
            let path = path.display();
            tracing::error!(%path, %error, "a directory of scratches could not be removed");
        }
    }
}
