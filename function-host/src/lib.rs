//! The trusted host: it accepts HTTP, routes, takes a parked worker, streams, kills and wipes.
//!
//! `cli → {http, verify} → pool → function`; the event loop and the HTTP server live here only. The host never
//! forks itself and never believes what a zygote or a worker says.
#![forbid(unsafe_code)]

pub mod artefacts;
pub mod cli;
pub mod function;
pub mod host;
pub mod http;
pub mod outcome;
pub mod pool;
pub mod processes;
pub mod reload;
pub mod services;
pub mod shares;
pub mod state;
pub mod telemetry;
pub mod tmp;
pub mod verify;
