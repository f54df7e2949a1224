//! Files of other calls, of the host and of everybody: what Landlock keeps apart.

use crate::attack::{By::Landlock, attack, attacks};

attacks! {
    as rows;
    files_of_another_call_are_unreadable:
        attack(1, "another call's scratch", "open str:{other}/secret O_RDONLY")
            .refused(Landlock, "EACCES");
    files_of_another_call_are_unwritable:
        attack(1, "another call's scratch", "open str:{other}/secret O_WRONLY")
            .refused(Landlock, "EACCES");
    files_of_another_call_cannot_be_truncated:
        attack(3, "another call's scratch", "truncate str:{other}/secret 0")
            .refused(Landlock, "EACCES");
    files_of_another_call_cannot_be_unlinked:
        attack(1, "another call's scratch", "unlink str:{other}/secret")
            .refused(Landlock, "EACCES");
    files_cannot_be_planted_in_another_scratch:
        attack(1, "another call's scratch", "open str:{other}/planted O_WRONLY|O_CREAT 0o600")
            .refused(Landlock, "EACCES");
    unnamed_files_cannot_be_made_in_another_scratch:
        attack(1, "another call's scratch", "open str:{other} O_RDWR|O_TMPFILE 0o600")
            .refused(Landlock, "EACCES");
    directories_of_another_call_are_unlistable:
        attack(1, "another call's scratch", "open str:{other} O_RDONLY|O_DIRECTORY ; getdents64 $0 buf:4096 4096")
            .refused(Landlock, "EACCES");
    directories_cannot_be_made_in_another_scratch:
        attack(1, "another call's scratch", "mkdir str:{other}/planted 0o700")
            .refused(Landlock, "EACCES");
    directories_of_another_call_cannot_be_removed:
        attack(1, "another call's scratch", "rmdir str:{other}/directory")
            .refused(Landlock, "EACCES");
    links_cannot_be_made_in_another_scratch:
        attack(1, "another call's scratch", "symlink str:anything str:{other}/planted")
            .refused(Landlock, "EACCES");
    links_into_another_scratch_lead_nowhere:
        attack(1, "another call's scratch", "symlink str:{other}/secret str:link ; open str:link O_RDONLY")
            .refused(Landlock, "EACCES");
    links_of_another_call_lead_nowhere:
        attack(1, "another call's scratch", "open str:{other}/link O_RDONLY")
            .refused(Landlock, "EACCES");
    files_of_another_call_cannot_be_linked_here:
        attack(9, "hard links across scratches", "link str:{other}/secret str:mine")
            .refused(Landlock, "EXDEV");
    files_cannot_be_linked_into_another_scratch:
        attack(9, "hard links across scratches", "open str:mine O_WRONLY|O_CREAT 0o600 ; link str:mine str:{other}/planted")
            .refused(Landlock, "EACCES");
    files_of_another_call_cannot_be_moved_here:
        attack(9, "renaming across scratches", "rename str:{other}/secret str:mine")
            .refused(Landlock, "EACCES");
    files_cannot_be_moved_into_another_scratch:
        attack(9, "renaming across scratches", "open str:mine O_WRONLY|O_CREAT 0o600 ; rename str:mine str:{other}/secret")
            .refused(Landlock, "EACCES");
    files_cannot_be_exchanged_with_another_call:
        attack(9, "renaming across scratches", "open str:mine O_WRONLY|O_CREAT 0o600 ; renameat2 AT_FDCWD str:mine AT_FDCWD str:{other}/secret RENAME_EXCHANGE")
            .refused(Landlock, "EACCES");
    descriptors_of_paths_open_no_files:
        attack(5, "re-opening an O_PATH descriptor", "open str:{other}/secret O_PATH ; open str:/proc/self/fd/$0 O_RDONLY")
            .refused(Landlock, "EACCES");
    directory_descriptors_open_no_files:
        attack(1, "a directory descriptor that was handed in", "open str:{other} O_PATH|O_DIRECTORY ; sandbox ; openat $0 str:secret O_RDONLY")
            .refused(Landlock, "EACCES");
    working_directories_open_no_files:
        attack(6, "the working directory", "chdir str:{other} ; open str:secret O_RDONLY")
            .refused(Landlock, "EACCES");
    openat2_opens_no_more_than_open:
        attack(1, "another call's scratch", "openat2 AT_FDCWD str:{other}/secret mem:u64=O_RDONLY,u64=0,u64=0 24")
            .refused(Landlock, "EACCES");
    pipes_of_another_call_cannot_be_opened:
        attack(12, "a named pipe of another call", "open str:{other}/pipe O_RDWR")
            .refused(Landlock, "EACCES");
    pipes_cannot_be_planted_in_another_scratch:
        attack(12, "a named pipe in another scratch", "mknod str:{other}/planted S_IFIFO|0o600 0")
            .refused(Landlock, "EACCES");
    scratches_cannot_be_enumerated:
        attack(1, "the directory of all scratches", "open str:{scratches} O_RDONLY|O_DIRECTORY ; getdents64 $0 buf:4096 4096")
            .refused(Landlock, "EACCES");
    directories_cannot_be_made_among_the_scratches:
        attack(1, "the directory of all scratches", "mkdir str:{scratches}/planted 0o700")
            .refused(Landlock, "EACCES");

    code_of_the_function_cannot_be_written:
        attack(1, "the function's code", "open str:{function}/data O_WRONLY").refused(Landlock, "EACCES");
    code_of_the_function_cannot_be_truncated:
        attack(3, "the function's code", "truncate str:{function}/data 0").refused(Landlock, "EACCES");
    code_of_the_function_cannot_be_replaced:
        attack(1, "the function's code", "open str:new O_WRONLY|O_CREAT 0o600 ; rename str:new str:{function}/data")
            .refused(Landlock, "EACCES");
    code_of_the_function_cannot_be_removed:
        attack(1, "the function's code", "unlink str:{function}/data").refused(Landlock, "EACCES");

    files_in_tmp_are_unreadable:
        attack(1, "/tmp", "open str:{tmp}/secret O_RDONLY").refused(Landlock, "EACCES");
    files_cannot_be_left_in_tmp:
        attack(1, "/tmp", "open str:{tmp}/planted O_WRONLY|O_CREAT 0o600").refused(Landlock, "EACCES");
    files_in_var_tmp_are_unreadable:
        attack(1, "/var/tmp", "open str:{vartmp}/secret O_RDONLY").refused(Landlock, "EACCES");
    files_cannot_be_left_in_var_tmp:
        attack(1, "/var/tmp", "open str:{vartmp}/planted O_WRONLY|O_CREAT 0o600").refused(Landlock, "EACCES");
    files_in_shared_memory_are_unreadable:
        attack(1, "/dev/shm", "open str:{shm}/secret O_RDONLY").refused(Landlock, "EACCES");
    files_cannot_be_left_in_shared_memory:
        attack(1, "/dev/shm", "open str:{shm}/planted O_RDWR|O_CREAT 0o600").refused(Landlock, "EACCES");

    users_of_the_machine_are_unreadable:
        attack(0, "/etc/passwd", "open str:/etc/passwd O_RDONLY").refused(Landlock, "EACCES");
    the_resolvers_configuration_cannot_be_written:
        attack(77, "/etc/resolv.conf", "open str:/etc/resolv.conf O_WRONLY")
            .needs_capability(1, "CAP_DAC_OVERRIDE")
            .needs_feature("/etc/resolv.conf", &["ENOENT", "EROFS"])
            .refused(Landlock, "EACCES");
    the_kernels_log_cannot_be_written:
        attack(68, "/dev/kmsg", "open str:/dev/kmsg O_WRONLY")
            .needs_capability(1, "CAP_DAC_OVERRIDE")
            .needs_feature("/dev/kmsg", &["ENOENT"])
            .refused(Landlock, "EACCES");
    the_kernels_settings_cannot_be_written:
        attack(67, "/proc/sys", "open str:/proc/sys/kernel/core_pattern O_WRONLY")
            .needs_capability(1, "CAP_DAC_OVERRIDE")
            .needs_feature("a writable /proc/sys", &["EROFS", "EPERM"])
            .refused(Landlock, "EACCES");
    sysfs_is_unreadable:
        attack(67, "/sys", "open str:/sys/kernel/mm/ksm/run O_RDONLY")
            .needs_feature("/sys/kernel/mm/ksm", &["ENOENT"])
            .refused(Landlock, "EACCES");
    new_terminals_cannot_be_made:
        attack(12, "/dev/ptmx", "open str:/dev/ptmx O_RDWR|O_NOCTTY").refused(Landlock, "EACCES");
    terminals_cannot_be_listed:
        attack(12, "/dev/pts", "open str:/dev/pts O_RDONLY|O_DIRECTORY").refused(Landlock, "EACCES");
    devices_cannot_be_listed:
        attack(12, "/dev", "open str:/dev O_RDONLY|O_DIRECTORY").refused(Landlock, "EACCES");
}
