//! Classic BPF as seccomp runs it: the second opinion on a compiled filter.
//!
//! For tests, `explain` and fuzzing: a filter's answer can be asked for without installing it. The
//! instructions are those that the kernel's `seccomp_check_filter` admits. Knows no names.
#![forbid(unsafe_code)]

use crate::enforce::{Instruction, Program};

/// What a filter sees of a call, `struct seccomp_data` of `<linux/seccomp.h>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SeccompData {
    /// The call's number.
    pub nr: i32,
    /// `AUDIT_ARCH_*`.
    pub arch: u32,
    /// Where the call was made.
    pub instruction_pointer: u64,
    /// The arguments.
    pub args: [u64; 6],
}

impl SeccompData {
    /// `sizeof(struct seccomp_data)`.
    pub const SIZE: u32 = 64;

    /// 32 bits at an aligned offset, as a little-endian machine sees them.
    fn word(&self, offset: u32) -> Option<u32> {
        let half = |value: u64, high: bool| (if high { value >> 32 } else { value }) as u32;
        match offset {
            0 => Some(self.nr as u32),
            4 => Some(self.arch),
            8 | 12 => Some(half(self.instruction_pointer, offset == 12)),
            16..64 if offset.is_multiple_of(4) => {
                let arg = self.args.get(usize::try_from((offset - 16) / 8).ok()?)?;
                Some(half(*arg, offset % 8 == 4))
            }
            _ => None,
        }
    }
}

/// Why a program has no answer; the kernel would have refused to install it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InterpretError {
    /// More instructions than the kernel accepts, or none.
    #[error("a filter has 1 to 4096 instructions, not {0}")]
    Length(usize),
    /// A jump or the flow leads past the end.
    #[error("instruction {0} leads past the program's end")]
    PastEnd(usize),
    /// An operation that seccomp does not have, or an operand it refuses.
    #[error("instruction {at} is not one of seccomp's: code {code:#06x}, operand {k:#x}")]
    Invalid {
        /// Its index.
        at: usize,
        /// Its opcode.
        code: u16,
        /// Its operand.
        k: u32,
    },
    /// A scratch word is read before it is written.
    #[error("instruction {0} reads scratch memory that nothing has written")]
    Unwritten(usize),
}

/// The filter's return value for a call.
///
/// Jumps lead only forward, so this takes at most as many steps as there are instructions.
///
/// # Errors
/// When the program is one that the kernel would not accept, as far as the way of this call shows.
pub fn run(program: &Program, data: &SeccompData) -> Result<u32, InterpretError> {
    let instructions = program.0.as_slice();
    if instructions.is_empty() || instructions.len() > Program::MAX_INSTRUCTIONS {
        return Err(InterpretError::Length(instructions.len()));
    }
    let mut machine = Machine {
        a: 0,
        x: 0,
        memory: [None; 16],
    };
    let mut at = 0_usize;
    let mut previous = 0;
    while let Some(instruction) = instructions.get(at) {
        previous = at;
        match machine.step(at, instruction, data)? {
            Step::Return(value) => return Ok(value),
            Step::Skip(count) => at = at.saturating_add(1).saturating_add(count as usize),
        }
    }
    Err(InterpretError::PastEnd(previous))
}

/// The verdict of a chain of filters, the newest first, as `seccomp_run_filters` finds it.
///
/// The strictest action wins and, of equal ones, the newest; its data comes with it.
///
/// # Errors
/// As [`run`].
pub fn run_chain(newest_first: &[&Program], data: &SeccompData) -> Result<u32, InterpretError> {
    let mut verdict = super::bpf::Action::Allow.verdict();
    for program in newest_first {
        let candidate = run(program, data)?;
        // `ACTION_ONLY` compares as signed: KILL_PROCESS is negative and so the strictest.
        let strictness = |value: u32| (value & 0xffff_0000) as i32;
        if strictness(candidate) < strictness(verdict) {
            verdict = candidate;
        }
    }
    Ok(verdict)
}

