//! The binary: a host, or with one hidden argument a launcher of zygotes, or the attacker of `verify`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else starts a thread or opens a descriptor: a launcher is a small process.
    let argument = std::env::args_os().nth(1);
    match argument.as_ref().and_then(|argument| argument.to_str()) {
        Some(leasehold_zygote::launch::ARGUMENT) => {
            leasehold_zygote::launch::main(&[&leasehold_wasm::Wasm])
        }
        Some(leasehold_attacks::attacker::ARGUMENT) => leasehold_attacks::attacker::main(),
        _ => leasehold::cli::main(),
    }
}
