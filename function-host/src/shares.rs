//! The workers that there may be on this host, and which function gets the next.
//!
//! Shares are max-min fair: a free worker goes to whoever waits and has the fewest, and only to one that
//! is poorer does an idle function give a parked worker back. So a function whose calls use up everything
//! takes nothing from one that needs little: what that frees, it gets again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};

/// The workers of a host.
#[derive(Debug)]
pub struct Workers {
    table: Mutex<Table>,
    /// How many workers the poorest has of those that wait in vain.
    pressure: watch::Sender<usize>,
}

#[derive(Debug)]
struct Table {
    free: usize,
    /// In the order in which they came.
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    share: Share,
    slot: oneshot::Sender<Slot>,
}

/// What one pool has of a host's workers.
#[derive(Debug, Clone)]
pub struct Share {
    workers: Arc<Workers>,
    /// Changed under the table's lock only.
    held: Arc<AtomicUsize>,
}

/// Room for one worker, given back when it is dropped.
#[derive(Debug)]
#[must_use = "a slot that is dropped is given back"]
pub struct Slot(Share);

impl Workers {
    /// As many as `most`, of all functions together.
    #[must_use]
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            table: Mutex::new(Table {
                free: most,
                waiting: Vec::new(),
            }),
            pressure: watch::Sender::new(0),
        })
    }

    /// Changes whenever functions press for workers; the value is what the poorest of them has.
    #[must_use]
    pub fn pressure(&self) -> watch::Receiver<usize> {
        self.pressure.subscribe()
    }

    /// Asks functions that are idle for parked workers, if somebody waits in vain for one.
    pub fn press(&self) {
        let poorest = {
            let mut table = self.table();
            let poorest = table.poorest();
            poorest.map(|at| table.waiting[at].share.held())
        };
        if let Some(poorest) = poorest {
            self.pressure.send_replace(poorest);
        }
    }

    /// Gives what is free to those that wait.
    fn settle(&self) {
        loop {
            let granted = self.table().grant();
            let Some(Waiting { share, slot }) = granted else {
                return;
            };
            // Without the lock: a slot that nobody takes any more is given back at once.
            drop(slot.send(Slot(share)));
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Takes out whoever gets the next worker, which is theirs from now on.
    fn grant(&mut self) -> Option<Waiting> {
        if self.free == 0 {
            return None;
        }
        let at = self.poorest()?;
        let next = self.waiting.remove(at);
        self.free -= 1;
        next.share.held.fetch_add(1, Ordering::Relaxed);
        Some(next)
    }

    /// The place of the one that has the fewest; of equals, of the one that came first.
    fn poorest(&mut self) -> Option<usize> {
        self.waiting.retain(|waiting| !waiting.slot.is_closed());
        (0..self.waiting.len()).min_by_key(|at| self.waiting[*at].share.held())
    }
}

impl Share {
    /// A new share, of nothing yet.
    #[must_use]
    pub fn of(workers: &Arc<Workers>) -> Self {
        Self {
            workers: Arc::clone(workers),
            held: Arc::default(),
        }
    }

    /// How many slots it has.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Waits for room for one more worker. Safe to cancel.
    pub async fn slot(&self) -> Slot {
        loop {
            let (slot, granted) = oneshot::channel();
            let share = self.clone();
            self.workers.table().waiting.push(Waiting { share, slot });
            self.workers.settle();
            // It stays in the table until it is granted, so that there is an answer.
            if let Ok(slot) = granted.await {
                return slot;
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Share { workers, held } = &self.0;
        {
            let mut table = workers.table();
            table.free += 1;
            held.fetch_sub(1, Ordering::Relaxed);
        }
        workers.settle();
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::{JoinHandle, yield_now};

    use super::*;

    /// Waits for a slot in a task of its own, which has its place when this returns.
    async fn queue(share: &Share) -> JoinHandle<Slot> {
        let share = share.clone();
        let waiting = tokio::spawn(async move { share.slot().await });
        yield_now().await;
        waiting
    }

    #[tokio::test]
    async fn the_poorest_is_next_and_of_equals_the_first() {
        let workers = Workers::new(3);
        let [rich, poor, other] = [(); 3].map(|()| Share::of(&workers));
        let (one, two, three) = (rich.slot().await, rich.slot().await, rich.slot().await);
        let greedy = queue(&rich).await;
        let (first, second) = (queue(&poor).await, queue(&other).await);
        drop(one);
        yield_now().await;
        assert!(first.is_finished() && !second.is_finished() && !greedy.is_finished());
        drop(two);
        yield_now().await;
        assert!(second.is_finished() && !greedy.is_finished());
        assert_eq!((rich.held(), poor.held(), other.held()), (1, 1, 1));
        drop(first.await.unwrap());
        let _got = greedy.await.unwrap();
        assert_eq!((rich.held(), poor.held()), (2, 0));
        drop(three);
    }

    #[tokio::test]
    async fn whoever_waits_no_more_gets_nothing() {
        let workers = Workers::new(1);
        let share = Share::of(&workers);
        let slot = share.slot().await;
        let (gone, waiting) = (queue(&share).await, queue(&share).await);
        gone.abort();
        yield_now().await;
        drop(slot);
        let _slot = waiting.await.unwrap();
        assert_eq!(share.held(), 1);
    }

    #[tokio::test]
    async fn pressure_tells_of_the_poorest_while_somebody_waits() {
        let workers = Workers::new(2);
        let (rich, poor) = (Share::of(&workers), Share::of(&workers));
        let pressure = workers.pressure();
        workers.press();
        assert!(!pressure.has_changed().unwrap());
        let _held = (rich.slot().await, rich.slot().await);
        let _greedy = queue(&rich).await;
        workers.press();
        assert_eq!(*pressure.borrow(), 2);
        let _waiting = queue(&poor).await;
        workers.press();
        assert_eq!(*pressure.borrow(), 0);
    }
}
