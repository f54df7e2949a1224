#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::policy::interpreter::run;

fn data(arch: Arch, nr: u32, args: [u64; 6]) -> SeccompData {
    SeccompData {
        nr: nr as i32,
        arch: arch.audit(),
        instruction_pointer: 0,
        args,
    }
}

fn eq(arg: u8, value: u64) -> Condition {
    Condition::new(arg, Width::Dword, Compare::Eq(value)).unwrap()
}

/// Every jump of a program the kernel would accept stays inside, and the end returns.
fn assert_well_formed(program: &Program) {
    let length = program.0.len();
    assert!((1..=Program::MAX_INSTRUCTIONS).contains(&length));
    assert_eq!(program.0.last().unwrap().code, 0x06);
    for (at, instruction) in program.0.iter().enumerate() {
        let reach = match instruction.code {
            0x05 => instruction.k as usize,
            code if code & 0x07 == 0x05 => usize::from(instruction.jt.max(instruction.jf)),
            _ => 0,
        };
        assert!(at + reach < length, "instruction {at} of {length}");
    }
}

fn assert_same(table: &RuleTable, program: &Program, data: &SeccompData) {
    assert_eq!(
        run(program, data),
        Ok(table.evaluate(data).verdict()),
        "{data:x?}"
    );
}

#[test]
fn constructors_refuse_what_means_nothing() {
    let dword = |compare| Condition::new(0, Width::Dword, compare);
    assert_eq!(
        Condition::new(6, Width::Dword, Compare::Eq(0)),
        Err(BpfError::Argument(6))
    );
    assert_eq!(dword(Compare::Eq(1 << 32)), Err(BpfError::Width(1 << 32)));
    assert_eq!(
        dword(Compare::AtMost(u64::MAX)),
        Err(BpfError::Width(u64::MAX))
    );
    let wide = Compare::MaskedEq {
        mask: 1 << 32,
        value: 0,
    };
    assert_eq!(dword(wide), Err(BpfError::Width(1 << 32)));
    assert!(Condition::new(0, Width::Qword, wide).is_ok());
    for (mask, value) in [(0, 0), (0, 1), (2, 1)] {
        let result = Condition::new(0, Width::Qword, Compare::MaskedEq { mask, value });
        assert_eq!(result, Err(BpfError::Mask { mask, value }));
    }
    assert_eq!(
        Clause::new(vec![], Action::Allow),
        Err(BpfError::Unconditional)
    );
    assert_eq!(
        Clause::new(vec![eq(0, 0)], Action::Errno(4096)),
        Err(BpfError::Errno(4096))
    );
    assert_eq!(
        Entry::always(Action::Errno(5000)),
        Err(BpfError::Errno(5000))
    );
    assert_eq!(
        RuleTable::new(Arch::X86_64, Action::Errno(5000)),
        Err(BpfError::Errno(5000))
    );
    let mut table = RuleTable::new(Arch::X86_64, Action::Allow).unwrap();
    let entry = Entry::always(Action::Allow).unwrap();
    assert_eq!(table.insert(X32_BIT, entry), Err(BpfError::Number(X32_BIT)));
}

#[test]
fn verdicts_are_the_kernels_constants() {
    assert_eq!(Action::Allow.verdict(), libc::SECCOMP_RET_ALLOW);
    assert_eq!(
        Action::KillProcess.verdict(),
        libc::SECCOMP_RET_KILL_PROCESS
    );
    assert_eq!(Action::Notify.verdict(), libc::SECCOMP_RET_USER_NOTIF);
    assert_eq!(Action::Errno(38).verdict(), libc::SECCOMP_RET_ERRNO | 38);
    for action in [
        Action::Allow,
        Action::KillProcess,
        Action::Notify,
        Action::Errno(0),
        Action::Errno(4095),
    ] {
        assert_eq!(Action::from_verdict(action.verdict()), Some(action));
    }
    assert_eq!(Action::from_verdict(libc::SECCOMP_RET_KILL_THREAD), None);
    assert_eq!(Action::from_verdict(libc::SECCOMP_RET_ERRNO | 4096), None);
}

