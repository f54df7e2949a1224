//! Other processes: another call of the same policy, the host, the parent.

use crate::attack::{
    By::{Filter, Landlock},
    attack, attacks,
};

attacks! {
    as rows;
    another_call_cannot_be_signalled:
        attack(27, "kill", "kill {victim} SIGTERM").refused(Landlock, "EPERM");
    another_call_cannot_be_probed:
        attack(27, "kill with no signal", "kill {victim} 0").refused(Landlock, "EPERM");
    the_host_cannot_be_signalled:
        attack(27, "kill", "kill {host} SIGTERM").refused(Landlock, "EPERM");
    the_parent_cannot_be_signalled:
        attack(27, "kill", "getppid ; kill $0 0").refused(Landlock, "EPERM");
    signals_with_a_high_word_reach_nobody:
        attack(92, "kill", "kill {victim}|HIGH SIGTERM|HIGH").refused(Landlock, "EPERM");
    threads_of_another_call_cannot_be_signalled:
        attack(27, "tgkill", "tgkill {victim} {victim} SIGTERM").refused(Landlock, "EPERM");
    threads_of_another_call_cannot_be_signalled_by_number:
        attack(27, "tkill", "tkill {victim} SIGTERM").refused(Landlock, "EPERM");
    signals_cannot_be_queued_to_another_call:
        attack(27, "rt_sigqueueinfo", "rt_sigqueueinfo {victim} SIGTERM mem:u32=SIGTERM,u32=0,u32=-1,zero=116")
            .refused(Landlock, "EPERM");
    signals_cannot_be_queued_to_threads_of_another_call:
        attack(27, "rt_tgsigqueueinfo", "rt_tgsigqueueinfo {victim} {victim} SIGTERM mem:u32=SIGTERM,u32=0,u32=-1,zero=116")
            .refused(Landlock, "EPERM");
    signals_cannot_be_sent_by_descriptor:
        attack(27, "pidfd_send_signal", "pidfd_open {victim} 0 ; sandbox ; pidfd_send_signal $0 SIGTERM 0 0")
            .refused(Filter, "ENOSYS");
    descriptors_of_processes_cannot_be_opened:
        attack(34, "pidfd_open", "pidfd_open {victim} 0").refused(Filter, "ENOSYS");
    descriptors_of_peers_cannot_be_asked_for:
        attack(34, "SO_PEERPIDFD", "mem zero=8 ; socketpair AF_UNIX SOCK_STREAM 0 $0 ; getsockopt *$0 SOL_SOCKET SO_PEERPIDFD buf:8 mem:u32=4")
            .needs_feature("SO_PEERPIDFD (Linux 6.5)", &["ENOPROTOOPT"])
            .refused(Filter, "ENOPROTOOPT");
    descriptors_of_senders_cannot_be_asked_for:
        attack(34, "SO_PASSPIDFD", "mem zero=8 ; socketpair AF_UNIX SOCK_STREAM 0 $0 ; setsockopt *$0 SOL_SOCKET SO_PASSPIDFD mem:u32=1 4")
            .needs_feature("SO_PASSPIDFD (Linux 6.5)", &["ENOPROTOOPT"])
            .refused(Filter, "ENOPROTOOPT");
    descriptors_of_another_process_kill_their_thief:
        attack(31, "pidfd_getfd", "pidfd_open {victim} 0 ; sandbox ; pidfd_getfd $0 0 0").killed();
    signals_of_a_descriptor_cannot_be_redirected:
        attack(28, "F_SETOWN", "mem zero=8 ; pipe $0 ; fcntl *$0 F_SETOWN {victim}").refused(Filter, "EPERM");
    signals_of_a_descriptor_cannot_be_redirected_with_a_high_word:
        attack(92, "F_SETOWN", "mem zero=8 ; pipe $0 ; fcntl *$0 F_SETOWN|HIGH {victim}").refused(Filter, "EPERM");
    signals_of_a_descriptor_cannot_be_chosen:
        attack(28, "F_SETSIG", "mem zero=8 ; pipe $0 ; fcntl *$0 F_SETSIG SIGTERM").refused(Filter, "EPERM");
    owners_of_a_socket_cannot_be_set:
        attack(28, "FIOSETOWN", "mem zero=8 ; socketpair AF_UNIX SOCK_STREAM 0 $0 ; ioctl *$0 0x8901 mem:u32={victim}")
            .refused(Filter, "ENOTTY");

    attaching_kills_the_tracer:
        attack(29, "ptrace", "ptrace PTRACE_ATTACH {victim} 0 0").killed();
    seizing_kills_the_tracer:
        attack(29, "ptrace", "ptrace PTRACE_SEIZE {victim} 0 0").killed();
    asking_to_be_traced_kills:
        attack(29, "ptrace", "ptrace PTRACE_TRACEME 0 0 0").killed();
    attaching_to_the_host_kills_the_tracer:
        attack(29, "ptrace", "ptrace PTRACE_ATTACH {host} 0 0").killed();
    reading_memory_kills_the_reader:
        attack(30, "process_vm_readv", "mem zero=16 ; mem u64=$0,u64=16 ; process_vm_readv {victim} $1 1 mem:u64={address},u64=16 1 0")
            .killed();
    writing_memory_kills_the_writer:
        attack(30, "process_vm_writev", "mem zero=16 ; mem u64=$0,u64=16 ; process_vm_writev {victim} $1 1 mem:u64={address},u64=16 1 0")
            .killed();
    advising_on_memory_kills_the_adviser:
        attack(33, "process_madvise", "pidfd_open {victim} 0 ; sandbox ; process_madvise $0 mem:u64={address},u64=16 1 MADV_COLD 0")
            .control_reaches(&["EPERM", "EINVAL"])
            .killed();
    memory_of_the_dying_cannot_be_taken:
        attack(33, "process_mrelease", "pidfd_open {victim} 0 ; sandbox ; process_mrelease $0 0")
            .control_reaches(&["EINVAL"])
            .refused(Filter, "EPERM");
    resources_cannot_be_compared:
        attack(31, "kcmp", "kcmp {victim} {host} KCMP_FILES 0 0")
            .needs_feature("CONFIG_KCMP", &["ENOSYS"])
            .refused(Filter, "EPERM");
    lists_of_robust_futexes_are_hidden:
        attack(32, "get_robust_list", "get_robust_list {victim} buf:8 buf:8").refused(Filter, "ENOSYS");
    pages_of_another_call_cannot_be_moved:
        attack(32, "move_pages", "move_pages {victim} 0 0 0 0 0")
            .needs_feature("CONFIG_NUMA", &["ENOSYS"])
            .refused(Filter, "EPERM");
    memory_of_another_call_cannot_be_migrated:
        attack(32, "migrate_pages", "migrate_pages {victim} 2 mem:u64=1 mem:u64=1")
            .needs_feature("CONFIG_NUMA", &["ENOSYS"])
            .refused(Filter, "EPERM");
    counters_cannot_be_attached:
        attack(44, "perf_event_open", "perf_event_open mem:u32=1,u32=64,u64=1,u64=0,u64=0,u64=0,u64=0x60,u64=0,u64=0 {victim} -1 -1 0")
            .needs_feature("perf events for ordinary users", &["ENOENT", "ENOSYS", "EACCES"])
            .refused(Filter, "EPERM");
    counters_of_oneself_are_refused:
        attack(44, "perf_event_open", "perf_event_open mem:u32=1,u32=64,u64=1,u64=0,u64=0,u64=0,u64=0x60,u64=0,u64=0 0 -1 -1 0")
            .needs_feature("perf events for ordinary users", &["ENOENT", "ENOSYS", "EACCES"])
            .refused(Filter, "EPERM");
    ends_of_another_call_cannot_be_waited_for:
        attack(32, "a lock whose owner is another process", "mem u32={victim} ; futex $0 FUTEX_LOCK_PI 0 mem:u64=1,u64=0 0 0")
            // It found the owner and waited for it until 1970; of nobody it would say ESRCH.
            .control_reaches(&["ETIMEDOUT"])
            .refused(Filter, "ENOSYS");
    groups_of_another_call_are_hidden:
        attack(40, "getpgid", "getpgid {victim}").refused(Filter, "ENOSYS");
    sessions_of_another_call_are_hidden:
        attack(40, "getsid", "getsid {victim}").refused(Filter, "ENOSYS");
}
