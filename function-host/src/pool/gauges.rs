//! What a pool shows of itself when somebody scrapes.

use std::sync::{Arc, Weak};

use super::{Pool, Readiness};
use crate::telemetry::{FunctionMetrics, Live};

/// Has `pool` asked at each scrape, as long as it lives.
pub(super) fn watch(pool: &Arc<Pool>) {
    let weak: Weak<Pool> = Arc::downgrade(pool);
    pool.metrics.watch(weak);
}

impl Pool {
    /// The function's metrics.
    #[must_use]
    pub fn metrics(&self) -> &Arc<FunctionMetrics> {
        &self.metrics
    }
}

impl Live for Pool {
    fn parked(&self) -> usize {
        self.stock.parked()
    }

    fn ready(&self) -> bool {
        *self.readiness.borrow() == Readiness::Ready
    }

    fn open_channels(&self) -> Vec<&'static str> {
        self.open_channels()
    }
}