enum Step {
    Return(u32),
    Skip(u32),
}

struct Machine {
    a: u32,
    x: u32,
    memory: [Option<u32>; 16],
}

impl Machine {
    fn step(
        &mut self,
        at: usize,
        instruction: &Instruction,
        data: &SeccompData,
    ) -> Result<Step, InterpretError> {
        let &Instruction { code, jt, jf, k } = instruction;
        let invalid = InterpretError::Invalid { at, code, k };
        let mut skip = 0;
        match code {
            0x20 => self.a = data.word(k).ok_or(invalid)?, // LD W ABS
            0x80 => self.a = SeccompData::SIZE,            // LD W LEN
            0x81 => self.x = SeccompData::SIZE,            // LDX W LEN
            0x00 => self.a = k,                            // LD IMM
            0x01 => self.x = k,                            // LDX IMM
            0x60 => {
                self.a = self
                    .cell(k, invalid)?
                    .ok_or(InterpretError::Unwritten(at))?
            } // LD MEM
            0x61 => {
                self.x = self
                    .cell(k, invalid)?
                    .ok_or(InterpretError::Unwritten(at))?
            } // LDX MEM
            0x02 => *self.cell(k, invalid)? = Some(self.a), // ST
            0x03 => {
                let x = self.x;
                *self.cell(k, invalid)? = Some(x); // STX
            }
            0x06 => return Ok(Step::Return(k)),      // RET K
            0x16 => return Ok(Step::Return(self.a)), // RET A
            0x07 => self.x = self.a,                 // MISC TAX
            0x87 => self.a = self.x,                 // MISC TXA
            0x05 => skip = k,                        // JMP JA
            _ if code & 0x07 == 0x05 => {
                let operand = if code & 0x08 == 0 { k } else { self.x };
                let holds = match code & !0x08 {
                    0x15 => self.a == operand,
                    0x25 => self.a > operand,
                    0x35 => self.a >= operand,
                    0x45 => self.a & operand != 0,
                    _ => return Err(invalid),
                };
                skip = u32::from(if holds { jt } else { jf });
            }
            0x84 => self.a = self.a.wrapping_neg(), // ALU NEG
            _ if code & 0x07 == 0x04 => {
                let by_x = code & 0x08 != 0;
                let operand = if by_x { self.x } else { k };
                self.a = match code & !0x08 {
                    0x04 => self.a.wrapping_add(operand),
                    0x14 => self.a.wrapping_sub(operand),
                    0x24 => self.a.wrapping_mul(operand),
                    0x34 => match self.a.checked_div(operand) {
                        Some(quotient) => quotient,
                        None if by_x => return Ok(Step::Return(0)),
                        None => return Err(invalid),
                    },
                    0x44 => self.a | operand,
                    0x54 => self.a & operand,
                    0xa4 => self.a ^ operand,
                    0x64 | 0x74 if !by_x && operand >= 32 => return Err(invalid),
                    0x64 => self.a.wrapping_shl(operand),
                    0x74 => self.a.wrapping_shr(operand),
                    _ => return Err(invalid),
                };
            }
            _ => return Err(invalid),
        }
        Ok(Step::Skip(skip))
    }

