//! /proc: nothing of it under the shipped profile, and not others' memory where all of it is granted.

use crate::attack::{By::Landlock, Profile::Procfs, attack, attacks};

/// A read of a file of another call: under `base` no file of /proc opens, under `Procfs` Landlock's
/// rule on tracing decides.
macro_rules! unreadable {
    ($($base:ident, $granted:ident: $file:literal;)+) => {
        attacks! {
            as readings;
            $(
                $base: attack(35, concat!("/proc/PID/", $file), concat!("open str:/proc/{victim}/", $file, " O_RDONLY ; read $0 buf:64 64"))
                    .refused(Landlock, "EACCES");
                $granted: attack(35, concat!("/proc/PID/", $file), concat!("open str:/proc/{victim}/", $file, " O_RDONLY ; read $0 buf:64 64"))
                    .under(Procfs)
                    .refused(Landlock, "EACCES");
            )+
        }
    };
}

unreadable! {
    maps_of_another_call_are_unreadable, maps_of_another_call_are_unreadable_in_a_granted_proc: "maps";
    environments_of_another_call_are_unreadable, environments_of_another_call_are_unreadable_in_a_granted_proc: "environ";
    auxiliary_vectors_of_another_call_are_unreadable, auxiliary_vectors_of_another_call_are_unreadable_in_a_granted_proc: "auxv";
    io_counters_of_another_call_are_unreadable, io_counters_of_another_call_are_unreadable_in_a_granted_proc: "io";
    sums_of_memory_of_another_call_are_unreadable, sums_of_memory_of_another_call_are_unreadable_in_a_granted_proc: "smaps_rollup";
    pagemaps_of_another_call_are_unreadable, pagemaps_of_another_call_are_unreadable_in_a_granted_proc: "pagemap";
}

