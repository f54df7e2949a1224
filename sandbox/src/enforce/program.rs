//! A compiled seccomp program: plain data, made by the compiler and carried to the zygote.

use serde::{Deserialize, Serialize};

/// One classic BPF instruction, `struct sock_filter` of `<linux/filter.h>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instruction {
    /// Opcode.
    pub code: u16,
    /// Instructions to skip when a jump's condition holds.
    pub jt: u8,
    /// Instructions to skip when it does not.
    pub jf: u8,
    /// The operand.
    pub k: u32,
}

/// A seccomp program of at most `BPF_MAXINSNS` (4096) instructions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program(pub Vec<Instruction>);

impl Program {
    /// The kernel's limit on instructions, `BPF_MAXINSNS`.
    pub const MAX_INSTRUCTIONS: usize = 4096;
}

impl Program {
    /// Installs it on the calling thread, for ever.
    ///
    /// # Errors
    /// What the kernel answers: `EINVAL` for a malformed program, `EACCES` without `no_new_privs`.
    pub fn install(&self) -> std::io::Result<()> {
        let filter: Vec<seccompiler::sock_filter> = self
            .0
            .iter()
            .map(|&Instruction { code, jt, jf, k }| seccompiler::sock_filter { code, jt, jf, k })
            .collect();
        crate::sys::seccomp::install(&filter)
    }
}
