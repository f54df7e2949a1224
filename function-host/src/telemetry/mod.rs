//! What the host tells its operator: one log line per call, and metrics.
//!
//! A call's [`CallRecord`] follows it from its request to its burial; it counts into the
//! [`FunctionMetrics`] of its function, and writes the line once the reply is out. `metrics` knows
//! nothing of the rest of the host, so that all of it can count.

mod exposition;
mod histogram;
mod log;
mod metrics;
mod outlet;
mod record;
#[cfg(test)]
mod tests;

pub use exposition::Form;
pub use histogram::BOUNDS_SECONDS;
pub use log::{LogFormat, init};
pub use metrics::{Ending, FunctionMetrics, Live, Metrics, Reload};
pub use outlet::{Flow, dropped_lines};
pub use record::CallRecord;