attacks! {
    as rows;
    memory_of_another_call_cannot_be_opened:
        attack(35, "/proc/PID/mem", "open str:/proc/{victim}/mem O_RDWR ; pread64 $0 buf:16 16 {address}").refused(Landlock, "EACCES");
    memory_of_another_call_cannot_be_opened_in_a_granted_proc:
        attack(35, "/proc/PID/mem", "open str:/proc/{victim}/mem O_RDONLY ; pread64 $0 buf:16 16 {address}")
            .under(Procfs).refused(Landlock, "EACCES");
    memory_of_the_host_cannot_be_opened_in_a_granted_proc:
        attack(35, "/proc/PID/mem", "open str:/proc/{host}/mem O_RDONLY").under(Procfs).refused(Landlock, "EACCES");
    programs_of_another_call_cannot_be_opened:
        attack(35, "/proc/PID/exe", "open str:/proc/{victim}/exe O_RDONLY").refused(Landlock, "EACCES");
    working_directories_of_another_call_cannot_be_read:
        attack(35, "/proc/PID/cwd", "readlink str:/proc/{victim}/cwd buf:256 256").refused(Landlock, "EACCES");
    roots_of_another_call_cannot_be_passed:
        attack(35, "/proc/PID/root", "stat str:/proc/{victim}/root/etc buf:256").refused(Landlock, "EACCES");
    namespaces_of_another_call_cannot_be_opened:
        attack(35, "/proc/PID/ns", "open str:/proc/{victim}/ns/net O_RDONLY").refused(Landlock, "EACCES");
    descriptors_of_another_call_cannot_be_opened:
        attack(35, "/proc/PID/fd", "open str:/proc/{victim}/fd/1 O_WRONLY").refused(Landlock, "EACCES");
    descriptors_of_another_call_cannot_be_listed:
        attack(35, "/proc/PID/fd", "open str:/proc/{victim}/fd O_RDONLY|O_DIRECTORY ; getdents64 $0 buf:4096 4096").refused(Landlock, "EACCES");
    descriptors_of_another_call_cannot_be_listed_in_a_granted_proc:
        attack(35, "/proc/PID/fd", "open str:/proc/{victim}/fd O_RDONLY|O_DIRECTORY ; getdents64 $0 buf:4096 4096 ; readlink str:/proc/{victim}/fd/0 buf:64 64")
            .under(Procfs).refused(Landlock, "EACCES");

    command_lines_of_another_call_are_unreadable:
        attack(36, "/proc/PID/cmdline", "open str:/proc/{victim}/cmdline O_RDONLY").refused(Landlock, "EACCES");
    command_lines_in_a_granted_proc_remain:
        attack(36, "/proc/PID/cmdline", "open str:/proc/{victim}/cmdline O_RDONLY ; read $0 buf:64 64").under(Procfs).remains();
    states_of_another_call_are_unreadable:
        attack(36, "/proc/PID/status", "open str:/proc/{victim}/status O_RDONLY").refused(Landlock, "EACCES");
    states_in_a_granted_proc_remain:
        attack(36, "/proc/PID/status", "open str:/proc/{victim}/status O_RDONLY ; read $0 buf:64 64").under(Procfs).remains();
    numbers_of_another_call_are_unreadable:
        attack(36, "/proc/PID/stat", "open str:/proc/{victim}/stat O_RDONLY").refused(Landlock, "EACCES");
    sizes_of_another_call_are_unreadable:
        attack(36, "/proc/PID/statm", "open str:/proc/{victim}/statm O_RDONLY").refused(Landlock, "EACCES");
    mounts_of_another_call_are_unreadable:
        attack(36, "/proc/PID/mountinfo", "open str:/proc/{victim}/mountinfo O_RDONLY").refused(Landlock, "EACCES");
    control_groups_of_another_call_are_unreadable:
        attack(36, "/proc/PID/cgroup", "open str:/proc/{victim}/cgroup O_RDONLY")
            .needs_feature("control groups", &["ENOENT"]).refused(Landlock, "EACCES");
    schedules_of_another_call_are_unreadable:
        attack(36, "/proc/PID/schedstat", "open str:/proc/{victim}/schedstat O_RDONLY")
            .needs_feature("CONFIG_SCHED_INFO", &["ENOENT"]).refused(Landlock, "EACCES");
    threads_of_another_call_cannot_be_listed:
        attack(36, "/proc/PID/task", "open str:/proc/{victim}/task O_RDONLY|O_DIRECTORY").refused(Landlock, "EACCES");
    names_of_another_call_cannot_be_written:
        attack(37, "/proc/PID/comm", "open str:/proc/{victim}/comm O_WRONLY").refused(Landlock, "EACCES");
    chances_of_another_call_cannot_be_lowered:
        attack(37, "/proc/PID/oom_score_adj", "open str:/proc/{victim}/oom_score_adj O_WRONLY").refused(Landlock, "EACCES");
    chances_of_another_call_cannot_be_lowered_in_a_granted_proc:
        attack(37, "/proc/PID/oom_score_adj", "open str:/proc/{victim}/oom_score_adj O_WRONLY").under(Procfs).refused(Landlock, "EACCES");
    core_dumps_of_another_call_cannot_be_filtered:
        attack(37, "/proc/PID/coredump_filter", "open str:/proc/{victim}/coredump_filter O_WRONLY")
            .needs_feature("CONFIG_ELF_CORE", &["ENOENT"]).refused(Landlock, "EACCES");

    processes_cannot_be_listed:
        attack(36, "/proc", "open str:/proc O_RDONLY|O_DIRECTORY").refused(Landlock, "EACCES");
    sockets_of_everybody_cannot_be_listed:
        attack(85, "/proc/self/net", "open str:/proc/self/net/tcp O_RDONLY").refused(Landlock, "EACCES");
    unix_sockets_of_everybody_cannot_be_listed:
        attack(85, "/proc/self/net", "open str:/proc/self/net/unix O_RDONLY").refused(Landlock, "EACCES");
    own_pagemaps_are_unreadable:
        attack(86, "/proc/self/pagemap", "open str:/proc/self/pagemap O_RDONLY").refused(Landlock, "EACCES");
    own_sums_of_memory_are_unreadable:
        attack(86, "/proc/self/smaps", "open str:/proc/self/smaps O_RDONLY").refused(Landlock, "EACCES");
    the_load_cannot_be_read_as_a_file:
        attack(70, "/proc/loadavg", "open str:/proc/loadavg O_RDONLY").refused(Landlock, "EACCES");
}
