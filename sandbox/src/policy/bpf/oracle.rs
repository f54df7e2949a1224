//! seccompiler as the oracle: where both can say the same, both programs answer the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use seccompiler::{
    BpfProgram, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

use super::*;
use crate::enforce::Instruction;
use crate::policy::interpreter::run;

type Check = (u8, bool, u8, u64, u64);

fn ours(&(arg, wide, kind, a, b): &Check) -> Condition {
    let width = if wide { Width::Qword } else { Width::Dword };
    let compare = match kind {
        0 => Compare::Eq(a),
        1 => Compare::AtLeast(a),
        2 => Compare::AtMost(a),
        3 => Compare::Ne(a),
        _ => Compare::MaskedEq {
            mask: b,
            value: a & b,
        },
    };
    Condition::new(arg, width, compare).unwrap()
}

fn theirs(&(arg, wide, kind, a, b): &Check) -> SeccompCondition {
    let width = if wide {
        SeccompCmpArgLen::Qword
    } else {
        SeccompCmpArgLen::Dword
    };
    let operator = match kind {
        0 => SeccompCmpOp::Eq,
        1 => SeccompCmpOp::Ge,
        2 => SeccompCmpOp::Le,
        3 => SeccompCmpOp::Ne,
        _ => SeccompCmpOp::MaskedEq(b),
    };
    SeccompCondition::new(arg, width, operator, if kind == 4 { a & b } else { a }).unwrap()
}

/// Rules of one call: any of them, each a conjunction, lets the call pass.
type Rules = BTreeMap<u32, Vec<Vec<Check>>>;

fn our_program(arch: Arch, rules: &Rules) -> Program {
    let mut table = RuleTable::new(arch, Action::Errno(1)).unwrap();
    for (&number, rules) in rules {
        let entry = if rules.is_empty() {
            Entry::always(Action::Allow)
        } else {
            let clause = |rule: &Vec<Check>| {
                Clause::new(rule.iter().map(ours).collect(), Action::Allow).unwrap()
            };
            Entry::new(rules.iter().map(clause).collect(), Action::Errno(1))
        };
        table.insert(number, entry.unwrap()).unwrap();
    }
    compile(&table).unwrap()
}

fn their_program(arch: Arch, rules: &Rules) -> Program {
    let arch = match arch {
        Arch::X86_64 => TargetArch::x86_64,
        Arch::Aarch64 => TargetArch::aarch64,
    };
    let rule = |rule: &Vec<Check>| SeccompRule::new(rule.iter().map(theirs).collect()).unwrap();
    let rules = rules
        .iter()
        .map(|(&number, rules)| (i64::from(number), rules.iter().map(rule).collect()))
        .collect();
    let filter = SeccompFilter::new(
        rules,
        seccompiler::SeccompAction::Errno(1),
        seccompiler::SeccompAction::Allow,
        arch,
    );
    let program: BpfProgram = filter.unwrap().try_into().unwrap();
    Program(
        program
            .iter()
            .map(|i| Instruction {
                code: i.code,
                jt: i.jt,
                jf: i.jf,
                k: i.k,
            })
            .collect(),
    )
}

fn assert_agreement(arch: Arch, rules: &Rules, values: &[u64]) {
    let (ours, theirs) = (our_program(arch, rules), their_program(arch, rules));
    let both = |data: &SeccompData| (run(&ours, data).unwrap(), run(&theirs, data).unwrap());
    for number in 0..=600 {
        let values = if rules.contains_key(&number) {
            values
        } else {
            &values[..1]
        };
        for (i, &v) in values.iter().enumerate() {
            let w = values[(i * 7 + 3) % values.len()];
            for args in [[v; 6], [v, w, v, w, v, w], [w, v, v, v, w, w]] {
                let mut data = SeccompData {
                    nr: number as i32,
                    arch: arch.audit(),
                    instruction_pointer: u64::MAX,
                    args,
                };
                let (our, their) = both(&data);
                assert_eq!(our, their, "{data:x?}");
                data.arch = 0x4000_0003; // i386
                assert_eq!(
                    both(&data),
                    (Action::KillProcess.verdict(), Action::KillProcess.verdict())
                );
            }
        }
        // x32 is where they differ on purpose: the oracle gives its default.
        let x32 = SeccompData {
            nr: (number | X32_BIT) as i32,
            arch: arch.audit(),
            instruction_pointer: 0,
            args: [0; 6],
        };
        let expected = if arch == Arch::X86_64 {
            Action::KillProcess
        } else {
            Action::Errno(1)
        };
        assert_eq!(run(&ours, &x32), Ok(expected.verdict()));
    }
}

fn around(rules: &Rules) -> Vec<u64> {
    let mut values = vec![0, 1, u64::from(u32::MAX), 1 << 32, u64::MAX];
    for &(_, _, _, a, b) in rules.values().flatten().flatten() {
        for v in [a, a.wrapping_add(1), a.wrapping_sub(1), a & b] {
            values.extend([v, v | 1 << 32, v | 0xffff_ffff_0000_0000]);
        }
    }
    values
}

