//! The stock of parked workers: how many there are, and how many there should be.
//!
//! The wanted number follows demand between the function's `min` and `max`: a call that finds no
//! worker parked raises it by half, a while without one lowers it by one.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore};

use super::ParkedWorker;

/// Parked workers, the one that has waited longest first.
#[derive(Debug)]
pub(super) struct Stock {
    inner: Mutex<Inner>,
    /// One permit for each parked worker.
    ready: Semaphore,
    /// Rung when one more worker may be wanted.
    wanting: Notify,
    least: usize,
    most: usize,
}

#[derive(Debug)]
struct Inner {
    parked: VecDeque<ParkedWorker>,
    /// Workers that are being parked.
    coming: usize,
    target: usize,
    /// Whether a call has found nothing since the last look.
    short: bool,
}

impl Stock {
    pub(super) fn new(least: usize, most: usize) -> Self {
        let inner = Inner {
            parked: VecDeque::new(),
            coming: 0,
            target: least,
            short: false,
        };
        Self {
            inner: Mutex::new(inner),
            ready: Semaphore::new(0),
            wanting: Notify::new(),
            least,
            most,
        }
    }

    /// Waits until there are fewer workers than wanted, and counts one more as coming.
    pub(super) async fn wanted(&self) -> Coming<'_> {
        loop {
            // Registered before the look, so that no ring is missed.
            let wanting = self.wanting.notified();
            {
                let mut inner = self.lock();
                if inner.parked.len() + inner.coming < inner.target {
                    inner.coming += 1;
                    return Coming { stock: self };
                }
            }
            wanting.await;
        }
    }

    /// A parked worker, if there is one at once.
    pub(super) fn try_take(&self) -> Option<ParkedWorker> {
        match self.ready.try_acquire() {
            Ok(ready) => {
                ready.forget();
                self.pop()
            }
            Err(_) => {
                let mut inner = self.lock();
                inner.short = true;
                inner.target = (inner.target + inner.target.div_ceil(2)).min(self.most);
                drop(inner);
                self.wanting.notify_one();
                None
            }
        }
    }

    /// Waits for a parked worker. `None` if it was gone, or if the stock is closed.
    pub(super) async fn take(&self) -> Option<ParkedWorker> {
        self.ready.acquire().await.ok()?.forget();
        self.pop()
    }

    /// Waits until a worker is parked, and leaves it there. False if the stock is closed.
    pub(super) async fn stocked(&self) -> bool {
        // A permit that is dropped is given back.
        self.ready.acquire().await.is_ok()
    }

    /// Adds one.
    pub(super) fn push(&self, worker: ParkedWorker) {
        self.lock().parked.push_back(worker);
        self.ready.add_permits(1);
    }

    /// Takes back a worker that may serve again, to be the next that does. Returns one that is too many.
    pub(super) fn put_back(&self, worker: ParkedWorker) -> Option<ParkedWorker> {
        let mut inner = self.lock();
        inner.parked.push_front(worker);
        if inner.parked.len() > self.most {
            return inner.parked.pop_back();
        }
        drop(inner);
        self.ready.add_permits(1);
        None
    }

    /// Lowers the wanted number by one if no call has found the stock empty since the last time.
    /// Returns a worker that is one too many.
    pub(super) fn relax(&self) -> Option<ParkedWorker> {
        let mut inner = self.lock();
        if !std::mem::take(&mut inner.short) {
            inner.target = inner.target.saturating_sub(1).max(self.least);
        }
        let too_many = inner.parked.len() > inner.target;
        drop(inner);
        if too_many { self.withdraw() } else { None }
    }

    /// Takes a worker out for good, for the sake of others.
    pub(super) fn withdraw(&self) -> Option<ParkedWorker> {
        self.ready.try_acquire().ok()?.forget();
        self.lock().parked.pop_front()
    }

    /// Takes out the workers that have ended, or all of them.
    pub(super) fn sweep(&self, all: bool) -> Vec<ParkedWorker> {
        let mut inner = self.lock();
        let mut swept = Vec::new();
        for _ in 0..inner.parked.len() {
            let Some(worker) = inner.parked.pop_front() else {
                break;
            };
            if all || worker.is_spent() {
                // The permit may be with a call already, which then finds nothing and asks again.
                if let Ok(ready) = self.ready.try_acquire() {
                    ready.forget();
                }
                swept.push(worker);
            } else {
                inner.parked.push_back(worker);
            }
        }
        drop(inner);
        self.wanting.notify_one();
        swept
    }

    /// Whether more are parked than there are to be at least.
    pub(super) fn has_spare(&self) -> bool {
        self.parked() > self.least
    }

    /// How many are parked.
    pub(super) fn parked(&self) -> usize {
        self.lock().parked.len()
    }

    /// Wakes whoever waits for a worker: there will be none.
    pub(super) fn close(&self) {
        self.ready.close();
    }

    /// The worker that a permit is for. One that was killed from outside is buried instead.
    fn pop(&self) -> Option<ParkedWorker> {
        let worker = self.lock().parked.pop_front()?;
        self.wanting.notify_one();
        if worker.is_spent() {
            tokio::spawn(worker.discard());
            return None;
        }
        Some(worker)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A worker that is being parked; dropping it gives the place up.
#[derive(Debug)]
pub(super) struct Coming<'a> {
    stock: &'a Stock,
}

impl Coming<'_> {
    /// For whoever has no stock to borrow from: the place is settled by [`Stock::arrived`].
    pub(super) fn leave(self) {
        std::mem::forget(self);
    }
}

impl Stock {
    /// Settles a place that was left: a worker has come, or none has.
    pub(super) fn arrived(&self, worker: Option<ParkedWorker>) {
        self.lock().coming -= 1;
        match worker {
            Some(worker) => self.push(worker),
            None => self.wanting.notify_one(),
        }
    }
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        self.stock.lock().coming -= 1;
        self.stock.wanting.notify_one();
    }
}
