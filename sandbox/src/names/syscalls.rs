//! System calls: names and numbers, one column per architecture. Imports nothing.
//!
//! Source: `arch/x86/entry/syscalls/syscall_64.tbl` and `scripts/syscall.tbl` (the generic numbers,
//! which arm64 uses) of Linux 6.18. A kernel that lacks a call answers ENOSYS whatever a filter says,
//! so a table newer than the kernel does no harm.
#![forbid(unsafe_code)]

/// An architecture whose system calls are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arch {
    /// x86-64 with its own ABI, without x32.
    X86_64,
    /// 64-bit ARM, little-endian.
    Aarch64,
}

impl Arch {
    /// The architecture that this program was built for, if it is known.
    #[must_use]
    pub const fn native() -> Option<Self> {
        if cfg!(target_arch = "x86_64") {
            Some(Self::X86_64)
        } else if cfg!(all(target_arch = "aarch64", target_endian = "little")) {
            Some(Self::Aarch64)
        } else {
            None
        }
    }

    /// `AUDIT_ARCH_*` of `<linux/audit.h>`: what `seccomp_data.arch` holds.
    #[must_use]
    pub const fn audit(self) -> u32 {
        match self {
            Self::X86_64 => 0xC000_003E,
            Self::Aarch64 => 0xC000_00B7,
        }
    }
}

/// The number of a call, `None` when the name is unknown or the architecture lacks the call.
#[must_use]
pub fn number(arch: Arch, name: &str) -> Option<u32> {
    let row = TABLE.binary_search_by(|row| row.0.cmp(name)).ok()?;
    column(TABLE.get(row)?, arch)
}

/// The name of a call.
#[must_use]
pub fn name(arch: Arch, number: u32) -> Option<&'static str> {
    TABLE
        .iter()
        .find(|row| column(row, arch) == Some(number))
        .map(|row| row.0)
}

/// Whether some architecture has a call of this name.
#[must_use]
pub fn is_known(name: &str) -> bool {
    TABLE.binary_search_by(|row| row.0.cmp(name)).is_ok()
}

/// Every name, sorted.
pub fn all() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|row| row.0)
}

