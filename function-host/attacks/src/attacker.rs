//! The attacker as a call: its program is the first line of standard input, its answer the last line
//! of standard output.

use std::error::Error;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use leasehold_sandbox::names::errno;

use crate::error::RunError;
use crate::program::{Enter, Program};

/// The argument that makes a host's binary an attacker.
pub const ARGUMENT: &str = "attack";

/// The longest program, in bytes.
const LONGEST: u64 = 1 << 20;

/// Runs one attack and says `ok` or `errno NAME`; a signal speaks for itself. Whatever else goes wrong
/// is said on standard error and ends with 2, so that a broken attack never passes for a stopped one.
#[must_use]
pub fn main() -> ExitCode {
    let line = first_line().map_err(Into::into);
    match line.and_then(|text| answer(&text, &mut |_| Ok(()))) {
        Ok(answer) => {
            let mut out = io::stdout();
            let said = writeln!(out, "{answer}").and_then(|()| out.flush());
            said.map_or(ExitCode::from(2), |()| ExitCode::SUCCESS)
        }
        Err(error) => {
            eprintln!("attacker: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs a program and puts what came of it into a line.
///
/// # Errors
/// When the program is wrong, or there is no way into the sandbox.
pub fn answer(text: &str, enter: &mut Enter<'_>) -> Result<String, Box<dyn Error>> {
    match Program::parse(text)?.run(enter) {
        Ok(()) => Ok("ok".to_owned()),
        Err(RunError::Kernel(number)) => {
            let name = errno::name(number).ok_or(format!("unknown errno {number}"))?;
            Ok(format!("errno {name}"))
        }
        Err(RunError::Broken(error)) => Err(error),
    }
}

/// Byte by byte: what follows is for the program to read.
fn first_line() -> io::Result<String> {
    let mut line = Vec::new();
    for byte in io::stdin().lock().take(LONGEST).bytes() {
        match byte? {
            b'\n' => break,
            byte => line.push(byte),
        }
    }
    String::from_utf8(line).map_err(io::Error::other)
}
