//! Limits, priorities, affinities, clocks of other processes. With the host's uid the kernel allows
//! all of it, and Landlock sees none.

use crate::attack::{By::Filter, attack, attacks};

attacks! {
    as rows;
    limits_of_the_host_cannot_be_set:
        attack(38, "prlimit64", "prlimit64 {host} RLIMIT_CPU mem:u64=1000000,u64=1000000 0").refused(Filter, "ENOSYS");
    limits_of_another_call_cannot_be_set:
        attack(38, "prlimit64", "prlimit64 {victim} RLIMIT_CPU mem:u64=1,u64=1 0").refused(Filter, "ENOSYS");
    limits_of_another_call_cannot_be_set_with_a_high_word:
        attack(92, "prlimit64", "prlimit64 {victim}|HIGH RLIMIT_CPU mem:u64=1,u64=1 0").refused(Filter, "ENOSYS");
    limits_of_another_call_are_hidden:
        attack(38, "prlimit64", "prlimit64 {victim} RLIMIT_CPU 0 buf:16").refused(Filter, "ENOSYS");
    priorities_of_another_call_cannot_be_set:
        attack(39, "setpriority", "setpriority PRIO_PROCESS {victim} 19").refused(Filter, "EPERM");
    priorities_of_a_group_cannot_be_set:
        attack(39, "setpriority", "session ; setpriority PRIO_PGRP 0 0").refused(Filter, "EPERM");
    priorities_of_the_user_cannot_be_read:
        attack(40, "getpriority", "getpriority PRIO_USER 0").refused(Filter, "ENOSYS");
    priorities_of_another_call_are_hidden:
        attack(40, "getpriority", "getpriority PRIO_PROCESS {victim}").refused(Filter, "ENOSYS");
    priorities_of_another_call_are_hidden_behind_a_high_word:
        attack(92, "getpriority", "getpriority PRIO_PROCESS|HIGH {victim}|HIGH").refused(Filter, "ENOSYS");
    io_priorities_of_another_call_cannot_be_set:
        attack(39, "ioprio_set", "ioprio_set IOPRIO_WHO_PROCESS {victim} 0x4007").refused(Filter, "EPERM");
    io_priorities_of_another_call_are_hidden:
        attack(40, "ioprio_get", "ioprio_get IOPRIO_WHO_PROCESS {victim}").refused(Filter, "ENOSYS");
    affinities_of_another_call_cannot_be_set:
        attack(39, "sched_setaffinity", "mem zero=128 ; sched_getaffinity 0 128 $0 ; sched_setaffinity {victim} 128 $0").refused(Filter, "EPERM");
    affinities_of_another_call_are_hidden:
        attack(40, "sched_getaffinity", "sched_getaffinity {victim} 128 buf:128").refused(Filter, "ENOSYS");
    policies_of_another_call_cannot_be_set:
        attack(39, "sched_setscheduler", "sched_setscheduler {victim} SCHED_BATCH mem:u32=0").refused(Filter, "EPERM");
    policies_of_another_call_are_hidden:
        attack(40, "sched_getscheduler", "sched_getscheduler {victim}").refused(Filter, "ENOSYS");
    parameters_of_another_call_cannot_be_set:
        attack(39, "sched_setparam", "sched_setparam {victim} mem:u32=0").refused(Filter, "EPERM");
    parameters_of_another_call_are_hidden:
        attack(40, "sched_getparam", "sched_getparam {victim} buf:8").refused(Filter, "ENOSYS");
    attributes_of_another_call_cannot_be_set:
        attack(39, "sched_setattr", "sched_setattr {victim} mem:u32=48,u32=SCHED_BATCH,zero=40 0").refused(Filter, "EPERM");
    attributes_of_another_call_are_hidden:
        attack(40, "sched_getattr", "sched_getattr {victim} buf:48 48 0").refused(Filter, "ENOSYS");
    intervals_of_another_call_are_hidden:
        attack(40, "sched_rr_get_interval", "sched_rr_get_interval {victim} buf:16").refused(Filter, "ENOSYS");
    clocks_of_another_call_cannot_be_read:
        attack(40, "the CPU clock of a process", "clock_gettime {clock} buf:16").refused(Filter, "EINVAL");
    clocks_of_another_call_cannot_be_read_with_a_high_word:
        attack(92, "the CPU clock of a process", "mem u64={clock} ; clock_gettime {clock}|HIGH buf:16").refused(Filter, "EINVAL");
    resolutions_of_another_calls_clock_are_hidden:
        attack(40, "the CPU clock of a process", "clock_getres {clock} buf:16").refused(Filter, "EINVAL");
    timers_cannot_run_on_another_calls_clock:
        attack(40, "the CPU clock of a process", "timer_create {clock} 0 buf:8").refused(Filter, "EINVAL");
    everybodys_data_cannot_be_flushed:
        attack(91, "sync", "sync").refused(Filter, "EPERM");
    a_file_system_cannot_be_flushed:
        attack(91, "syncfs", "open str:{function}/data O_RDONLY ; syncfs $0").refused(Filter, "EPERM");
    other_processors_cannot_be_interrupted:
        attack(91, "membarrier", "membarrier MEMBARRIER_CMD_GLOBAL 0 0")
            .needs_feature("membarrier without nohz_full", &["ENOSYS", "EINVAL"])
            .refused(Filter, "EPERM");
}
