//! `start: spawn`: the worker becomes its program ahead of its call, restricted already, and the
//! program loads the function for itself.

use std::os::fd::RawFd;

use leasehold_sandbox::sys::fork;

use super::{EXIT_CANNOT_EXECUTE, become_or_fail};
use crate::control::{CONTROL_FD, LIBRARY_FD};
use crate::wire::{Program, Takes};
use crate::worker::Worker;

/// `SD_LISTEN_FDS_START` of sd_listen_fds(3).
const LISTEN_FDS_START: RawFd = 3;

/// Becomes the program.
///
/// An interpreter of ours finds the worker's socket and the library where one that becomes a zygote finds
/// them. A server finds its listening socket as one of systemd's does.
pub(super) fn run(mut worker: Worker, program: &Program, takes: Takes) -> ! {
    let heirloom = worker.heirloom();
    match (takes, heirloom) {
        (Takes::Streams, _) => become_or_fail(worker, program, &[], &[]),
        (Takes::Socket, library) => {
            let Ok(socket) = worker.socket() else {
                fork::exit_now(EXIT_CANNOT_EXECUTE)
            };
            let mut fds = vec![(socket, CONTROL_FD)];
            fds.extend(library.map(|library| (library, LIBRARY_FD)));
            become_or_fail(worker, program, &[], &fds)
        }
        (Takes::Listener, Some(listener)) => {
            let env = [
                ("LISTEN_PID", std::process::id().to_string()),
                ("LISTEN_FDS", "1".to_owned()),
                ("LISTEN_FDNAMES", "http".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value.into_bytes()));
            become_or_fail(worker, program, &env, &[(listener, LISTEN_FDS_START)])
        }
        (Takes::Listener, None) => fork::exit_now(EXIT_CANNOT_EXECUTE),
    }
}
