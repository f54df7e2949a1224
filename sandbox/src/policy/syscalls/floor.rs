//! Calls that have one answer whatever their arguments: what every program may do, and what none may.
//!
//! The floor is wide on purpose. Landlock decides which files and ports are reached, and a program
//! that nobody changed for a sandbox must run within that. What is refused here is what Landlock does
//! not see, or what would step around it.
#![forbid(unsafe_code)]

use crate::policy::bpf::Action;

/// Calls with one reason and one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// A short name for `explain`.
    pub name: &'static str,
    /// Why the answer is what it is.
    pub why: &'static str,
    /// The answer.
    pub answer: Action,
    /// The calls; an architecture may lack some.
    pub calls: &'static [&'static str],
}

const EPERM: Action = Action::Errno(libc::EPERM as u16);
const ENOSYS: Action = Action::Errno(libc::ENOSYS as u16);
const EOPNOTSUPP: Action = Action::Errno(libc::EOPNOTSUPP as u16);
/// Reports success, changes nothing.
const UNCHANGED: Action = Action::Errno(0);

/// The groups; no call is in two of them, or in one of them and among the rules on arguments.
#[must_use]
pub fn groups() -> &'static [Group] {
    GROUPS
}

#[rustfmt::skip]
static GROUPS: &[Group] = &[
    Group {
        name: "paths",
        why: "Landlock decides which paths are reached; stat and access need no right (a residual risk)",
        answer: Action::Allow,
        calls: &[
            "access", "chdir", "creat", "faccessat", "faccessat2", "fchdir", "fstat", "fstatfs",
            "getcwd", "getdents", "getdents64", "link", "linkat", "lstat", "mkdir", "mkdirat",
            "newfstatat", "open", "openat", "openat2", "readlink", "readlinkat", "rename",
            "renameat", "renameat2", "rmdir", "stat", "statfs", "statx", "symlink", "symlinkat",
            "truncate", "umask", "unlink", "unlinkat",
        ],
    },
    Group {
        name: "descriptors",
        why: "what is done with a descriptor was decided when it was opened",
        answer: Action::Allow,
        calls: &[
            "close", "close_range", "copy_file_range", "dup", "dup2", "dup3", "fallocate",
            "fdatasync", "fsync", "ftruncate", "lseek", "pipe", "pipe2", "pread64", "preadv",
            "pwrite64", "pwritev", "read", "readv", "sendfile", "splice", "sync_file_range", "tee",
            "write", "writev",
        ],
    },
    Group {
        name: "memory",
        why: "the process's own address space, within its limits",
        answer: Action::Allow,
        calls: &[
            "brk", "map_shadow_stack", "mlock", "mlock2", "mlockall", "mprotect", "mremap", "mseal",
            "msync", "munlock", "munlockall", "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect",
        ],
    },
    Group {
        name: "time",
        why: "reading and waiting; timers end with their process",
        answer: Action::Allow,
        calls: &[
            "alarm", "getitimer", "gettimeofday", "nanosleep", "setitimer", "time", "timer_delete",
            "timer_getoverrun", "timer_gettime", "timer_settime", "timerfd_create",
            "timerfd_gettime", "timerfd_settime", "times",
        ],
    },
    Group {
        name: "events",
        why: "waiting for descriptors and events of one's own",
        answer: Action::Allow,
        calls: &[
            "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2",
            "epoll_wait", "eventfd", "eventfd2", "poll", "ppoll", "pselect6", "select", "signalfd",
            "signalfd4",
        ],
    },
    Group {
        name: "signals",
        why: "Landlock's signal scope bounds who is reached; without it the worker's filter takes sending away",
        answer: Action::Allow,
        calls: &[
            "kill", "pause", "restart_syscall", "rt_sigaction", "rt_sigpending", "rt_sigprocmask",
            "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
            "rt_tgsigqueueinfo", "sigaltstack", "tgkill", "tkill",
        ],
    },
    Group {
        name: "threads",
        why: "threads and their locks; shared futexes on read-only files are a residual risk, pthread_join needs them",
        answer: Action::Allow,
        calls: &[
            "arch_prctl", "exit", "exit_group", "futex_requeue", "futex_wait", "futex_waitv",
            "futex_wake", "getcpu", "gettid", "rseq", "sched_get_priority_max",
            "sched_get_priority_min", "sched_yield", "set_robust_list", "set_tid_address",
        ],
    },
    Group {
        name: "processes",
        why: "forking and executing are the zygote's; the worker's filter takes away what the profile does not grant",
        answer: Action::Allow,
        calls: &["execve", "execveat", "fork", "setpgid", "setsid", "vfork", "wait4", "waitid"],
    },
    Group {
        name: "identity",
        why: "a process may know itself; load and free memory of the machine are a residual risk",
        answer: Action::Allow,
        calls: &[
            "getegid", "geteuid", "getgid", "getgroups", "getpgrp", "getpid", "getppid",
            "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "getuid", "setrlimit",
            "sysinfo", "uname",
        ],
    },
    Group {
        name: "sockets held",
        why: "pairs, and sockets that the host handed over, work; which sockets can be made is an argument's matter",
        answer: Action::Allow,
        calls: &[
            "accept", "accept4", "getpeername", "getsockname", "recvfrom", "recvmmsg",
            "recvmsg", "shutdown",
        ],
    },
    Group {
        name: "restriction",
        why: "a worker enters its own domain after the filter is in place; the worker's filter takes it away",
        answer: Action::Allow,
        calls: &["landlock_restrict_self"],
    },
    Group {
        name: "probes",
        why: "made by trampolines that the kernel itself puts into a traced process; refused from elsewhere",
        answer: Action::Allow,
        calls: &["uprobe", "uretprobe"],
    },
    Group {
        name: "fall back",
        why: "C libraries and language runtimes take ENOSYS for an older kernel and do without. clone3's and \
              io_uring's requests lie in memory, where no filter sees them, and io_uring would do what the \
              filter refuses; Node's libuv and tokio poll instead. A memfd is a file without a path. Programs \
              that sandbox themselves skip it. A pidfd tells when another process ends.",
        answer: ENOSYS,
        calls: &[
            "clone3", "io_uring_enter", "io_uring_register", "io_uring_setup", "landlock_add_rule",
            "landlock_create_ruleset", "listmount", "lsm_get_self_attr", "lsm_list_modules",
            "lsm_set_self_attr", "memfd_create", "memfd_secret", "pidfd_open", "pidfd_send_signal",
            "statmount",
        ],
    },
    Group {
        name: "whole-file locks",
        why: "a lock on a shared file is seen by every call that reads it. ENOSYS is what file systems without \
              locks give: cargo and Python's filelock go on or say so, where they would retry another error \
              for ever",
        answer: ENOSYS,
        calls: &["flock"],
    },
    Group {
        name: "modes and times",
        why: "a mode or a time set on a shared file is a message to the next call, and Landlock does not see it. \
              An error would break every copy by a standard library (Python's shutil.copy, Rust's fs::copy, \
              Node's copyFile), touch, tar and git, although in a scratch of one user the mode bounds nobody: \
              so the call succeeds and changes nothing. Where no file that can be read belongs to the \
              workers' user, a profile may allow the calls by name",
        answer: UNCHANGED,
        calls: &[
            "chmod", "fchmod", "fchmodat", "fchmodat2", "futimesat", "utime", "utimensat", "utimes",
        ],
    },
    Group {
        name: "owners",
        why: "as modes, but programs that are not root's expect to be refused",
        answer: EPERM,
        calls: &["chown", "fchown", "fchownat", "lchown"],
    },
    Group {
        name: "attributes",
        why: "as modes; this is the answer of a file system without extended attributes, which ls, cp, tar and \
              shutil.copy2 pass over",
        answer: EOPNOTSUPP,
        calls: &[
            "fgetxattr", "file_getattr", "file_setattr", "flistxattr", "fremovexattr", "fsetxattr",
            "getxattr", "getxattrat", "lgetxattr", "listxattr", "listxattrat", "llistxattr",
            "lremovexattr", "lsetxattr", "removexattr", "removexattrat", "setxattr", "setxattrat",
        ],
    },
    Group {
        name: "watching",
        why: "notifications tell what other calls open and read; needs no Landlock right",
        answer: EPERM,
        calls: &[
            "fanotify_init", "fanotify_mark", "inotify_add_watch", "inotify_init", "inotify_init1",
            "inotify_rm_watch",
        ],
    },
    Group {
        name: "page cache",
        why: "evicting and probing pages of a shared file tell what other calls read; advice may be refused",
        answer: EPERM,
        calls: &["cachestat", "fadvise64", "mincore", "readahead"],
    },
    Group {
        name: "shared objects",
        why: "System V objects and message queues belong to the user, outlive the call and are nobody's file",
        answer: EPERM,
        calls: &[
            "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedsend", "mq_unlink",
            "msgctl", "msgget", "msgrcv", "msgsnd", "semctl", "semget", "semop", "semtimedop",
            "shmat", "shmctl", "shmdt", "shmget",
        ],
    },
    Group {
        name: "quotas of the machine",
        why: "asynchronous I/O contexts are counted for all, and sync waits for everybody's data",
        answer: EPERM,
        calls: &[
            "io_cancel", "io_destroy", "io_getevents", "io_pgetevents", "io_setup", "io_submit",
            "sync", "syncfs",
        ],
    },
    Group {
        name: "others' memory and handles",
        why: "takes another process as argument, or names files past their paths; profilers, sandboxes, \
              allocators and graphics libraries try these and live without",
        answer: EPERM,
        calls: &[
            "get_mempolicy", "kcmp", "mbind", "migrate_pages", "move_pages", "name_to_handle_at",
            "perf_event_open", "process_mrelease", "set_mempolicy", "set_mempolicy_home_node",
            "unshare",
        ],
    },
    Group {
        name: "privileges",
        why: "nothing is left to be gained, and ordinary users are used to being refused",
        answer: EPERM,
        calls: &[
            "adjtimex", "capget", "capset", "clock_adjtime", "clock_settime", "quotactl",
            "quotactl_fd", "setdomainname", "setfsgid", "setfsuid", "setgid", "setgroups",
            "sethostname", "setregid", "setresgid", "setresuid", "setreuid", "settimeofday",
            "setuid", "syslog", "vhangup",
        ],
    },
    Group {
        name: "relics",
        why: "obsolete or never implemented, or fresh ground for kernel exploits, and used by no function",
        answer: EPERM,
        calls: &[
            "_sysctl", "afs_syscall", "epoll_ctl_old", "epoll_wait_old", "get_kernel_syms",
            "get_thread_area", "getpmsg", "lookup_dcookie", "modify_ldt", "nfsservctl", "putpmsg",
            "query_module", "remap_file_pages", "security", "set_thread_area", "sysfs", "tuxcall",
            "uselib", "ustat", "vmsplice", "vserver",
        ],
    },
    Group {
        name: "escapes",
        why: "no program that a function runs has a use for these, and who makes them is looking for a way out",
        answer: Action::KillProcess,
        calls: &[
            "acct", "add_key", "bpf", "chroot", "create_module", "delete_module", "finit_module",
            "fsconfig", "fsmount", "fsopen", "fspick", "init_module", "ioperm", "iopl",
            "kexec_file_load", "kexec_load", "keyctl", "mount", "mount_setattr", "move_mount",
            "open_by_handle_at", "open_tree", "open_tree_attr", "pidfd_getfd", "pivot_root",
            "process_madvise", "process_vm_readv", "process_vm_writev", "ptrace", "reboot",
            "request_key", "setns", "swapoff", "swapon", "umount2", "userfaultfd",
        ],
    },
];
