//! The machine: mounts, modules, clocks, and other ways into the kernel.

use crate::attack::{By::Filter, attack, attacks};

/// What ordinary users are told, or those that go on: the control stops where harm would begin.
const NOT_ALLOWED: &[&str] = &["EPERM", "ENOSYS", "EINVAL", "EFAULT", "ENOENT", "EBADF"];

attacks! {
    as rows;
    mounting_kills:
        attack(66, "mount", "mount str:none str:/tmp str:tmpfs 0 0").control_in_namespace().killed();
    unmounting_kills:
        attack(66, "umount2", "umount2 str:{function} 0").control_in_namespace().control_reaches(&["EINVAL"]).killed();
    other_roots_kill:
        attack(66, "chroot", "chroot str:/").control_in_namespace().killed();
    pivoting_kills:
        attack(66, "pivot_root", "pivot_root str:{function} str:{function}").control_in_namespace().control_reaches(&["EINVAL", "EBUSY"]).killed();
    new_file_systems_kill:
        attack(66, "fsopen", "fsopen str:tmpfs 0").control_in_namespace().killed();
    detached_trees_kill:
        attack(66, "open_tree", "open_tree AT_FDCWD str:/ 0").killed();
    attributes_of_mounts_kill:
        attack(66, "mount_setattr", "mount_setattr AT_FDCWD str:/ 0 buf:32 32").control_in_namespace().killed();
    moving_mounts_kills:
        attack(66, "move_mount", "move_mount AT_FDCWD str:{function} AT_FDCWD str:{function} 0").control_reaches(NOT_ALLOWED).killed();
    mounts_cannot_be_listed:
        attack(66, "listmount", "listmount mem:u32=24,u32=0,u64=-1,u64=0 buf:64 8 0").needs_feature("listmount (Linux 6.8)", &["ENOSYS"]).refused(Filter, "ENOSYS");

    modules_kill:
        attack(0, "init_module", "init_module 0 0 str:").control_reaches(NOT_ALLOWED).killed();
    modules_by_descriptor_kill:
        attack(0, "finit_module", "finit_module -1 str: 0").control_reaches(NOT_ALLOWED).killed();
    removing_modules_kills:
        attack(0, "delete_module", "delete_module str:none 0").control_reaches(NOT_ALLOWED).killed();
    another_kernel_kills:
        attack(0, "kexec_load", "kexec_load 0 100 0 0").control_reaches(NOT_ALLOWED).killed();
    rebooting_kills:
        attack(0, "reboot", "reboot 0 0 0 0").control_reaches(NOT_ALLOWED).killed();
    swapping_kills:
        attack(0, "swapon", "swapon str:{function}/none 0").control_reaches(NOT_ALLOWED).killed();
    ending_swap_kills:
        attack(0, "swapoff", "swapoff str:{function}/none").control_reaches(NOT_ALLOWED).killed();
    accounting_kills:
        attack(0, "acct", "acct str:{function}/none").control_reaches(NOT_ALLOWED).killed();
    io_privileges_kill:
        attack(0, "iopl", "iopl 3").needs_capability(17, "CAP_SYS_RAWIO").needs_feature("CONFIG_X86_IOPL_IOPERM", &["ENOSYS"]).killed();
    io_ports_kill:
        attack(0, "ioperm", "ioperm 0x80 1 1").needs_capability(17, "CAP_SYS_RAWIO").needs_feature("CONFIG_X86_IOPL_IOPERM", &["ENOSYS"]).killed();

    the_time_cannot_be_set:
        attack(0, "settimeofday", "settimeofday 0 0").needs_capability(25, "CAP_SYS_TIME").refused(Filter, "EPERM");
    clocks_cannot_be_set:
        attack(0, "clock_settime", "clock_settime 4 mem:u64=0,u64=0").control_reaches(NOT_ALLOWED).refused(Filter, "EPERM");
    clocks_cannot_be_tuned:
        attack(0, "adjtimex", "adjtimex mem:u32=0,zero=204").refused(Filter, "EPERM");
    quotas_cannot_be_managed:
        attack(0, "quotactl", "quotactl Q_SYNC_USER 0 0 0").needs_feature("CONFIG_QUOTACTL", &["ENOSYS"]).refused(Filter, "EPERM");
    the_machine_cannot_be_renamed:
        attack(0, "sethostname", "sethostname str:name 4").control_in_namespace().refused(Filter, "EPERM");
    the_domain_cannot_be_renamed:
        attack(0, "setdomainname", "setdomainname str:name 4").control_in_namespace().refused(Filter, "EPERM");
    the_kernels_log_cannot_be_asked_for:
        attack(0, "syslog", "syslog 10 0 0").needs_capability(34, "CAP_SYSLOG").refused(Filter, "EPERM");
    relics_are_refused:
        attack(0, "sysfs(2)", "sysfs 3").needs_feature("CONFIG_SYSFS_SYSCALL", &["ENOSYS"]).refused(Filter, "EPERM");
    calls_of_the_future_are_absent:
        attack(0, "a number that no kernel knows yet", "syscall:511 0 0 0").control_reaches(&["ENOSYS"]).refused(Filter, "ENOSYS");
}

#[cfg(target_arch = "x86_64")]
attacks! {
    as entries;
    the_32_bit_entry_kills:
        attack(0, "int 0x80", "int80").killed();
    x32_numbers_kill:
        attack(0, "an x32 number", "syscall:X32|39").needs_feature("x32", &["ENOSYS"]).killed();
    x32_numbers_of_its_own_kill:
        attack(0, "an x32 number", "syscall:X32|520 str:/none 0 0").control_reaches(&["ENOSYS", "ENOENT", "EFAULT"]).killed();
}
