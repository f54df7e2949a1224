//! The end of a version: no new calls, those in flight to their end, then everything goes.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::{Desk, Service, ServiceState, Services};
use crate::pool::Pool;

/// The longest that a closing host waits for burials, when the calls themselves have ended.
const LAST_BURIALS: Duration = Duration::from_secs(2);

/// A call's claim on the version that it was routed to: a retired pool is closed after the last.
#[derive(Debug)]
pub struct Lease {
    pool: Arc<Pool>,
    _service: Arc<Service>,
}

impl Deref for Lease {
    type Target = Arc<Pool>;

    fn deref(&self) -> &Arc<Pool> {
        &self.pool
    }
}

impl Service {
    /// A claim on its pool.
    ///
    /// # Errors
    /// Why it has none.
    pub fn lease(self: &Arc<Self>) -> Result<Lease, &str> {
        match &self.state {
            ServiceState::Refused(why) => Err(why),
            ServiceState::Pool(pool) => Ok(Lease {
                pool: Arc::clone(pool),
                _service: Arc::clone(self),
            }),
        }
    }
}

impl Services {
    /// Closes the pool of `service`, which the table has no more, once nobody holds on to it.
    pub(super) fn retire(&self, desk: &mut Desk, service: &Arc<Service>) {
        while desk.tasks.try_join_next().is_some() {}
        let ServiceState::Pool(pool) = &service.state else {
            return;
        };
        let (unleased, last) = oneshot::channel();
        // A version is retired once.
        if service.unleased.set(unleased).is_err() {
            return;
        }
        let pool = Arc::clone(pool);
        let closing = self.closing.subscribe();
        desk.tasks.spawn(async move {
            tokio::select! {
                // The sender says nothing: it is dropped.
                _ = last => {}
                () = patience(closing) => {}
            }
            end(&pool).await;
            tracing::info!(function = pool.function().name, "a version was retired");
        });
    }
}

/// Ends a pool, and whatever it has on this machine.
pub(super) async fn end(pool: &Pool) {
    pool.close().await;
    pool.remove_scratches().await;
}

async fn patience(mut closing: watch::Receiver<bool>) {
    // The sender is gone only if the services are, and then nobody waits.
    drop(closing.wait_for(|closing| *closing).await);
    tokio::time::sleep(LAST_BURIALS).await;
}
