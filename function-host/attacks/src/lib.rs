//! Attacks on the sandbox: a small language of raw system calls, tables of attacks in it with the
//! answers that they must get, and the numbered channels between calls that they are aimed at.
//!
//! The tests of this crate run every attack against the sandbox alone, with a control and a layer of
//! its own each. Those of the channels can also be made as calls, by [`attacker`] as the command of a
//! function. An attacker makes raw system calls, so `unsafe` may live here, in `program`, `memory`,
//! `trap` and `verbs`; nothing of this crate runs in a host that serves.

pub mod attack;
pub mod attacker;
pub mod channels;
pub mod error;
mod memory;
pub mod program;
mod symbols;
pub mod tables;
mod trap;
mod verbs;

pub use memory::page;
