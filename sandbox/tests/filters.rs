//! The filters of random profiles, installed: what the kernel answers is what the interpreter says.
//!
//! Below the filters lies another that refuses every call with an error of its own, so that a call that
//! they let pass is seen to pass and is not made.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::io;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use leasehold_sandbox::enforce::{Instruction, Program};
use leasehold_sandbox::names::channels::ACCEPTABLE;
use leasehold_sandbox::names::syscalls::{Arch, all, number};
use leasehold_sandbox::policy::Site;
use leasehold_sandbox::policy::bpf::{Action, Entry, RuleTable, compile};
use leasehold_sandbox::policy::interpreter::{SeccompData, run_chain};
use leasehold_sandbox::{Kernel, Policy, ProfileSource};
use proptest::prelude::*;

/// The error of a call that the filters let pass; Linux has none of this number.
const PASSED: u16 = 4000;
/// So many calls are tried under one pair of filters.
const CALLS: usize = 96;

/// What the children of a case tell, in memory that they share.
struct Told {
    answers: [AtomicI64; CALLS],
    count: AtomicUsize,
}

impl Told {
    fn new() -> &'static Self {
        let size = size_of::<Self>();
        let (access, flags) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_ANONYMOUS,
        );
        // SAFETY: a new mapping, which nothing else refers to.
        let memory = unsafe { libc::mmap(std::ptr::null_mut(), size, access, flags, -1, 0) };
        assert_ne!(memory, libc::MAP_FAILED, "{}", io::Error::last_os_error());
        // SAFETY: it is zeroed, large enough and page-aligned, never unmapped, and all-zero is a value
        // of these atomics.
        unsafe { &*memory.cast() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Answer(i64),
    Killed,
}

/// What the kernel answers to each call under these filters, the first installed first; and what the
/// interpreter says of it.
fn compare(filters: &[&Program], calls: &[(u32, [u64; 6])]) {
    let told = Told::new();
    let arch = Arch::native().unwrap();
    while told.count.load(Ordering::Relaxed) < calls.len() {
        let first = told.count.load(Ordering::Relaxed);
        // SAFETY: the child allocates, which glibc's fork provides for, and ends without returning.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0, "{}", io::Error::last_os_error());
        if pid == 0 {
            child(filters, calls, told)
        }
        let mut status = 0;
        // SAFETY: the status is written to an integer that outlives the call.
        assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
        let last = told.count.load(Ordering::Relaxed);
        let killed = libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGSYS;
        assert!(
            killed || last == calls.len(),
            "a child ended early: {status:#x}"
        );
        let bound: Vec<_> = filters.iter().map(|it| it.of_process(pid as u32)).collect();
        let chain: Vec<_> = bound.iter().rev().collect();
        let answers =
            (first..last).map(|at| (at, Seen::Answer(told.answers[at].load(Ordering::Relaxed))));
        for (at, seen) in answers.chain((last < calls.len()).then_some((last, Seen::Killed))) {
            let (number, args) = calls[at];
            let data = SeccompData {
                nr: number.cast_signed(),
                arch: arch.audit(),
                instruction_pointer: 0,
                args,
            };
            let verdict = Action::from_verdict(run_chain(&chain, &data).unwrap());
            let expected = match verdict.unwrap() {
                Action::Allow => Seen::Answer(-i64::from(PASSED)),
                Action::Errno(error) => Seen::Answer(-i64::from(error)),
                Action::KillProcess => Seen::Killed,
                Action::Notify => panic!("nothing is notified of"),
            };
            assert_eq!(seen, expected, "call {number} {args:x?} of process {pid}");
        }
        if last < calls.len() {
            told.count.store(last + 1, Ordering::Relaxed);
        }
    }
}

fn child(filters: &[&Program], calls: &[(u32, [u64; 6])], told: &Told) -> ! {
    leasehold_sandbox::sys::process::set_no_new_privs().unwrap();
    // Prepared before the lowest filter takes memory away.
    let bottom = prepared(&bottom());
    let bound: Vec<_> = filters
        .iter()
        .map(|it| prepared(&it.of_process(std::process::id())))
        .collect();
    for filter in std::iter::once(&bottom).chain(&bound) {
        install(filter);
    }
    let first = told.count.load(Ordering::Relaxed);
    for (at, &(number, args)) in calls.iter().enumerate().skip(first) {
        let [a, b, c, d, e, f] = args;
        // SAFETY: no filter lets the call be made: the lowest refuses it if no other does.
        let result = unsafe { libc::syscall(number.into(), a, b, c, d, e, f) };
        let answer = match result {
            -1 => -i64::from(io::Error::last_os_error().raw_os_error().unwrap_or(0)),
            other => other,
        };
        told.answers[at].store(answer, Ordering::Relaxed);
        told.count.store(at + 1, Ordering::Relaxed);
    }
    // It cannot even exit.
    std::process::abort()
}

