//! The way of the log to its reader: whoever writes a line never waits for who reads it.
//!
//! Lines are put into a queue of bounded size, and a thread of its own writes them. While nobody reads
//! and the queue is full, whole lines are dropped, counted, and told of once there is room again.
//! A ready-made queue (tracing-appender's) is bounded by the number of lines, of which each may be 8 KiB.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// The most that waits, in bytes. As much again may be on its way to the reader.
const CAPACITY: usize = 4 << 20;
/// The longest that the end of the process waits for a reader.
const PATIENCE: Duration = Duration::from_secs(5);

/// Lines that were dropped; one for the process, as its log is.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Lines of the log that were dropped so far.
#[must_use]
pub fn dropped_lines() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Where lines are put.
#[derive(Debug, Clone)]
pub(super) struct Outlet(Arc<Queue>);

/// Keeps the log flowing; what waits when it is dropped is still written, if anybody reads.
#[derive(Debug)]
#[must_use = "the log ends with it"]
pub struct Flow(Arc<Queue>);

#[derive(Debug)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    /// How many were dropped since it was told.
    dropped: u64,
    /// No more will come.
    closed: bool,
    /// Everything is written.
    done: bool,
}

/// Lets lines flow into `sink`, which may block.
///
/// # Errors
/// When there is no thread to be had.
pub(super) fn flow(sink: impl Write + Send + 'static) -> io::Result<(Outlet, Flow)> {
    flow_of(CAPACITY, sink)
}

fn flow_of(capacity: usize, sink: impl Write + Send + 'static) -> io::Result<(Outlet, Flow)> {
    let queue = Arc::new(Queue {
        waiting: Mutex::default(),
        changed: Condvar::new(),
        capacity,
    });
    let writer = Arc::clone(&queue);
    std::thread::Builder::new()
        .name("log".into())
        .spawn(move || writer.write_all_to(sink))?;
    Ok((Outlet(Arc::clone(&queue)), Flow(queue)))
}

impl Queue {
    fn write_all_to(&self, mut sink: impl Write) {
        let mut lines = Vec::new();
        loop {
            let (dropped, more) = self.next(&mut lines);
            // A reader that is gone loses what it does not read, and nobody else is to be told.
            let _unread = sink.write_all(&lines).and_then(|()| sink.flush());
            if dropped > 0 {
                tracing::warn!(
                    lines = dropped,
                    "the log was not read in time and has a gap"
                );
            }
            if !more {
                break;
            }
        }
        self.lock().done = true;
        self.changed.notify_all();
    }

    /// Waits for lines and takes them; how many are missing after them, and whether more may come.
    fn next(&self, lines: &mut Vec<u8>) -> (u64, bool) {
        lines.clear();
        let waiting = self.lock();
        let idle = |waiting: &mut Waiting| waiting.lines.is_empty() && !waiting.closed;
        let waiting = self.changed.wait_while(waiting, idle);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(lines, &mut waiting.lines);
        (std::mem::take(&mut waiting.dropped), !waiting.closed)
    }

    fn put(&self, line: &[u8]) {
        let mut waiting = self.lock();
        if line.len() > self.capacity - waiting.lines.len() {
            waiting.dropped += 1;
            DROPPED.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.lines.extend_from_slice(line);
        drop(waiting);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.closed = true;
        self.0.changed.notify_all();
        // Whoever does not read has had the time to.
        let _done = self
            .0
            .changed
            .wait_timeout_while(waiting, PATIENCE, |waiting| !waiting.done);
    }
}

impl<'a> MakeWriter<'a> for Outlet {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Outlet {
    /// Takes a whole line, as tracing-subscriber writes them, or drops it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.put(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    /// A reader that takes a piece whenever the test does.
    struct Slow(SyncSender<Vec<u8>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_owned()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow(capacity: usize) -> (Outlet, Flow, Receiver<Vec<u8>>) {
        // Nothing fits in between: to send is to wait for the reader.
        let (send, receive) = sync_channel(0);
        let (outlet, flow) = flow_of(capacity, Slow(send)).unwrap();
        (outlet, flow, receive)
    }

    #[test]
    fn what_is_not_read_is_dropped_by_whole_lines_and_counted() {
        let (mut outlet, flow, reader) = slow(8);
        let before = dropped_lines();
        // Ends without a reader: none of these waits for one.
        for number in 0..1000 {
            outlet
                .write_all(format!("{number:03}\n").as_bytes())
                .unwrap();
        }
        let dropped = dropped_lines() - before;
        std::thread::spawn(move || drop(flow));
        let read: Vec<u8> = reader.iter().flatten().collect();
        let read = String::from_utf8(read).unwrap();
        let numbers: Vec<u64> = read.lines().map(|line| line.parse().unwrap()).collect();
        assert!(numbers.is_sorted() && numbers.len() >= 2, "{read}");
        assert_eq!(numbers.len() as u64 + dropped, 1000);
        assert!(dropped >= 1000 - 4 - 8, "{dropped}");
    }

    #[test]
    fn all_that_waits_at_the_end_is_written() {
        let (mut outlet, flow, reader) = slow(CAPACITY);
        for number in 0..1000 {
            writeln!(outlet, "{number}").unwrap();
        }
        let end = std::thread::spawn(move || drop(flow));
        let read: Vec<u8> = reader.iter().flatten().collect();
        end.join().unwrap();
        let read = String::from_utf8(read).unwrap();
        assert_eq!(read.lines().last(), Some("999"));
        assert_eq!(read.lines().count(), 1000);
    }
}