type Row = (&'static str, Option<u32>, Option<u32>);

fn column(row: &Row, arch: Arch) -> Option<u32> {
    match arch {
        Arch::X86_64 => row.1,
        Arch::Aarch64 => row.2,
    }
}

/// Name, x86-64, arm64; sorted by name.
#[rustfmt::skip]
static TABLE: &[Row] = &[
    ("_sysctl", Some(156), None),
    ("accept", Some(43), Some(202)),
    ("accept4", Some(288), Some(242)),
    ("access", Some(21), None),
    ("acct", Some(163), Some(89)),
    ("add_key", Some(248), Some(217)),
    ("adjtimex", Some(159), Some(171)),
    ("afs_syscall", Some(183), None),
    ("alarm", Some(37), None),
    ("arch_prctl", Some(158), None),
    ("bind", Some(49), Some(200)),
    ("bpf", Some(321), Some(280)),
    ("brk", Some(12), Some(214)),
    ("cachestat", Some(451), Some(451)),
    ("capget", Some(125), Some(90)),
    ("capset", Some(126), Some(91)),
    ("chdir", Some(80), Some(49)),
    ("chmod", Some(90), None),
    ("chown", Some(92), None),
    ("chroot", Some(161), Some(51)),
    ("clock_adjtime", Some(305), Some(266)),
    ("clock_getres", Some(229), Some(114)),
    ("clock_gettime", Some(228), Some(113)),
    ("clock_nanosleep", Some(230), Some(115)),
    ("clock_settime", Some(227), Some(112)),
    ("clone", Some(56), Some(220)),
    ("clone3", Some(435), Some(435)),
    ("close", Some(3), Some(57)),
    ("close_range", Some(436), Some(436)),
    ("connect", Some(42), Some(203)),
    ("copy_file_range", Some(326), Some(285)),
    ("creat", Some(85), None),
    ("create_module", Some(174), None),
    ("delete_module", Some(176), Some(106)),
    ("dup", Some(32), Some(23)),
    ("dup2", Some(33), None),
    ("dup3", Some(292), Some(24)),
    ("epoll_create", Some(213), None),
    ("epoll_create1", Some(291), Some(20)),
    ("epoll_ctl", Some(233), Some(21)),
    ("epoll_ctl_old", Some(214), None),
    ("epoll_pwait", Some(281), Some(22)),
    ("epoll_pwait2", Some(441), Some(441)),
    ("epoll_wait", Some(232), None),
    ("epoll_wait_old", Some(215), None),
    ("eventfd", Some(284), None),
    ("eventfd2", Some(290), Some(19)),
    ("execve", Some(59), Some(221)),
    ("execveat", Some(322), Some(281)),
    ("exit", Some(60), Some(93)),
    ("exit_group", Some(231), Some(94)),
    ("faccessat", Some(269), Some(48)),
    ("faccessat2", Some(439), Some(439)),
    ("fadvise64", Some(221), Some(223)),
    ("fallocate", Some(285), Some(47)),
    ("fanotify_init", Some(300), Some(262)),
    ("fanotify_mark", Some(301), Some(263)),
    ("fchdir", Some(81), Some(50)),
    ("fchmod", Some(91), Some(52)),
    ("fchmodat", Some(268), Some(53)),
    ("fchmodat2", Some(452), Some(452)),
    ("fchown", Some(93), Some(55)),
    ("fchownat", Some(260), Some(54)),
    ("fcntl", Some(72), Some(25)),
    ("fdatasync", Some(75), Some(83)),
    ("fgetxattr", Some(193), Some(10)),
    ("file_getattr", Some(468), Some(468)),
    ("file_setattr", Some(469), Some(469)),
    ("finit_module", Some(313), Some(273)),
    ("flistxattr", Some(196), Some(13)),
    ("flock", Some(73), Some(32)),
    ("fork", Some(57), None),
    ("fremovexattr", Some(199), Some(16)),
    ("fsconfig", Some(431), Some(431)),
    ("fsetxattr", Some(190), Some(7)),
    ("fsmount", Some(432), Some(432)),
    ("fsopen", Some(430), Some(430)),
    ("fspick", Some(433), Some(433)),
    ("fstat", Some(5), Some(80)),
    ("fstatfs", Some(138), Some(44)),
    ("fsync", Some(74), Some(82)),
    ("ftruncate", Some(77), Some(46)),
    ("futex", Some(202), Some(98)),
    ("futex_requeue", Some(456), Some(456)),
    ("futex_wait", Some(455), Some(455)),
    ("futex_waitv", Some(449), Some(449)),
    ("futex_wake", Some(454), Some(454)),
    ("futimesat", Some(261), None),
    ("get_kernel_syms", Some(177), None),
    ("get_mempolicy", Some(239), Some(236)),
    ("get_robust_list", Some(274), Some(100)),
    ("get_thread_area", Some(211), None),
    ("getcpu", Some(309), Some(168)),
    ("getcwd", Some(79), Some(17)),
    ("getdents", Some(78), None),
    ("getdents64", Some(217), Some(61)),
    ("getegid", Some(108), Some(177)),
    ("geteuid", Some(107), Some(175)),
    ("getgid", Some(104), Some(176)),
    ("getgroups", Some(115), Some(158)),
    ("getitimer", Some(36), Some(102)),
    ("getpeername", Some(52), Some(205)),
    ("getpgid", Some(121), Some(155)),
    ("getpgrp", Some(111), None),
    ("getpid", Some(39), Some(172)),
    ("getpmsg", Some(181), None),
    ("getppid", Some(110), Some(173)),
    ("getpriority", Some(140), Some(141)),
    ("getrandom", Some(318), Some(278)),
    ("getresgid", Some(120), Some(150)),
    ("getresuid", Some(118), Some(148)),
    ("getrlimit", Some(97), Some(163)),
    ("getrusage", Some(98), Some(165)),
    ("getsid", Some(124), Some(156)),
    ("getsockname", Some(51), Some(204)),
    ("getsockopt", Some(55), Some(209)),
    ("gettid", Some(186), Some(178)),
    ("gettimeofday", Some(96), Some(169)),
    ("getuid", Some(102), Some(174)),
    ("getxattr", Some(191), Some(8)),
    ("getxattrat", Some(464), Some(464)),
    ("init_module", Some(175), Some(105)),
    ("inotify_add_watch", Some(254), Some(27)),
    ("inotify_init", Some(253), None),
    ("inotify_init1", Some(294), Some(26)),
    ("inotify_rm_watch", Some(255), Some(28)),
    ("io_cancel", Some(210), Some(3)),
    ("io_destroy", Some(207), Some(1)),
    ("io_getevents", Some(208), Some(4)),
    ("io_pgetevents", Some(333), Some(292)),
    ("io_setup", Some(206), Some(0)),
    ("io_submit", Some(209), Some(2)),
    ("io_uring_enter", Some(426), Some(426)),
    ("io_uring_register", Some(427), Some(427)),
    ("io_uring_setup", Some(425), Some(425)),
    ("ioctl", Some(16), Some(29)),
    ("ioperm", Some(173), None),
    ("iopl", Some(172), None),
    ("ioprio_get", Some(252), Some(31)),
    ("ioprio_set", Some(251), Some(30)),
    ("kcmp", Some(312), Some(272)),
    ("kexec_file_load", Some(320), Some(294)),
    ("kexec_load", Some(246), Some(104)),
    ("keyctl", Some(250), Some(219)),
    ("kill", Some(62), Some(129)),
    ("landlock_add_rule", Some(445), Some(445)),
    ("landlock_create_ruleset", Some(444), Some(444)),
    ("landlock_restrict_self", Some(446), Some(446)),
    ("lchown", Some(94), None),
    ("lgetxattr", Some(192), Some(9)),
    ("link", Some(86), None),
    ("linkat", Some(265), Some(37)),
    ("listen", Some(50), Some(201)),
    ("listmount", Some(458), Some(458)),
    ("listxattr", Some(194), Some(11)),
    ("listxattrat", Some(465), Some(465)),
    ("llistxattr", Some(195), Some(12)),
    ("lookup_dcookie", Some(212), Some(18)),
    ("lremovexattr", Some(198), Some(15)),
    ("lseek", Some(8), Some(62)),
    ("lsetxattr", Some(189), Some(6)),
    ("lsm_get_self_attr", Some(459), Some(459)),
    ("lsm_list_modules", Some(461), Some(461)),
    ("lsm_set_self_attr", Some(460), Some(460)),
    ("lstat", Some(6), None),
    ("madvise", Some(28), Some(233)),
    ("map_shadow_stack", Some(453), Some(453)),
    ("mbind", Some(237), Some(235)),
    ("membarrier", Some(324), Some(283)),
    ("memfd_create", Some(319), Some(279)),
    ("memfd_secret", Some(447), Some(447)),
    ("migrate_pages", Some(256), Some(238)),
    ("mincore", Some(27), Some(232)),
    ("mkdir", Some(83), None),
    ("mkdirat", Some(258), Some(34)),
    ("mknod", Some(133), None),
    ("mknodat", Some(259), Some(33)),
    ("mlock", Some(149), Some(228)),
    ("mlock2", Some(325), Some(284)),
    ("mlockall", Some(151), Some(230)),
    ("mmap", Some(9), Some(222)),
    ("modify_ldt", Some(154), None),
    ("mount", Some(165), Some(40)),
    ("mount_setattr", Some(442), Some(442)),
    ("move_mount", Some(429), Some(429)),
    ("move_pages", Some(279), Some(239)),
    ("mprotect", Some(10), Some(226)),
    ("mq_getsetattr", Some(245), Some(185)),
    ("mq_notify", Some(244), Some(184)),
    ("mq_open", Some(240), Some(180)),
    ("mq_timedreceive", Some(243), Some(183)),
    ("mq_timedsend", Some(242), Some(182)),
    ("mq_unlink", Some(241), Some(181)),
    ("mremap", Some(25), Some(216)),
    ("mseal", Some(462), Some(462)),
    ("msgctl", Some(71), Some(187)),
    ("msgget", Some(68), Some(186)),
    ("msgrcv", Some(70), Some(188)),
    ("msgsnd", Some(69), Some(189)),
    ("msync", Some(26), Some(227)),
    ("munlock", Some(150), Some(229)),
    ("munlockall", Some(152), Some(231)),
    ("munmap", Some(11), Some(215)),
    ("name_to_handle_at", Some(303), Some(264)),
    ("nanosleep", Some(35), Some(101)),
    ("newfstatat", Some(262), Some(79)),
    ("nfsservctl", Some(180), Some(42)),
    ("open", Some(2), None),
    ("open_by_handle_at", Some(304), Some(265)),
    ("open_tree", Some(428), Some(428)),
    ("open_tree_attr", Some(467), Some(467)),
    ("openat", Some(257), Some(56)),
    ("openat2", Some(437), Some(437)),
    ("pause", Some(34), None),
    ("perf_event_open", Some(298), Some(241)),
    ("personality", Some(135), Some(92)),
    ("pidfd_getfd", Some(438), Some(438)),
    ("pidfd_open", Some(434), Some(434)),
    ("pidfd_send_signal", Some(424), Some(424)),
    ("pipe", Some(22), None),
    ("pipe2", Some(293), Some(59)),
    ("pivot_root", Some(155), Some(41)),
    ("pkey_alloc", Some(330), Some(289)),
    ("pkey_free", Some(331), Some(290)),
    ("pkey_mprotect", Some(329), Some(288)),
    ("poll", Some(7), None),
    ("ppoll", Some(271), Some(73)),
    ("prctl", Some(157), Some(167)),
    ("pread64", Some(17), Some(67)),
    ("preadv", Some(295), Some(69)),
    ("preadv2", Some(327), Some(286)),
    ("prlimit64", Some(302), Some(261)),
    ("process_madvise", Some(440), Some(440)),
    ("process_mrelease", Some(448), Some(448)),
    ("process_vm_readv", Some(310), Some(270)),
    ("process_vm_writev", Some(311), Some(271)),
    ("pselect6", Some(270), Some(72)),
    ("ptrace", Some(101), Some(117)),
    ("putpmsg", Some(182), None),
    ("pwrite64", Some(18), Some(68)),
    ("pwritev", Some(296), Some(70)),
    ("pwritev2", Some(328), Some(287)),
    ("query_module", Some(178), None),
    ("quotactl", Some(179), Some(60)),
    ("quotactl_fd", Some(443), Some(443)),
    ("read", Some(0), Some(63)),
    ("readahead", Some(187), Some(213)),
    ("readlink", Some(89), None),
    ("readlinkat", Some(267), Some(78)),
    ("readv", Some(19), Some(65)),
    ("reboot", Some(169), Some(142)),
    ("recvfrom", Some(45), Some(207)),
    ("recvmmsg", Some(299), Some(243)),
    ("recvmsg", Some(47), Some(212)),
    ("remap_file_pages", Some(216), Some(234)),
    ("removexattr", Some(197), Some(14)),
    ("removexattrat", Some(466), Some(466)),
    ("rename", Some(82), None),
    ("renameat", Some(264), Some(38)),
    ("renameat2", Some(316), Some(276)),
    ("request_key", Some(249), Some(218)),
    ("restart_syscall", Some(219), Some(128)),
    ("rmdir", Some(84), None),
    ("rseq", Some(334), Some(293)),
    ("rt_sigaction", Some(13), Some(134)),
    ("rt_sigpending", Some(127), Some(136)),
    ("rt_sigprocmask", Some(14), Some(135)),
    ("rt_sigqueueinfo", Some(129), Some(138)),
    ("rt_sigreturn", Some(15), Some(139)),
    ("rt_sigsuspend", Some(130), Some(133)),
    ("rt_sigtimedwait", Some(128), Some(137)),
    ("rt_tgsigqueueinfo", Some(297), Some(240)),
    ("sched_get_priority_max", Some(146), Some(125)),
    ("sched_get_priority_min", Some(147), Some(126)),
    ("sched_getaffinity", Some(204), Some(123)),
    ("sched_getattr", Some(315), Some(275)),
    ("sched_getparam", Some(143), Some(121)),
    ("sched_getscheduler", Some(145), Some(120)),
    ("sched_rr_get_interval", Some(148), Some(127)),
    ("sched_setaffinity", Some(203), Some(122)),
    ("sched_setattr", Some(314), Some(274)),
    ("sched_setparam", Some(142), Some(118)),
    ("sched_setscheduler", Some(144), Some(119)),
    ("sched_yield", Some(24), Some(124)),
    ("seccomp", Some(317), Some(277)),
    ("security", Some(185), None),
    ("select", Some(23), None),
    ("semctl", Some(66), Some(191)),
    ("semget", Some(64), Some(190)),
    ("semop", Some(65), Some(193)),
    ("semtimedop", Some(220), Some(192)),
    ("sendfile", Some(40), Some(71)),
    ("sendmmsg", Some(307), Some(269)),
    ("sendmsg", Some(46), Some(211)),
    ("sendto", Some(44), Some(206)),
    ("set_mempolicy", Some(238), Some(237)),
    ("set_mempolicy_home_node", Some(450), Some(450)),
    ("set_robust_list", Some(273), Some(99)),
    ("set_thread_area", Some(205), None),
    ("set_tid_address", Some(218), Some(96)),
    ("setdomainname", Some(171), Some(162)),
    ("setfsgid", Some(123), Some(152)),
    ("setfsuid", Some(122), Some(151)),
    ("setgid", Some(106), Some(144)),
    ("setgroups", Some(116), Some(159)),
    ("sethostname", Some(170), Some(161)),
    ("setitimer", Some(38), Some(103)),
    ("setns", Some(308), Some(268)),
    ("setpgid", Some(109), Some(154)),
    ("setpriority", Some(141), Some(140)),
    ("setregid", Some(114), Some(143)),
    ("setresgid", Some(119), Some(149)),
    ("setresuid", Some(117), Some(147)),
    ("setreuid", Some(113), Some(145)),
    ("setrlimit", Some(160), Some(164)),
    ("setsid", Some(112), Some(157)),
    ("setsockopt", Some(54), Some(208)),
    ("settimeofday", Some(164), Some(170)),
    ("setuid", Some(105), Some(146)),
    ("setxattr", Some(188), Some(5)),
    ("setxattrat", Some(463), Some(463)),
    ("shmat", Some(30), Some(196)),
    ("shmctl", Some(31), Some(195)),
    ("shmdt", Some(67), Some(197)),
    ("shmget", Some(29), Some(194)),
    ("shutdown", Some(48), Some(210)),
    ("sigaltstack", Some(131), Some(132)),
    ("signalfd", Some(282), None),
    ("signalfd4", Some(289), Some(74)),
    ("socket", Some(41), Some(198)),
    ("socketpair", Some(53), Some(199)),
    ("splice", Some(275), Some(76)),
    ("stat", Some(4), None),
    ("statfs", Some(137), Some(43)),
    ("statmount", Some(457), Some(457)),
    ("statx", Some(332), Some(291)),
    ("swapoff", Some(168), Some(225)),
    ("swapon", Some(167), Some(224)),
    ("symlink", Some(88), None),
    ("symlinkat", Some(266), Some(36)),
    ("sync", Some(162), Some(81)),
    ("sync_file_range", Some(277), Some(84)),
    ("syncfs", Some(306), Some(267)),
    ("sysfs", Some(139), None),
    ("sysinfo", Some(99), Some(179)),
    ("syslog", Some(103), Some(116)),
    ("tee", Some(276), Some(77)),
    ("tgkill", Some(234), Some(131)),
    ("time", Some(201), None),
    ("timer_create", Some(222), Some(107)),
    ("timer_delete", Some(226), Some(111)),
    ("timer_getoverrun", Some(225), Some(109)),
    ("timer_gettime", Some(224), Some(108)),
    ("timer_settime", Some(223), Some(110)),
    ("timerfd_create", Some(283), Some(85)),
    ("timerfd_gettime", Some(287), Some(87)),
    ("timerfd_settime", Some(286), Some(86)),
    ("times", Some(100), Some(153)),
    ("tkill", Some(200), Some(130)),
    ("truncate", Some(76), Some(45)),
    ("tuxcall", Some(184), None),
    ("umask", Some(95), Some(166)),
    ("umount2", Some(166), Some(39)),
    ("uname", Some(63), Some(160)),
    ("unlink", Some(87), None),
    ("unlinkat", Some(263), Some(35)),
    ("unshare", Some(272), Some(97)),
    ("uprobe", Some(336), None),
    ("uretprobe", Some(335), None),
    ("uselib", Some(134), None),
    ("userfaultfd", Some(323), Some(282)),
    ("ustat", Some(136), None),
    ("utime", Some(132), None),
    ("utimensat", Some(280), Some(88)),
    ("utimes", Some(235), None),
    ("vfork", Some(58), None),
    ("vhangup", Some(153), Some(58)),
    ("vmsplice", Some(278), Some(75)),
    ("vserver", Some(236), None),
    ("wait4", Some(61), Some(260)),
    ("waitid", Some(247), Some(95)),
    ("write", Some(1), Some(64)),
    ("writev", Some(20), Some(66)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_without_repetition() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for arch in [Arch::X86_64, Arch::Aarch64] {
            let mut numbers: Vec<_> = TABLE.iter().filter_map(|row| column(row, arch)).collect();
            let rows = numbers.len();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), rows, "{arch:?}");
        }
    }

    #[test]
    fn names_and_numbers_are_inverses() {
        for arch in [Arch::X86_64, Arch::Aarch64] {
            for known in all() {
                assert!(is_known(known));
                if let Some(nr) = number(arch, known) {
                    assert_eq!(name(arch, nr), Some(known));
                }
            }
        }
        assert!(!is_known("no_such_call"));
        assert_eq!(number(Arch::X86_64, "no_such_call"), None);
        assert_eq!(number(Arch::Aarch64, "open"), None);
        assert_eq!(name(Arch::X86_64, 1023), None);
    }

    /// libc's constants are generated from the kernel's headers independently of this table.
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn the_numbers_are_those_of_libc() {
        macro_rules! same {
            ($($call:ident $constant:ident)*) => {$(
                assert_eq!(
                    number(Arch::X86_64, stringify!($call)).map(i64::from),
                    Some(libc::$constant),
                    stringify!($call),
                );
            )*};
        }
        same! {
            _sysctl SYS__sysctl accept SYS_accept accept4 SYS_accept4 access SYS_access
            acct SYS_acct add_key SYS_add_key adjtimex SYS_adjtimex afs_syscall SYS_afs_syscall
            alarm SYS_alarm arch_prctl SYS_arch_prctl bind SYS_bind bpf SYS_bpf brk SYS_brk
            capget SYS_capget capset SYS_capset chdir SYS_chdir chmod SYS_chmod chown SYS_chown
            chroot SYS_chroot clock_adjtime SYS_clock_adjtime clock_getres SYS_clock_getres
            clock_gettime SYS_clock_gettime clock_nanosleep SYS_clock_nanosleep
            clock_settime SYS_clock_settime clone SYS_clone clone3 SYS_clone3 close SYS_close
            close_range SYS_close_range connect SYS_connect copy_file_range SYS_copy_file_range
            creat SYS_creat delete_module SYS_delete_module dup SYS_dup dup2 SYS_dup2
            dup3 SYS_dup3 epoll_create SYS_epoll_create epoll_create1 SYS_epoll_create1
            epoll_ctl SYS_epoll_ctl epoll_ctl_old SYS_epoll_ctl_old epoll_pwait SYS_epoll_pwait
            epoll_pwait2 SYS_epoll_pwait2 epoll_wait SYS_epoll_wait
            epoll_wait_old SYS_epoll_wait_old eventfd SYS_eventfd eventfd2 SYS_eventfd2
            execve SYS_execve execveat SYS_execveat exit SYS_exit exit_group SYS_exit_group
            faccessat SYS_faccessat faccessat2 SYS_faccessat2 fadvise64 SYS_fadvise64
            fallocate SYS_fallocate fanotify_init SYS_fanotify_init
            fanotify_mark SYS_fanotify_mark fchdir SYS_fchdir fchmod SYS_fchmod
            fchmodat SYS_fchmodat fchmodat2 SYS_fchmodat2 fchown SYS_fchown fchownat SYS_fchownat
            fcntl SYS_fcntl fdatasync SYS_fdatasync fgetxattr SYS_fgetxattr
            finit_module SYS_finit_module flistxattr SYS_flistxattr flock SYS_flock fork SYS_fork
            fremovexattr SYS_fremovexattr fsconfig SYS_fsconfig fsetxattr SYS_fsetxattr
            fsmount SYS_fsmount fsopen SYS_fsopen fspick SYS_fspick fstat SYS_fstat
            fstatfs SYS_fstatfs fsync SYS_fsync ftruncate SYS_ftruncate futex SYS_futex
            futex_waitv SYS_futex_waitv futimesat SYS_futimesat get_mempolicy SYS_get_mempolicy
            get_robust_list SYS_get_robust_list get_thread_area SYS_get_thread_area
            getcpu SYS_getcpu getcwd SYS_getcwd getdents SYS_getdents getdents64 SYS_getdents64
            getegid SYS_getegid geteuid SYS_geteuid getgid SYS_getgid getgroups SYS_getgroups
            getitimer SYS_getitimer getpeername SYS_getpeername getpgid SYS_getpgid
            getpgrp SYS_getpgrp getpid SYS_getpid getpmsg SYS_getpmsg getppid SYS_getppid
            getpriority SYS_getpriority getrandom SYS_getrandom getresgid SYS_getresgid
            getresuid SYS_getresuid getrlimit SYS_getrlimit getrusage SYS_getrusage
            getsid SYS_getsid getsockname SYS_getsockname getsockopt SYS_getsockopt
            gettid SYS_gettid gettimeofday SYS_gettimeofday getuid SYS_getuid
            getxattr SYS_getxattr init_module SYS_init_module
            inotify_add_watch SYS_inotify_add_watch inotify_init SYS_inotify_init
            inotify_init1 SYS_inotify_init1 inotify_rm_watch SYS_inotify_rm_watch
            io_cancel SYS_io_cancel io_destroy SYS_io_destroy io_getevents SYS_io_getevents
            io_setup SYS_io_setup io_submit SYS_io_submit io_uring_enter SYS_io_uring_enter
            io_uring_register SYS_io_uring_register io_uring_setup SYS_io_uring_setup
            ioctl SYS_ioctl ioperm SYS_ioperm iopl SYS_iopl ioprio_get SYS_ioprio_get
            ioprio_set SYS_ioprio_set kcmp SYS_kcmp kexec_file_load SYS_kexec_file_load
            kexec_load SYS_kexec_load keyctl SYS_keyctl kill SYS_kill
            landlock_add_rule SYS_landlock_add_rule
            landlock_create_ruleset SYS_landlock_create_ruleset
            landlock_restrict_self SYS_landlock_restrict_self lchown SYS_lchown
            lgetxattr SYS_lgetxattr link SYS_link linkat SYS_linkat listen SYS_listen
            listxattr SYS_listxattr llistxattr SYS_llistxattr lookup_dcookie SYS_lookup_dcookie
            lremovexattr SYS_lremovexattr lseek SYS_lseek lsetxattr SYS_lsetxattr lstat SYS_lstat
            madvise SYS_madvise mbind SYS_mbind membarrier SYS_membarrier
            memfd_create SYS_memfd_create memfd_secret SYS_memfd_secret
            migrate_pages SYS_migrate_pages mincore SYS_mincore mkdir SYS_mkdir
            mkdirat SYS_mkdirat mknod SYS_mknod mknodat SYS_mknodat mlock SYS_mlock
            mlock2 SYS_mlock2 mlockall SYS_mlockall mmap SYS_mmap modify_ldt SYS_modify_ldt
            mount SYS_mount mount_setattr SYS_mount_setattr move_mount SYS_move_mount
            move_pages SYS_move_pages mprotect SYS_mprotect mq_getsetattr SYS_mq_getsetattr
            mq_notify SYS_mq_notify mq_open SYS_mq_open mq_timedreceive SYS_mq_timedreceive
            mq_timedsend SYS_mq_timedsend mq_unlink SYS_mq_unlink mremap SYS_mremap
            mseal SYS_mseal msgctl SYS_msgctl msgget SYS_msgget msgrcv SYS_msgrcv
            msgsnd SYS_msgsnd msync SYS_msync munlock SYS_munlock munlockall SYS_munlockall
            munmap SYS_munmap name_to_handle_at SYS_name_to_handle_at nanosleep SYS_nanosleep
            newfstatat SYS_newfstatat nfsservctl SYS_nfsservctl open SYS_open
            open_by_handle_at SYS_open_by_handle_at open_tree SYS_open_tree openat SYS_openat
            openat2 SYS_openat2 pause SYS_pause perf_event_open SYS_perf_event_open
            personality SYS_personality pidfd_getfd SYS_pidfd_getfd pidfd_open SYS_pidfd_open
            pidfd_send_signal SYS_pidfd_send_signal pipe SYS_pipe pipe2 SYS_pipe2
            pivot_root SYS_pivot_root pkey_alloc SYS_pkey_alloc pkey_free SYS_pkey_free
            pkey_mprotect SYS_pkey_mprotect poll SYS_poll ppoll SYS_ppoll prctl SYS_prctl
            pread64 SYS_pread64 preadv SYS_preadv preadv2 SYS_preadv2 prlimit64 SYS_prlimit64
            process_madvise SYS_process_madvise process_mrelease SYS_process_mrelease
            process_vm_readv SYS_process_vm_readv process_vm_writev SYS_process_vm_writev
            pselect6 SYS_pselect6 ptrace SYS_ptrace putpmsg SYS_putpmsg pwrite64 SYS_pwrite64
            pwritev SYS_pwritev pwritev2 SYS_pwritev2 quotactl SYS_quotactl
            quotactl_fd SYS_quotactl_fd read SYS_read readahead SYS_readahead
            readlink SYS_readlink readlinkat SYS_readlinkat readv SYS_readv reboot SYS_reboot
            recvfrom SYS_recvfrom recvmmsg SYS_recvmmsg recvmsg SYS_recvmsg
            remap_file_pages SYS_remap_file_pages removexattr SYS_removexattr rename SYS_rename
            renameat SYS_renameat renameat2 SYS_renameat2 request_key SYS_request_key
            restart_syscall SYS_restart_syscall rmdir SYS_rmdir rseq SYS_rseq
            rt_sigaction SYS_rt_sigaction rt_sigpending SYS_rt_sigpending
            rt_sigprocmask SYS_rt_sigprocmask rt_sigqueueinfo SYS_rt_sigqueueinfo
            rt_sigreturn SYS_rt_sigreturn rt_sigsuspend SYS_rt_sigsuspend
            rt_sigtimedwait SYS_rt_sigtimedwait rt_tgsigqueueinfo SYS_rt_tgsigqueueinfo
            sched_get_priority_max SYS_sched_get_priority_max
            sched_get_priority_min SYS_sched_get_priority_min
            sched_getaffinity SYS_sched_getaffinity sched_getattr SYS_sched_getattr
            sched_getparam SYS_sched_getparam sched_getscheduler SYS_sched_getscheduler
            sched_rr_get_interval SYS_sched_rr_get_interval
            sched_setaffinity SYS_sched_setaffinity sched_setattr SYS_sched_setattr
            sched_setparam SYS_sched_setparam sched_setscheduler SYS_sched_setscheduler
            sched_yield SYS_sched_yield seccomp SYS_seccomp security SYS_security
            select SYS_select semctl SYS_semctl semget SYS_semget semop SYS_semop
            semtimedop SYS_semtimedop sendfile SYS_sendfile sendmmsg SYS_sendmmsg
            sendmsg SYS_sendmsg sendto SYS_sendto set_mempolicy SYS_set_mempolicy
            set_mempolicy_home_node SYS_set_mempolicy_home_node
            set_robust_list SYS_set_robust_list set_thread_area SYS_set_thread_area
            set_tid_address SYS_set_tid_address setdomainname SYS_setdomainname
            setfsgid SYS_setfsgid setfsuid SYS_setfsuid setgid SYS_setgid setgroups SYS_setgroups
            sethostname SYS_sethostname setitimer SYS_setitimer setns SYS_setns
            setpgid SYS_setpgid setpriority SYS_setpriority setregid SYS_setregid
            setresgid SYS_setresgid setresuid SYS_setresuid setreuid SYS_setreuid
            setrlimit SYS_setrlimit setsid SYS_setsid setsockopt SYS_setsockopt
            settimeofday SYS_settimeofday setuid SYS_setuid setxattr SYS_setxattr shmat SYS_shmat
            shmctl SYS_shmctl shmdt SYS_shmdt shmget SYS_shmget shutdown SYS_shutdown
            sigaltstack SYS_sigaltstack signalfd SYS_signalfd signalfd4 SYS_signalfd4
            socket SYS_socket socketpair SYS_socketpair splice SYS_splice stat SYS_stat
            statfs SYS_statfs statx SYS_statx swapoff SYS_swapoff swapon SYS_swapon
            symlink SYS_symlink symlinkat SYS_symlinkat sync SYS_sync
            sync_file_range SYS_sync_file_range syncfs SYS_syncfs sysfs SYS_sysfs
            sysinfo SYS_sysinfo syslog SYS_syslog tee SYS_tee tgkill SYS_tgkill time SYS_time
            timer_create SYS_timer_create timer_delete SYS_timer_delete
            timer_getoverrun SYS_timer_getoverrun timer_gettime SYS_timer_gettime
            timer_settime SYS_timer_settime timerfd_create SYS_timerfd_create
            timerfd_gettime SYS_timerfd_gettime timerfd_settime SYS_timerfd_settime
            times SYS_times tkill SYS_tkill truncate SYS_truncate tuxcall SYS_tuxcall
            umask SYS_umask umount2 SYS_umount2 uname SYS_uname unlink SYS_unlink
            unlinkat SYS_unlinkat unshare SYS_unshare uselib SYS_uselib
            userfaultfd SYS_userfaultfd ustat SYS_ustat utime SYS_utime utimensat SYS_utimensat
            utimes SYS_utimes vfork SYS_vfork vhangup SYS_vhangup vmsplice SYS_vmsplice
            vserver SYS_vserver wait4 SYS_wait4 waitid SYS_waitid write SYS_write
            writev SYS_writev
        }
    }
}
