//! One attack in one process of one thread, and one line that says what came of it.
//!
//! `attacker [--sandboxed PROFILE STATE_DIR [--only LAYER]] ATTACK`, where ATTACK is one of
//!
//! - `calls TEXT`: raw system calls in the little language of [`leasehold_attacks::program`];
//! - `wait`: no attack but a victim: prints `ready SCRATCH ADDRESS`, and lives until its standard
//!   input ends;
//! - `say`: prints `ok`, for attacks that execute a program.
//!
//! The line is `ok` or `errno NAME`; a signal speaks for itself. Whatever else goes wrong is said on
//! standard error and ends with 2, so that a broken attack never passes for one that was stopped.

mod sandbox;

use std::error::Error;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use leasehold_attacks::{attacker, page};
use sandbox::Sandbox;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("attacker: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let (sandbox, attack) = Sandbox::from_arguments(arguments)?;
    match attack {
        ["calls", text] => attacker::answer(text, &mut |handed| sandbox.enter(handed)),
        ["say"] => Ok("ok".to_owned()),
        ["wait"] => wait(&sandbox),
        other => Err(format!("there is no attack {other:?}").into()),
    }
}

/// A victim: a worker that holds a scratch and some memory, and does nothing.
fn wait(sandbox: &Sandbox) -> Result<String, Box<dyn Error>> {
    let scratch = sandbox.victim()?;
    let memory = page();
    println!("ready {} {memory}", scratch.display());
    io::stdout().flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok("ok".to_owned())
}