fn check() -> impl Strategy<Value = Check> {
    let value = prop_oneof![
        0..64_u64,
        any::<u64>(),
        Just(u64::from(u32::MAX)),
        Just(1 << 31)
    ];
    (0..=5_u8, any::<bool>(), 0..5_u8, value.clone(), value).prop_map(|(arg, wide, kind, a, b)| {
        let fit = |v: u64| if wide { v } else { v & 0xffff_ffff };
        (arg, wide, kind, fit(a), fit(b).max(1))
    })
}

#[test]
fn a_descriptor_with_a_high_word_is_still_that_descriptor() {
    let rules = Rules::from([(3, vec![vec![(0, false, 0, 9, 1)]])]);
    let program = our_program(Arch::X86_64, &rules);
    let close = |fd| SeccompData {
        nr: 3,
        arch: Arch::X86_64.audit(),
        instruction_pointer: 0,
        args: [fd, 0, 0, 0, 0, 0],
    };
    assert_eq!(
        run(&program, &close(9 | 1 << 32)),
        Ok(Action::Allow.verdict())
    );
    assert_eq!(
        run(&program, &close(8 | 1 << 32)),
        Ok(Action::Errno(1).verdict())
    );
    assert_agreement(Arch::X86_64, &rules, &around(&rules));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn both_programs_agree(
        arm in any::<bool>(),
        rules in prop::collection::btree_map(
            0..600_u32,
            prop::collection::vec(prop::collection::vec(check(), 1..4), 0..4),
            0..20,
        ),
    ) {
        let arch = if arm { Arch::Aarch64 } else { Arch::X86_64 };
        assert_agreement(arch, &rules, &around(&rules));
    }
}

/// seccompiler's opinion on which calls a table lets pass.
///
/// It knows one answer for all rules and one for all else, and no order among them. So it is asked for
/// each call about the clauses that differ from what is answered otherwise, in one program for those
/// that let pass and in another for those that refuse.
#[derive(Debug)]
pub(in crate::policy) struct Oracle {
    passing: Program,
    refusing: Program,
    refused: std::collections::BTreeSet<u32>,
}

impl Oracle {
    pub(in crate::policy) fn of(table: &RuleTable) -> Self {
        let (mut passing, mut refusing) = (BTreeMap::new(), BTreeMap::new());
        for (&number, entry) in table.entries() {
            let (clauses, otherwise) = entry.parts();
            let passes = otherwise == Action::Allow;
            let differs = |(conditions, action): (&[Condition], Action)| {
                ((action == Action::Allow) != passes).then(|| conditions.iter().map(of).collect())
            };
            let rules: Vec<Vec<SeccompCondition>> = clauses.filter_map(differs).collect();
            match (passes, rules.is_empty()) {
                (true, true) => drop(passing.insert(i64::from(number), Vec::new())),
                (true, false) => drop(refusing.insert(i64::from(number), rules)),
                (false, true) => {}
                (false, false) => drop(passing.insert(i64::from(number), rules)),
            }
        }
        Self {
            refused: refusing.keys().filter_map(|&n| n.try_into().ok()).collect(),
            passing: linear(table.arch(), passing, false),
            refusing: linear(table.arch(), refusing, true),
        }
    }

    /// Whether a call that the table has an entry for passes.
    pub(in crate::policy) fn passes(&self, data: &SeccompData) -> bool {
        let program = if self.refused.contains(&(data.nr as u32)) {
            &self.refusing
        } else {
            &self.passing
        };
        run(program, data).unwrap() == Action::Allow.verdict()
    }
}

fn of(condition: &Condition) -> SeccompCondition {
    let (arg, width, compare) = condition.parts();
    let length = match width {
        Width::Dword => SeccompCmpArgLen::Dword,
        Width::Qword => SeccompCmpArgLen::Qword,
    };
    let (operator, value) = match compare {
        Compare::Eq(value) => (SeccompCmpOp::Eq, value),
        Compare::Ne(value) => (SeccompCmpOp::Ne, value),
        Compare::AtLeast(value) => (SeccompCmpOp::Ge, value),
        Compare::AtMost(value) => (SeccompCmpOp::Le, value),
        Compare::MaskedEq { mask, value } => (SeccompCmpOp::MaskedEq(mask), value),
    };
    SeccompCondition::new(arg, length, operator, value).unwrap()
}

fn linear(arch: Arch, rules: BTreeMap<i64, Vec<Vec<SeccompCondition>>>, refusing: bool) -> Program {
    use seccompiler::SeccompAction::{Allow, Errno};
    let arch = match arch {
        Arch::X86_64 => TargetArch::x86_64,
        Arch::Aarch64 => TargetArch::aarch64,
    };
    let rule = |conditions| SeccompRule::new(conditions).unwrap();
    let rules = rules
        .into_iter()
        .map(|(number, rules)| (number, rules.into_iter().map(rule).collect()));
    let (otherwise, then) = if refusing {
        (Allow, Errno(1))
    } else {
        (Errno(1), Allow)
    };
    let filter = SeccompFilter::new(rules.collect(), otherwise, then, arch).unwrap();
    let program: BpfProgram = filter.try_into().unwrap();
    let instruction = |i: &seccompiler::sock_filter| Instruction {
        code: i.code,
        jt: i.jt,
        jf: i.jf,
        k: i.k,
    };
    Program(program.iter().map(instruction).collect())
}
