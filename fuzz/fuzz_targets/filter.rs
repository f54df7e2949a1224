//! A table of rules: the compiled program answers as the table is defined, and lets the same calls pass
//! as seccompiler's.
#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use leasehold_sandbox::enforce::{Instruction, Program};
use leasehold_sandbox::names::syscalls::Arch;
use leasehold_sandbox::policy::bpf::{
    Action, BpfError, Clause, Compare, Condition, Entry, RuleTable, Width, compile,
};
use leasehold_sandbox::policy::interpreter::{SeccompData, run};
use libfuzzer_sys::fuzz_target;
use seccompiler::{
    BpfProgram, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

#[derive(Debug, Arbitrary)]
struct Input {
    entries: Vec<(u16, Vec<Rule>, u16)>,
    default: u16,
    calls: Vec<(u32, [u64; 6])>,
}

/// Conditions, and what is answered if all of them hold.
type Rule = (Vec<Check>, u16);

#[derive(Debug, Clone, Copy, Arbitrary)]
struct Check {
    arg: u8,
    wide: bool,
    compare: Comparison,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Comparison {
    Equal(u64),
    Least(u64),
    Most(u64),
    Masked(u64, u64),
}

fuzz_target!(|input: Input| {
    let Ok(table) = table(&input) else { return };
    let program = match compile(&table) {
        Ok(program) => program,
        Err(BpfError::TooLong(_)) => return,
        Err(error) => panic!("{error}"),
    };
    let oracle = oracle(&input);
    for &(number, args) in &input.calls {
        let near = input.entries.iter().map(|(number, ..)| u32::from(*number));
        for nr in near.chain([number]) {
            let data = SeccompData {
                nr: nr.cast_signed(),
                arch: Arch::X86_64.audit(),
                instruction_pointer: 0,
                args,
            };
            let answer = run(&program, &data).expect("a program that the kernel accepts");
            assert_eq!(answer, table.evaluate(&data).verdict(), "{data:x?}");
            if let Some((passing, passes)) = &oracle
                && nr < 0x4000_0000
            {
                let theirs = run(passing, &data).expect("theirs too") == Action::Allow.verdict();
                assert_eq!(passes.evaluate(&data) == Action::Allow, theirs, "{data:x?}");
            }
        }
    }
});

fn action(number: u16) -> Action {
    match number % 4 {
        0 => Action::Allow,
        1 => Action::KillProcess,
        2 => Action::Notify,
        _ => Action::Errno(number % 4096),
    }
}

fn condition(check: Check) -> Result<Condition, BpfError> {
    let fit = |value: u64| {
        if check.wide {
            value
        } else {
            value & 0xffff_ffff
        }
    };
    let width = if check.wide {
        Width::Qword
    } else {
        Width::Dword
    };
    let compare = match check.compare {
        Comparison::Equal(value) => Compare::Eq(fit(value)),
        Comparison::Least(value) => Compare::AtLeast(fit(value)),
        Comparison::Most(value) => Compare::AtMost(fit(value)),
        Comparison::Masked(mask, value) => Compare::MaskedEq {
            mask: fit(mask),
            value: fit(value) & fit(mask),
        },
    };
    Condition::new(check.arg % 6, width, compare)
}

fn entry(
    rules: &[Rule],
    answer: impl Fn(u16) -> Action,
    otherwise: u16,
) -> Result<Entry, BpfError> {
    let clause = |(checks, number): &Rule| {
        let conditions = checks.iter().copied().map(condition);
        Clause::new(conditions.collect::<Result<_, _>>()?, answer(*number))
    };
    Entry::new(
        rules.iter().map(clause).collect::<Result<_, _>>()?,
        answer(otherwise),
    )
}

fn table(input: &Input) -> Result<RuleTable, BpfError> {
    let mut table = RuleTable::new(Arch::X86_64, action(input.default))?;
    for (number, rules, otherwise) in &input.entries {
        table.insert(u32::from(*number), entry(rules, action, *otherwise)?)?;
    }
    Ok(table)
}

/// seccompiler's program for the same rules, each of which lets pass, and the table that says so.
fn oracle(input: &Input) -> Option<(Program, RuleTable)> {
    let refused = Action::Errno(1);
    let mut table = RuleTable::new(Arch::X86_64, refused).ok()?;
    let mut rules_of = BTreeMap::new();
    for (number, rules, _) in &input.entries {
        let rules: Vec<Rule> = rules
            .iter()
            .map(|(checks, _)| (checks.clone(), 0))
            .collect();
        if rules.is_empty() {
            continue;
        }
        let passing = entry(
            &rules,
            |number| if number == 0 { Action::Allow } else { refused },
            1,
        );
        table.insert(u32::from(*number), passing.ok()?).ok()?;
        let theirs = rules.iter().map(|(checks, _)| {
            let conditions = checks.iter().map(|&check| theirs(check));
            SeccompRule::new(conditions.collect()).expect("a rule has conditions")
        });
        rules_of.insert(i64::from(*number), theirs.collect());
    }
    let (errno, allow) = (
        seccompiler::SeccompAction::Errno(1),
        seccompiler::SeccompAction::Allow,
    );
    let filter = SeccompFilter::new(rules_of, errno, allow, TargetArch::x86_64).ok()?;
    // It has limits of its own.
    let program = BpfProgram::try_from(filter).ok()?;
    let instruction = |it: &seccompiler::sock_filter| Instruction {
        code: it.code,
        jt: it.jt,
        jf: it.jf,
        k: it.k,
    };
    Some((Program(program.iter().map(instruction).collect()), table))
}

fn theirs(check: Check) -> SeccompCondition {
    let fit = |value: u64| {
        if check.wide {
            value
        } else {
            value & 0xffff_ffff
        }
    };
    let length = if check.wide {
        SeccompCmpArgLen::Qword
    } else {
        SeccompCmpArgLen::Dword
    };
    let (operator, value) = match check.compare {
        Comparison::Equal(value) => (SeccompCmpOp::Eq, fit(value)),
        Comparison::Least(value) => (SeccompCmpOp::Ge, fit(value)),
        Comparison::Most(value) => (SeccompCmpOp::Le, fit(value)),
        Comparison::Masked(mask, value) => {
            (SeccompCmpOp::MaskedEq(fit(mask)), fit(value) & fit(mask))
        }
    };
    SeccompCondition::new(check.arg % 6, length, operator, value).expect("an argument of six")
}
