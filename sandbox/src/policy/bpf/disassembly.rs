//! Programs in words, one instruction a line, as `explain --bpf` prints them.
#![forbid(unsafe_code)]

use super::Action;
use crate::enforce::{Instruction, Program};

/// One line for each instruction: its number, what it does, and where it jumps to.
///
/// An instruction that the assembler never writes is shown as its raw fields.
#[must_use]
pub fn disassemble(program: &Program) -> Vec<String> {
    let instructions = program.0.iter().enumerate();
    instructions
        .map(|(at, instruction)| format!("{at:4}: {}", line(at, instruction)))
        .collect()
}

fn line(at: usize, &Instruction { code, jt, jf, k }: &Instruction) -> String {
    let to = |skip: u32| at.saturating_add(1).saturating_add(skip as usize);
    let branch = |test: String| {
        let (yes, no) = (to(u32::from(jt)), to(u32::from(jf)));
        match (jt, jf) {
            (_, 0) => format!("if {test} goto {yes}"),
            (0, _) => format!("if not {test} goto {no}"),
            _ => format!("if {test} goto {yes} else {no}"),
        }
    };
    match code {
        0x20 => format!("load {}", field(k)),
        0x54 => format!("and {k:#x}"),
        0x05 => format!("goto {}", to(k)),
        0x15 => branch(format!("= {k:#x}")),
        0x25 => branch(format!("> {k:#x}")),
        0x35 => branch(format!(">= {k:#x}")),
        0x45 => branch(format!("& {k:#x}")),
        0x06 => match Action::from_verdict(k) {
            Some(action) => format!("return {action}"),
            None => format!("return {k:#010x}"),
        },
        _ => format!("code {code:#06x} jt {jt} jf {jf} k {k:#x}"),
    }
}

/// The 32 bits of `struct seccomp_data` at an offset.
fn field(offset: u32) -> String {
    match offset {
        0 => "number".to_owned(),
        4 => "architecture".to_owned(),
        8 => "instruction pointer, low".to_owned(),
        12 => "instruction pointer, high".to_owned(),
        16..64 if offset.is_multiple_of(8) => format!("arg{}", (offset - 16) / 8),
        20..64 if offset % 8 == 4 => format!("arg{}, high", (offset - 16) / 8),
        _ => format!("offset {offset}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(code: u16, jt: u8, jf: u8, k: u32) -> String {
        line(10, &Instruction { code, jt, jf, k })
    }

    #[test]
    fn jumps_are_shown_by_where_they_lead() {
        assert_eq!(shown(0x15, 0, 3, 0x3b), "if not = 0x3b goto 14");
        assert_eq!(shown(0x35, 2, 0, 7), "if >= 0x7 goto 13");
        assert_eq!(shown(0x45, 1, 2, 8), "if & 0x8 goto 12 else 13");
        assert_eq!(shown(0x05, 0, 0, 300), "goto 311");
        assert_eq!(shown(0x20, 0, 0, 28), "load arg1, high");
        assert_eq!(shown(0x06, 0, 0, 0x0005_0026), "return ENOSYS");
        assert_eq!(shown(0x06, 0, 0, 0x7fff_0000), "return allow");
        assert_eq!(shown(0x06, 0, 0, 0x8000_0000), "return kill");
        assert_eq!(shown(0x87, 0, 0, 0), "code 0x0087 jt 0 jf 0 k 0x0");
    }
}
