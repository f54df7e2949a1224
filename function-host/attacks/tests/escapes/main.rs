//! What a call cannot do to another, to the host and to the machine: one attack a test.
//!
//! Each attack runs in processes of its own: once without the sandbox, where it must succeed (or the
//! table says what this machine or user lacks for that, and the test says so when it happens), once
//! within it, where it must get the exact answer of the table, and once more within the one layer that
//! the table credits with it. What the sandbox does not stop is in the tables too.
//!
//! `LEASEHOLD_TEST_STRICT=1` makes a failure of a control that this kernel lacks a feature for.

// Helpers of tests are tests to clippy only where they are `#[test]`.
#![allow(clippy::unwrap_used, clippy::panic)]

mod attack;
mod harness;
mod standing;
mod world;

// The crate's own tables, read once more: each attack of theirs becomes a test.
#[path = "../../src/tables/descriptors.rs"]
mod descriptors;
#[path = "../../src/tables/files.rs"]
mod files;
#[path = "../../src/tables/ipc.rs"]
mod ipc;
#[path = "../../src/tables/kernel.rs"]
mod kernel;
#[path = "../../src/tables/locks.rs"]
mod locks;
#[path = "../../src/tables/metadata.rs"]
mod metadata;
#[path = "../../src/tables/network.rs"]
mod network;
#[path = "../../src/tables/process.rs"]
mod process;
#[path = "../../src/tables/processes.rs"]
mod processes;
#[path = "../../src/tables/procfs.rs"]
mod procfs;
#[path = "../../src/tables/scheduling.rs"]
mod scheduling;
