//! The binary: a host, or with one hidden argument a launcher of zygotes.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else starts a thread or opens a descriptor: a launcher is a small process.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|arg| arg == leasehold_zygote::launch::ARGUMENT)
    {
        return leasehold_zygote::launch::main(&[&leasehold_wasm::Wasm]);
    }
    leasehold::cli::main()
}