/// Refuses every call but the installation of more filters.
fn bottom() -> Program {
    let arch = Arch::native().unwrap();
    let mut table = RuleTable::new(arch, Action::Errno(PASSED)).unwrap();
    let seccomp = number(arch, "seccomp").unwrap();
    table
        .insert(seccomp, Entry::always(Action::Allow).unwrap())
        .unwrap();
    compile(&table).unwrap()
}

fn prepared(program: &Program) -> Vec<libc::sock_filter> {
    let instructions = program.0.iter();
    instructions
        .map(|&Instruction { code, jt, jf, k }| libc::sock_filter { code, jt, jf, k })
        .collect()
}

/// As `Program::install`, without its prctl and its memory, which the lowest filter refuses.
fn install(filter: &[libc::sock_filter]) {
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_ptr().cast_mut(),
    };
    // SAFETY: the kernel copies the program, which outlives the call, and writes nothing.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            0,
            &raw const program,
        )
    };
    if result != 0 {
        // Nothing can be told, nor the process be ended in order.
        std::process::abort();
    }
}

fn value() -> impl Strategy<Value = u64> {
    let known = vec![
        0,
        1,
        2,
        3,
        5,
        6,
        10,
        15,
        16,
        22,
        36,
        0o1000,
        0o1003,
        0x11,
        0x100,
        0x5401,
        0x1_0000,
        0x2000_0000,
        0x7fff_fffd,
        0x8000_0003,
        0xffff_ffff,
        1 << 32,
        (1 << 32) + 1,
        1 << 63,
        u64::MAX,
    ];
    prop_oneof![8 => prop::sample::select(known), 1 => any::<u64>(), 1 => 0..64_u64]
}

/// Not tried: the one that the lowest filter lets pass, and those that no filter sees since Linux 6.14
/// (the kernel's own trampolines make them, and SIGILL is for who else does).
const LEFT_OUT: [&str; 3] = ["seccomp", "uprobe", "uretprobe"];

fn call() -> impl Strategy<Value = (u32, [u64; 6])> {
    let arch = Arch::native().unwrap();
    let left_out = LEFT_OUT.map(|name| number(arch, name));
    let number = prop_oneof![9 => 0..480_u32, 1 => 480..0x4000_0200_u32];
    let number = number.prop_filter("left out", move |number| !left_out.contains(&Some(*number)));
    (number, prop::array::uniform6(value()))
}

/// The text of a profile.
fn profile() -> impl Strategy<Value = String> {
    let names: Vec<_> = all().collect();
    let grant = (
        prop::collection::btree_set(prop::sample::select(names), 1..4),
        prop::sample::select(vec![
            "allow",
            "kill",
            "errno, errno: ENOTTY",
            "errno, errno: ENOSYS",
        ]),
    );
    let grant = grant.prop_map(|(names, action)| {
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        format!("{{names: [{names}], action: {action}}}")
    });
    let grants = prop::collection::vec(grant, 0..4);
    (any::<[bool; 3]>(), grants).prop_map(|([connect, listen, processes], grants)| {
        let ports = |granted| if granted { "{port: 9}" } else { "" };
        format!(
            "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {{name: p}}\nspec:\n  \
             connect: [{}]\n  listen: [{}]\n  ceiling: {{processes: {}}}\n  acceptGaps: [{}]\n  \
             advanced: {{seccomp: [{}]}}\n",
            ports(connect),
            ports(listen),
            if processes { 8 } else { 1 },
            ACCEPTABLE.join(", "),
            grants.join(", "),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_kernel_answers_as_the_interpreter_does(
        text in profile(), abi in 1..11_u32, imports: bool,
        calls in prop::collection::vec(call(), CALLS),
    ) {
        // Two different refusals of one call are an error.
        let Ok(profile) = ProfileSource::parse(&text, "p").unwrap().inherit() else {
            return Ok(());
        };
        let directory = tempfile::tempdir().unwrap();
        let site = Site {
            function_dir: directory.path().to_owned(),
            scratches: directory.path().to_owned(),
            interpreter: imports.then(|| "/bin/sh".into()),
            ..Site::default()
        };
        let kernel = Kernel::probe().unwrap().with_landlock_abi(abi);
        let limits = profile.ceiling.limits();
        let policy = Policy::compile(&profile, limits, &kernel, &site).unwrap();
        compare(&[&policy.zygote_layer().filter, &policy.worker_layer().filter], &calls);
    }
}
