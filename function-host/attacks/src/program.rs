//! The little language of attacks: system calls with arguments, one after the other.
//!
//! ```text
//! open str:/tmp/secret O_RDONLY ; read $0 buf:16 16
//! ```
//!
//! Statements are parted by `;`, words by spaces. The first word is the name of a system call,
//! `syscall:NUMBER`, `mem FIELDS` (its result is an address), `session` (the process leads one from
//! here on), `int80`, `vfork`, or one that has no result: a verb (`verbs` lists them), `namespace`, for
//! a control that needs to be privileged somewhere, or `sandbox`: here the sandbox is entered, at the
//! beginning if it is said nowhere; a worker is in it already. Descriptors that were opened before it
//! are those that the attack is handed. An argument is
//!
//! - a number, a constant (`O_RDONLY`), the N-th result (`$N`, from 0), the descriptor that it points
//!   at (`*$N`), or several of these joined by `|`;
//! - `str:TEXT` (`$N` in it is put in), `strs:A,B`, `buf:SIZE`, `sun:PATH`, `sun:@NAME`, `in:PORT`;
//! - `mem:u32=1,u64=$0,zero=4`: a structure, whose values are arguments themselves.
//!
//! The first call that fails is the attack's answer. Whoever forks, the child ends at once.

use std::error::Error;

use leasehold_sandbox::names::syscalls::{Arch, number};
use leasehold_sandbox::sys::fork::exit_now;

use crate::error::RunError;
use crate::{memory, symbols, trap, verbs};

/// The way into the sandbox: called with the results so far, which are descriptors that the attack is
/// handed, and other numbers.
pub type Enter<'a> = dyn FnMut(&[u64]) -> Result<(), Box<dyn Error>> + 'a;

/// An attack, cut into words.
#[derive(Debug)]
pub struct Program<'a> {
    statements: Vec<Vec<&'a str>>,
}

const SANDBOX: &str = "sandbox";
const NAMESPACE: &str = "namespace";

/// A user namespace, and in it one of each kind that an attack could act upon.
const NAMESPACES: &str = "CLONE_NEWUSER|CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWNET";

impl<'a> Program<'a> {
    /// Cuts a text into statements.
    ///
    /// # Errors
    /// When a statement is empty.
    pub fn parse(text: &'a str) -> Result<Self, Box<dyn Error>> {
        let mut statements: Vec<Vec<&str>> = text
            .split(';')
            .map(|statement| statement.split_whitespace().collect())
            .collect();
        if statements.iter().any(Vec::is_empty) {
            return Err(format!("an empty statement in {text:?}").into());
        }
        if !statements.iter().any(|words| words == &[SANDBOX]) {
            statements.insert(0, vec![SANDBOX]);
        }
        Ok(Self { statements })
    }

    /// Runs the statements in order. `enter` is called where the sandbox is entered.
    ///
    /// # Errors
    /// At the first call that fails.
    pub fn run(&self, enter: &mut Enter<'_>) -> Result<(), RunError> {
        let mut results = Vec::new();
        for words in &self.statements {
            if let Some(done) = verbs::act(words) {
                done?;
                continue;
            }
            match words.as_slice() {
                [SANDBOX] => enter(&results)?,
                [NAMESPACE] => drop(statement("unshare", &[NAMESPACES], &[])?),
                [name, arguments @ ..] => results.push(statement(name, arguments, &results)?),
                [] => {}
            }
        }
        Ok(())
    }
}

fn statement(name: &str, arguments: &[&str], results: &[u64]) -> Result<u64, RunError> {
    match (name, arguments) {
        ("mem", [fields]) => return Ok(structure(fields, results)?),
        // It leads one already where this fails.
        ("session", []) => return Ok(raw(libc::SYS_setsid.cast_unsigned(), [0; 6]).unwrap_or(0)),
        ("int80", []) => return Ok(trap::int80()?),
        ("vfork", []) => return trap::vfork().map_err(RunError::Kernel),
        _ => {}
    }
    let number = match name.strip_prefix("syscall:") {
        Some(number) => expression(number, results)?,
        None => Arch::native()
            .and_then(|arch| number(arch, name))
            .ok_or_else(|| format!("this architecture has no system call {name:?}"))?
            .into(),
    };
    let mut registers = [0u64; 6];
    if arguments.len() > registers.len() {
        return Err(format!("{name}: more than six arguments").into());
    }
    for (register, text) in registers.iter_mut().zip(arguments) {
        *register = argument(text, results)?;
    }
    let result = raw(number, registers).map_err(RunError::Kernel)?;
    if result == 0 && matches!(name, "fork" | "clone" | "clone3") {
        exit_now(0);
    }
    Ok(result)
}

fn raw(number: u64, [a, b, c, d, e, f]: [u64; 6]) -> Result<u64, i32> {
    // SAFETY: what the kernel reads or writes is what the attack's text points at, made by `memory`
    // with the size that the text says; no other value of this process is reachable from it.
    let result = unsafe { libc::syscall(number.cast_signed(), a, b, c, d, e, f) };
    if result == -1 {
        let error = std::io::Error::last_os_error();
        return Err(error.raw_os_error().unwrap_or(0));
    }
    Ok(result.cast_unsigned())
}

fn argument(text: &str, results: &[u64]) -> Result<u64, Box<dyn Error>> {
    match text.split_once(':') {
        None => expression(text, results),
        Some(("str", text)) => memory::string(&filled_in(text, results)),
        Some(("strs", texts)) => memory::strings(texts),
        Some(("buf", size)) => Ok(memory::leak(vec![0; size.parse()?])),
        Some(("sun", name)) => memory::unix_address(name),
        Some(("in", port)) => memory::inet_address(port),
        Some(("mem", fields)) => structure(fields, results),
        Some(_) => Err(format!("{text:?} is no argument").into()),
    }
}

fn structure(fields: &str, results: &[u64]) -> Result<u64, Box<dyn Error>> {
    let mut bytes = Vec::new();
    for field in fields.split(',') {
        let (kind, value) = field
            .split_once('=')
            .ok_or_else(|| format!("{field:?} is no field"))?;
        memory::field(&mut bytes, kind, argument(value, results)?)?;
    }
    Ok(memory::leak(bytes))
}

fn expression(text: &str, results: &[u64]) -> Result<u64, Box<dyn Error>> {
    let mut value = 0;
    for term in text.split('|') {
        value |= match term.strip_prefix('*') {
            Some(address) => memory::load(self::term(address, results)?)?,
            None => self::term(term, results)?,
        };
    }
    Ok(value)
}

fn term(text: &str, results: &[u64]) -> Result<u64, Box<dyn Error>> {
    if let Some(index) = text.strip_prefix('$') {
        let result = results.get(index.parse::<usize>()?);
        return Ok(*result.ok_or_else(|| format!("{text} has no result yet"))?);
    }
    if let Some(value) = symbols::value(text) {
        return Ok(value);
    }
    let parsed = match (text.strip_prefix("0x"), text.strip_prefix("0o")) {
        (Some(digits), _) => u64::from_str_radix(digits, 16)?,
        (_, Some(digits)) => u64::from_str_radix(digits, 8)?,
        _ if text.starts_with('-') => text.parse::<i64>()?.cast_unsigned(),
        _ => text
            .parse()
            .map_err(|_| format!("{text:?} is neither a number nor a constant"))?,
    };
    Ok(parsed)
}

fn filled_in(text: &str, results: &[u64]) -> String {
    let mut text = text.to_owned();
    for (index, result) in results.iter().enumerate().rev() {
        text = text.replace(&format!("${index}"), &result.to_string());
    }
    text
}
