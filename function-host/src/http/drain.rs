//! The end of a server: calls that have begun are answered, no others are begun.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::header::{CONNECTION, HeaderValue};
use http::{Response, Version};
use tokio::sync::Notify;

use super::body::ResponseBody;

/// Once all calls are answered, what clients have sent meanwhile is still refused in words: a connection
/// on which nothing was read is closed without any.
pub(super) const LAST_REQUESTS: Duration = Duration::from_millis(200);

/// The requests of one server, counted.
#[derive(Debug, Default)]
pub(super) struct Drain {
    ending: AtomicBool,
    open: AtomicUsize,
    done: Notify,
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Answering(Arc<Drain>);

impl Drain {
    /// Begins to answer a request, unless the server ends.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Answering> {
        self.open.fetch_add(1, Ordering::SeqCst);
        let answering = Answering(Arc::clone(self));
        // Looked at after it was counted: whoever ends the server sees this one, or this sees that.
        (!self.ending.load(Ordering::SeqCst)).then_some(answering)
    }

    /// Begins no more from now on.
    pub(super) fn refuse(&self) {
        self.ending.store(true, Ordering::SeqCst);
    }

    /// Waits until those that have begun are answered.
    pub(super) async fn end(&self) {
        self.refuse();
        while self.open.load(Ordering::SeqCst) > 0 {
            self.done.notified().await;
        }
    }

    /// Has the client close its connection, if the server ends. HTTP/2 has frames for that.
    pub(super) fn last(
        &self,
        version: Version,
        mut response: Response<ResponseBody>,
    ) -> Response<ResponseBody> {
        if self.ending.load(Ordering::SeqCst) && version < Version::HTTP_2 {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        response
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if self.0.open.fetch_sub(1, Ordering::SeqCst) == 1 && self.0.ending.load(Ordering::SeqCst) {
            self.0.done.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_waits_for_what_has_begun_and_refuses_the_rest() {
        let drain = Arc::new(Drain::default());
        let (first, second) = (drain.enter().unwrap(), drain.enter().unwrap());
        let ending = Arc::clone(&drain);
        let end = tokio::spawn(async move { ending.end().await });
        while drain.enter().is_some() {
            tokio::task::yield_now().await;
        }
        drop(first);
        tokio::task::yield_now().await;
        assert!(!end.is_finished());
        drop(second);
        end.await.unwrap();
        assert!(drain.enter().is_none());
    }
}
