//! Commands of WASI preview 1, written by hand.

use std::fs;

use crate::support::Functions;

/// The imports, a page of memory that is free above 64, and `$put`, which prints a piece of it.
const PRELUDE: &str = r#"
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $path_create_directory (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_link" (func $path_link (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename" (func $path_rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink" (func $path_symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_accept" (func $sock_accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_shutdown" (func $sock_shutdown (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $put (param $at i32) (param $len i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $len))
    (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable)))
  (func $sleep (param $nanoseconds i64)
    ;; A relative timeout of the monotonic clock.
    (i64.store (i32.const 64) (i64.const 0))
    (i64.store (i32.const 72) (i64.const 0))
    (i32.store (i32.const 80) (i32.const 1))
    (i64.store (i32.const 88) (local.get $nanoseconds))
    (i64.store (i32.const 96) (i64.const 0))
    (i64.store (i32.const 104) (i64.const 0))
    (if (call $poll_oneoff (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 16)) (then unreachable)))
"#;

/// Prints standard input as it comes, to its end, in pieces of at most 16 KiB.
pub(crate) const ECHO: &str = r#"
  (loop $more
    (i32.store (i32.const 0) (i32.const 4096))
    (i32.store (i32.const 4) (i32.const 16384))
    (if (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)) (then unreachable))
    (if (i32.load (i32.const 16)) (then
      (call $put (i32.const 4096) (i32.load (i32.const 16)))
      (br $more))))
"#;

/// A module of the prelude, `more` and a `_start` that does `start`.
pub(crate) fn command(more: &str, start: &str) -> Vec<u8> {
    assemble(&format!(
        "{PRELUDE}{more} (func (export \"_start\") {start})"
    ))
}

/// A module of these fields.
pub(crate) fn assemble(fields: &str) -> Vec<u8> {
    wat::parse_str(format!("(module {fields})")).unwrap_or_else(|error| panic!("{error}"))
}

/// A text as WAT's data, and its length.
pub(crate) fn data(at: usize, text: &str) -> String {
    let bytes = text.bytes().map(|byte| format!("\\{byte:02x}"));
    format!("(data (i32.const {at}) \"{}\")", bytes.collect::<String>())
}

/// Adds a `wasm` function.
pub(crate) fn add(functions: &Functions, name: &str, more: &str, module: &[u8]) {
    let profile = if more.contains("profile:") {
        ""
    } else {
        "  profile: wasm\n"
    };
    let command = if more.contains("command:") {
        ""
    } else {
        "  command: [./it.wasm]\n"
    };
    functions.add(
        name,
        &format!("  runtime: wasm\n{command}{profile}{more}"),
        &[],
    );
    fs::write(functions.path().join(name).join("it.wasm"), module).unwrap();
}
