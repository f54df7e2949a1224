//! `wasm` functions: what a module finds, what becomes of it, what it cannot reach, and how what it was
//! compiled to is kept.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

#[path = "wasm/cache.rs"]
mod cache;
#[path = "wasm/calls.rs"]
mod calls;
#[path = "wasm/command.rs"]
mod command;
#[path = "wasm/isolation.rs"]
mod isolation;
#[path = "wasm/modules.rs"]
mod modules;