#[test]
fn foreign_architectures_and_x32_are_killed_but_a_skipped_call_is_not() {
    let table = RuleTable::new(Arch::X86_64, Action::Errno(1)).unwrap();
    let program = compile(&table).unwrap();
    let verdict = |arch, nr| run(&program, &data(arch, nr, [0; 6])).unwrap();
    assert_eq!(verdict(Arch::Aarch64, 0), Action::KillProcess.verdict());
    for nr in [X32_BIT, X32_BIT | 59, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe] {
        assert_eq!(
            verdict(Arch::X86_64, nr),
            Action::KillProcess.verdict(),
            "{nr:#x}"
        );
    }
    for nr in [0, X32_BIT - 1, u32::MAX] {
        assert_eq!(
            verdict(Arch::X86_64, nr),
            Action::Errno(1).verdict(),
            "{nr:#x}"
        );
    }
    let arm = compile(&RuleTable::new(Arch::Aarch64, Action::Errno(1)).unwrap()).unwrap();
    assert_eq!(
        run(&arm, &data(Arch::Aarch64, X32_BIT, [0; 6])),
        Ok(Action::Errno(1).verdict())
    );
}

#[test]
fn a_small_table_is_a_short_program() {
    let mut table = RuleTable::new(Arch::X86_64, Action::Allow).unwrap();
    for number in [10, 20, 30, 40, 50, 60, 70, 80, 90, 100] {
        table
            .insert(number, Entry::always(Action::Errno(1)).unwrap())
            .unwrap();
    }
    let program = compile(&table).unwrap();
    assert_well_formed(&program);
    assert!(program.0.len() <= 22, "{program:#?}");
}

#[test]
fn neighbours_with_equal_blocks_share_one_range_and_one_block() {
    let entry = Entry::new(
        vec![Clause::new(vec![eq(0, 0)], Action::Allow).unwrap()],
        Action::Errno(1),
    )
    .unwrap();
    let lengths = [1, 100].map(|count| {
        let mut table = RuleTable::new(Arch::Aarch64, Action::KillProcess).unwrap();
        for number in 0..count {
            table.insert(number, entry.clone()).unwrap();
        }
        compile(&table).unwrap().0.len()
    });
    assert_eq!(lengths[0], lengths[1]);
}

#[test]
fn long_blocks_and_large_tables_keep_their_jumps_in_range() {
    let mut table = RuleTable::new(Arch::X86_64, Action::Errno(1)).unwrap();
    for number in 0..600_u32 {
        let clauses = (0..u64::from(number % 2))
            .map(|n| {
                Clause::new(vec![eq(1, n), eq(2, n + u64::from(number))], Action::Allow).unwrap()
            })
            .collect();
        table
            .insert(number, Entry::new(clauses, Action::Errno(2)).unwrap())
            .unwrap();
    }
    let chain = (0..400)
        .map(|n| Clause::new(vec![eq(0, n), eq(1, n * n)], Action::Allow).unwrap())
        .collect();
    table
        .insert(300, Entry::new(chain, Action::KillProcess).unwrap())
        .unwrap();
    let program = compile(&table).unwrap();
    assert_well_formed(&program);
    for number in 0..610 {
        for n in [0, 1, 2, 399, 400] {
            assert_same(
                &table,
                &program,
                &data(
                    Arch::X86_64,
                    number,
                    [n, n * n, n + u64::from(number), 0, 0, 0],
                ),
            );
            assert_same(
                &table,
                &program,
                &data(Arch::X86_64, number, [n, n, n + u64::from(number), 0, 0, 0]),
            );
        }
    }
}

#[test]
fn what_the_kernel_would_not_take_is_an_error() {
    let clauses = (0..3000)
        .map(|n| Clause::new(vec![eq(0, n), eq(1, n)], Action::Allow).unwrap())
        .collect();
    let mut table = RuleTable::new(Arch::X86_64, Action::Allow).unwrap();
    table
        .insert(1, Entry::new(clauses, Action::Errno(1)).unwrap())
        .unwrap();
    assert!(matches!(compile(&table), Err(BpfError::TooLong(n)) if n > 4096));
}

