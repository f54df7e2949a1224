//! Constants by the kernel's names.

macro_rules! constants {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name as i64),)*] };
}

/// Those that libc has.
const LIBC: &[(&str, i64)] = constants! {
    O_RDONLY O_WRONLY O_RDWR O_CREAT O_PATH O_DIRECTORY O_NONBLOCK O_NOCTTY O_TMPFILE
    AT_FDCWD AT_EMPTY_PATH RENAME_EXCHANGE
    S_IFREG S_IFIFO S_IFSOCK S_IFCHR
    PROT_READ PROT_WRITE MAP_PRIVATE MAP_SHARED MAP_ANONYMOUS MADV_MERGEABLE MADV_PAGEOUT MAP_GROWSDOWN
    F_DUPFD F_GETFD F_SETFD FD_CLOEXEC FIOCLEX F_SETLK F_GETLK F_SETOWN F_SETLEASE F_NOTIFY F_SETPIPE_SZ
    F_OFD_SETLK F_OFD_GETLK F_RDLCK F_WRLCK LOCK_EX
    POSIX_FADV_DONTNEED RWF_NOWAIT
    IPC_PRIVATE IPC_CREAT IPC_RMID
    SIGCHLD SIGTERM SIGIO
    PTRACE_ATTACH PTRACE_SEIZE PTRACE_TRACEME
    PRIO_PROCESS PRIO_PGRP PRIO_USER SCHED_BATCH SCHED_OTHER
    RLIMIT_CPU RLIMIT_NOFILE RLIMIT_CORE RLIMIT_FSIZE
    CLONE_PARENT CLONE_NEWUSER CLONE_NEWNS CLONE_NEWUTS CLONE_NEWNET CLONE_NEWPID CLONE_NEWIPC
    PR_SET_DUMPABLE PR_SET_PDEATHSIG PR_SET_CHILD_SUBREAPER PR_SET_PTRACER PR_SET_MM
    PR_SET_NO_NEW_PRIVS PR_SET_SECCOMP PR_SCHED_CORE PR_SET_NAME
    AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_VSOCK AF_ALG AF_PACKET AF_TIPC AF_CAN AF_RDS
    AF_XDP AF_BLUETOOTH AF_IB
    SOCK_STREAM SOCK_DGRAM SOCK_RAW SOCK_SEQPACKET SOCK_CLOEXEC
    IPPROTO_ICMP IPPROTO_TCP IPPROTO_SCTP IPPROTO_MPTCP IPPROTO_RAW
    SOL_SOCKET SO_REUSEPORT TCP_FASTOPEN_CONNECT TCP_FASTOPEN TCP_ULP MSG_FASTOPEN
    TIOCSTI TIOCSPTLCK TIOCSCTTY TCSETS TIOCLINUX TIOCGPTPEER
    FUTEX_WAKE FUTEX_LOCK_PI
};

/// Those that it lacks, from the uapi headers named beside them.
const OTHERS: &[(&str, i64)] = &[
    ("HIGH", 1 << 32),          // a bit that the kernel's 32-bit types do not have
    ("CLOSE_RANGE_UNSHARE", 2), // linux/close_range.h
    ("CLOSE_RANGE_CLOEXEC", 4), // linux/close_range.h
    ("X32", 0x4000_0000),       // __X32_SYSCALL_BIT, asm/unistd.h
    ("F_SETSIG", 10),           // asm-generic/fcntl.h
    ("F_SET_RW_HINT", 1036),    // linux/fcntl.h
    ("DN_ACCESS", 1),           // linux/fcntl.h
    ("FS_IOC_SETFLAGS", 0x4008_6602), // linux/fs.h
    ("FS_IOC_GETVERSION", 0x8008_7601), // linux/fs.h
    ("FS_IOC_SETVERSION", 0x4008_7602), // linux/fs.h
    ("FS_EXTENT_FL", 0x8_0000), // linux/fs.h
    ("FS_NODUMP_FL", 0x40),     // linux/fs.h
    ("KCMP_FILES", 2),          // linux/kcmp.h
    ("FAN_REPORT_FID", 0x200),  // linux/fanotify.h
    ("UFFD_USER_MODE_ONLY", 1), // linux/userfaultfd.h
    ("PR_SET_MM_MAP_SIZE", 15), // linux/prctl.h
    ("PR_SET_MEMORY_MERGE", 67), // linux/prctl.h
    ("MEMBARRIER_CMD_GLOBAL", 1), // linux/membarrier.h
    ("IOPRIO_WHO_PROCESS", 1),  // linux/ioprio.h
    ("MADV_COLD", 20),          // asm-generic/mman-common.h
    ("ADDR_NO_RANDOMIZE", 0x4_0000), // linux/personality.h
    ("KEY_SPEC_PROCESS_KEYRING", -2), // linux/keyctl.h
    ("KEY_SPEC_USER_KEYRING", -4), // linux/keyctl.h
    ("SO_PEERPIDFD", 77),       // asm-generic/socket.h
    ("SO_PASSPIDFD", 76),       // asm-generic/socket.h
    ("AF_KCM", 41),             // linux/socket.h
    ("AF_SMC", 43),             // linux/socket.h
    ("IPPROTO_SMC", 256),       // linux/in.h
    ("Q_SYNC_USER", 0x8000_0100), // QCMD(Q_SYNC, USRQUOTA), linux/quota.h
    ("SECCOMP_FILTER_NEW_LISTENER", 8), // linux/seccomp.h
    ("SECCOMP_GET_ACTION_AVAIL", 2), // linux/seccomp.h
    ("SECCOMP_SET_MODE_FILTER", 1), // linux/seccomp.h
    ("SECCOMP_RET_ALLOW", 0x7fff_0000), // linux/seccomp.h
];

/// The value of a constant.
pub(crate) fn value(name: &str) -> Option<u64> {
    LIBC.iter()
        .chain(OTHERS)
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.cast_unsigned())
}
