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

/// `BPF_JMP | BPF_JEQ | BPF_K` of `<linux/bpf_common.h>`.
const JEQ_K: u16 = 0x15;

impl Program {
    /// The kernel's limit on instructions, `BPF_MAXINSNS`.
    pub const MAX_INSTRUCTIONS: usize = 4096;
    /// Compared with, stands for the number of the process that installs the program. Above
    /// `PID_MAX_LIMIT` (2^22), so that no process has it.
    pub const OWN_PID: u32 = 0x7fff_fffd;
    /// Compared with, stands for the process group of that number, as kill(2) takes it.
    pub const OWN_GROUP: u32 = Self::OWN_PID.wrapping_neg();

    /// The program for the process `pid`: with it in place of [`Self::OWN_PID`].
    #[must_use]
    pub fn of_process(&self, pid: u32) -> Self {
        let bind = |&instruction: &Instruction| match instruction {
            Instruction { code: JEQ_K, k, .. } if k == Self::OWN_PID => Instruction {
                k: pid,
                ..instruction
            },
            Instruction { code: JEQ_K, k, .. } if k == Self::OWN_GROUP => Instruction {
                k: pid.wrapping_neg(),
                ..instruction
            },
            other => other,
        };
        Self(self.0.iter().map(bind).collect())
    }

    /// Installs it on the calling thread, for ever.
    ///
    /// # Errors
    /// What the kernel answers: `EINVAL` for a malformed program, `EACCES` without `no_new_privs`.
    pub fn install(&self) -> std::io::Result<()> {
        let filter: Vec<seccompiler::sock_filter> = self
            .of_process(std::process::id())
            .0
            .into_iter()
            .map(|Instruction { code, jt, jf, k }| seccompiler::sock_filter { code, jt, jf, k })
            .collect();
        crate::sys::seccomp::install(&filter)
    }
}