const INTERESTING: [u64; 16] = [
    0,
    1,
    2,
    3,
    7,
    8,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fffe,
    0xffff_ffff,
    0x1_0000_0000,
    0x1_0000_0001,
    0x8000_0000_0000_0000,
    0xffff_ffff_0000_0000,
    0xffff_ffff_0000_0001,
    u64::MAX,
];

fn value() -> impl Strategy<Value = u64> {
    prop_oneof![
        prop::sample::select(INTERESTING.to_vec()),
        any::<u64>(),
        0..32_u64
    ]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        Just(Action::Allow),
        Just(Action::KillProcess),
        Just(Action::Notify),
        prop_oneof![Just(0_u16), Just(1), Just(38), 0..=4095_u16].prop_map(Action::Errno),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    (0..=5_u8, any::<bool>(), 0..4, value(), value()).prop_map(|(arg, wide, kind, a, b)| {
        let width = if wide { Width::Qword } else { Width::Dword };
        let fit = |v: u64| if wide { v } else { v & 0xffff_ffff };
        let (a, b) = (fit(a), fit(b));
        let compare = match kind {
            0 => Compare::Eq(a),
            1 => Compare::AtLeast(a),
            2 => Compare::AtMost(a),
            _ => Compare::MaskedEq {
                mask: a.max(1),
                value: b & a.max(1),
            },
        };
        Condition::new(arg, width, compare).unwrap()
    })
}

fn entry() -> impl Strategy<Value = Entry> {
    let clause = (prop::collection::vec(condition(), 1..4), action())
        .prop_map(|(conditions, action)| Clause::new(conditions, action).unwrap());
    let case = (0..2_u8, 0..40_u64, action())
        .prop_map(|(arg, v, action)| Clause::new(vec![eq(arg, v)], action).unwrap());
    (
        prop::collection::vec(prop_oneof![clause, case], 0..12),
        action(),
    )
        .prop_map(|(clauses, otherwise)| Entry::new(clauses, otherwise).unwrap())
}

fn table() -> impl Strategy<Value = RuleTable> {
    let arch = prop_oneof![Just(Arch::X86_64), Just(Arch::Aarch64)];
    let number = prop_oneof![0..40_u32, 0..600_u32, 0x3fff_fff0..0x4000_0000_u32];
    (
        arch,
        prop::collection::btree_map(number, entry(), 0..60),
        action(),
    )
        .prop_map(|(arch, entries, default)| {
            let mut table = RuleTable::new(arch, default).unwrap();
            for (number, entry) in entries {
                table.insert(number, entry).unwrap();
            }
            table
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_program_answers_as_its_table(table in table(), args in prop::array::uniform6(value())) {
        let program = compile(&table).unwrap();
        assert_well_formed(&program);
        prop_assert_eq!(&program, &compile(&table.clone()).unwrap());
        let mut numbers = vec![0, 1, X32_BIT - 1, X32_BIT, X32_BIT | 1, 0x7fff_ffff, 0x8000_0000, u32::MAX - 1, u32::MAX];
        numbers.extend(table.entries().keys().flat_map(|&n| [n.saturating_sub(1), n, n + 1]));
        for number in numbers {
            assert_same(&table, &program, &data(table.arch(), number, args));
        }
        for (&number, entry) in table.entries() {
            let near = entry.values_around();
            for (i, &v) in near.iter().enumerate() {
                assert_same(&table, &program, &data(table.arch(), number, [v; 6]));
                let mut mixed = args;
                for (arg, slot) in mixed.iter_mut().enumerate() {
                    if (i + arg) % 2 == 0 {
                        *slot = near[(i + arg) % near.len()];
                    }
                }
                assert_same(&table, &program, &data(table.arch(), number, mixed));
            }
        }
        let foreign = if table.arch() == Arch::X86_64 { Arch::Aarch64 } else { Arch::X86_64 };
        assert_same(&table, &program, &data(foreign, 0, args));
    }
}