    fn cell(
        &mut self,
        k: u32,
        invalid: InterpretError,
    ) -> Result<&mut Option<u32>, InterpretError> {
        usize::try_from(k)
            .ok()
            .and_then(|k| self.memory.get_mut(k))
            .ok_or(invalid)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    const DATA: SeccompData = SeccompData {
        nr: 7,
        arch: 9,
        instruction_pointer: 0x1_0000_0002,
        args: [0x11_0000_0022, 1, 2, 3, 4, 0x55_0000_0066],
    };

    fn program(code: &[(u16, u8, u8, u32)]) -> Program {
        Program(
            code.iter()
                .map(|&(code, jt, jf, k)| Instruction { code, jt, jf, k })
                .collect(),
        )
    }

    fn answer(code: &[(u16, u8, u8, u32)]) -> Result<u32, InterpretError> {
        run(&program(code), &DATA)
    }

    #[test]
    fn words_are_where_the_kernel_has_them() {
        for (offset, value) in [
            (0, 7),
            (4, 9),
            (8, 2),
            (12, 1),
            (16, 0x22),
            (20, 0x11),
            (56, 0x66),
            (60, 0x55),
        ] {
            assert_eq!(
                answer(&[(0x20, 0, 0, offset), (0x16, 0, 0, 0)]),
                Ok(value),
                "{offset}"
            );
        }
        for offset in [1, 17, 64, 68, u32::MAX] {
            let invalid = InterpretError::Invalid {
                at: 0,
                code: 0x20,
                k: offset,
            };
            assert_eq!(
                answer(&[(0x20, 0, 0, offset), (0x16, 0, 0, 0)]),
                Err(invalid)
            );
        }
    }

    #[test]
    fn arithmetic_memory_and_index() {
        assert_eq!(
            answer(&[
                (0x00, 0, 0, 6),
                (0x02, 0, 0, 3),
                (0x61, 0, 0, 3),
                (0x2c, 0, 0, 0),
                (0x16, 0, 0, 0)
            ]),
            Ok(36)
        );
        assert_eq!(
            answer(&[(0x00, 0, 0, 6), (0x3c, 0, 0, 0), (0x06, 0, 0, 1)]),
            Ok(0)
        );
        assert_eq!(
            answer(&[(0x60, 0, 0, 3), (0x16, 0, 0, 0)]),
            Err(InterpretError::Unwritten(0))
        );
        assert!(answer(&[(0x34, 0, 0, 0), (0x16, 0, 0, 0)]).is_err());
        assert!(answer(&[(0x64, 0, 0, 32), (0x16, 0, 0, 0)]).is_err());
    }

    #[test]
    fn flow_that_leaves_the_program_is_an_error() {
        assert_eq!(answer(&[]), Err(InterpretError::Length(0)));
        assert_eq!(
            answer(&[(0x05, 0, 0, u32::MAX)]),
            Err(InterpretError::PastEnd(0))
        );
        assert_eq!(answer(&[(0x00, 0, 0, 0)]), Err(InterpretError::PastEnd(0)));
        assert_eq!(
            answer(&[(0x15, 9, 0, 0), (0x06, 0, 0, 1)]),
            Err(InterpretError::PastEnd(0))
        );
    }

    #[test]
    fn the_strictest_filter_decides_and_of_equals_the_newest() {
        let returns = |value| program(&[(0x06, 0, 0, value)]);
        let (allow, eperm, enosys) = (
            returns(0x7fff_0000),
            returns(0x0005_0001),
            returns(0x0005_0026),
        );
        let (kill, notify) = (returns(0x8000_0000), returns(0x7fc0_0000));
        let verdict = |chain: &[&Program]| run_chain(chain, &DATA).unwrap();
        assert_eq!(verdict(&[&allow, &eperm]), 0x0005_0001);
        assert_eq!(verdict(&[&enosys, &eperm]), 0x0005_0026);
        assert_eq!(verdict(&[&enosys, &kill]), 0x8000_0000);
        assert_eq!(verdict(&[&notify, &eperm]), 0x0005_0001);
        assert_eq!(verdict(&[]), 0x7fff_0000);
    }

    proptest! {
        #[test]
        fn no_program_makes_it_panic(code in prop::collection::vec(any::<(u8, u8, u8, u32)>(), 0..64)) {
            let code: Vec<_> = code.into_iter().map(|(c, jt, jf, k)| (u16::from(c), jt, jf, k)).collect();
            let _ = answer(&code);
        }
    }
}
