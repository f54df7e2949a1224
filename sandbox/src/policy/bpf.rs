//! Rules about system calls as data, and their compilation to classic BPF.
//!
//! A filter here is a binary search over call numbers whose ranges with one answer are merged, with
//! blocks of argument checks at its leaves: a lookup costs some ten instructions, however long the
//! table. Knows numbers and answers only; what a call is for is decided in [`super::syscalls`].
//!
//! Everything is checked when it is constructed, and compilation is deterministic: the same table
//! is the same program, which is what digests of policies rest on.
#![forbid(unsafe_code)]

mod action;
mod assembler;
mod disassembly;
mod rule;

pub use action::Action;
pub use disassembly::disassemble;
pub use rule::{Clause, Compare, Condition, Entry, Width};

use std::collections::BTreeMap;

use crate::enforce::Program;
use crate::names::syscalls::Arch;
use crate::policy::interpreter::SeccompData;
use assembler::{Assembler, Target, Test, Word};

/// The bit that marks a call of the x32 ABI, `__X32_SYSCALL_BIT` of `<asm/unistd.h>`.
const X32_BIT: u32 = 0x4000_0000;
/// What a tracer writes to skip a call; the kernel answers ENOSYS. Not an x32 call.
const SKIPPED: u32 = u32::MAX;

/// Why a table could not be made or compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BpfError {
    /// A system call has six arguments.
    #[error("argument {0} does not exist: system calls have arguments 0 to 5")]
    Argument(u8),
    /// The value or mask does not fit into the 32 bits that are compared.
    #[error("{0:#x} does not fit into a comparison of 32 bits")]
    Width(u64),
    /// A masked comparison that holds never or always.
    #[error("comparing with {value:#x} under the mask {mask:#x} has always the same result")]
    Mask {
        /// The bits compared.
        mask: u64,
        /// What they are compared with.
        value: u64,
    },
    /// A clause that is not a condition; the entry's `otherwise` says what is meant.
    #[error("a clause needs at least one condition")]
    Unconditional,
    /// An error number that the kernel would clamp.
    #[error("{0} is not an error number: the largest is 4095")]
    Errno(u16),
    /// A number that no native call can have.
    #[error("{0:#x} is not the number of a native system call")]
    Number(u32),
    /// More than the kernel accepts.
    #[error("the filter needs {0} instructions; the kernel accepts {max}", max = Program::MAX_INSTRUCTIONS)]
    TooLong(usize),
}

/// A whole filter as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTable {
    arch: Arch,
    entries: BTreeMap<u32, Entry>,
    default: Action,
}

impl RuleTable {
    /// A table without entries.
    ///
    /// # Errors
    /// When `default` is not an answer that the kernel can give.
    pub fn new(arch: Arch, default: Action) -> Result<Self, BpfError> {
        Ok(Self {
            arch,
            entries: BTreeMap::new(),
            default: default.checked()?,
        })
    }

    /// Sets the entry of a call's number and returns the one it replaces.
    ///
    /// # Errors
    /// When no native call can have this number.
    pub fn insert(&mut self, number: u32, entry: Entry) -> Result<Option<Entry>, BpfError> {
        if number >= X32_BIT {
            return Err(BpfError::Number(number));
        }
        Ok(self.entries.insert(number, entry))
    }

    /// The architecture whose numbers these are.
    #[must_use]
    pub fn arch(&self) -> Arch {
        self.arch
    }

    /// The answer to numbers without an entry.
    #[must_use]
    pub fn default_action(&self) -> Action {
        self.default
    }

    /// The entries by number.
    #[must_use]
    pub fn entries(&self) -> &BTreeMap<u32, Entry> {
        &self.entries
    }

    /// The answer by definition: what the compiled program must give for the same data.
    ///
    /// A foreign architecture kills, and so do x32's numbers, under which x86-64 offers the same
    /// calls a second time.
    #[must_use]
    pub fn evaluate(&self, data: &SeccompData) -> Action {
        if data.arch != self.arch.audit() {
            return Action::KillProcess;
        }
        let number = data.nr as u32;
        if self.arch == Arch::X86_64 && number >= X32_BIT && number != SKIPPED {
            return Action::KillProcess;
        }
        self.entries
            .get(&number)
            .map_or(self.default, |entry| entry.evaluate(data))
    }
}

/// Compiles a table.
///
/// # Errors
/// [`BpfError::TooLong`] when the program would exceed the kernel's limit.
pub fn compile(table: &RuleTable) -> Result<Program, BpfError> {
    let mut code = Assembler::default();
    let default = Target::Return(table.default.verdict());
    let kill = Target::Return(Action::KillProcess.verdict());

    // Starts of ranges with one answer; equal blocks are one target, so neighbours merge.
    let mut starts = BTreeMap::from([(0, default)]);
    for (&number, entry) in &table.entries {
        let target = entry.assemble(&mut code);
        starts.insert(number, target);
        starts.entry(number + 1).or_insert(default);
    }
    if table.arch == Arch::X86_64 {
        starts.insert(X32_BIT, kill);
        starts.insert(SKIPPED, default);
    }
    let tree = code.search(Word::NUMBER, &starts);
    let start = code.test(Word::ARCH, Test::Equal(table.arch.audit()), tree, kill);
    let program = code.finish(start);
    if program.0.len() > Program::MAX_INSTRUCTIONS {
        return Err(BpfError::TooLong(program.0.len()));
    }
    Ok(program)
}

#[cfg(test)]
pub(super) mod oracle;
#[cfg(test)]
mod tests;
