//! The contract of `python` functions, on every CPython that is found here.
//!
//! `LEASEHOLD_TEST_PYTHONS`, a list of interpreters with colons, says which those must be.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

#[path = "python/events.rs"]
mod events;
#[path = "python/imports.rs"]
mod imports;
#[path = "python/libraries.rs"]
mod libraries;
#[path = "python/packages.rs"]
mod packages;
