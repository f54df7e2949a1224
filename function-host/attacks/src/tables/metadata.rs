//! Metadata of files as a notice board, and watching who reads them: Landlock sees none of it.

use crate::attack::{By::Filter, attack, attacks};

const DATA: &str = "{function}/data";

attacks! {
    as rows;
    modes_of_shared_files_stay:
        attack(4, "chmod", "chmod str:{function}/data 0o640").without_effect_on(DATA);
    modes_by_descriptor_stay:
        attack(4, "fchmod", "open str:{function}/data O_RDONLY ; fchmod $0 0o640").without_effect_on(DATA);
    modes_by_directory_stay:
        attack(4, "fchmodat", "fchmodat AT_FDCWD str:{function}/data 0o640").without_effect_on(DATA);
    modes_by_the_newest_call_stay:
        attack(4, "fchmodat2", "fchmodat2 AT_FDCWD str:{function}/data 0o640 0")
            .needs_feature("fchmodat2 (Linux 6.6)", &["ENOSYS"])
            .without_effect_on(DATA);
    modes_in_another_scratch_stay:
        attack(4, "chmod", "chmod str:{other}/secret 0o640").without_effect_on("{other}/secret");
    times_of_shared_files_stay:
        attack(4, "utime", "utime str:{function}/data mem:u64=1,u64=1").without_effect_on(DATA);
    times_in_microseconds_stay:
        attack(4, "utimes", "utimes str:{function}/data mem:u64=1,u64=0,u64=1,u64=0").without_effect_on(DATA);
    times_by_directory_stay:
        attack(4, "futimesat", "futimesat AT_FDCWD str:{function}/data mem:u64=1,u64=0,u64=1,u64=0")
            .without_effect_on(DATA);
    times_in_nanoseconds_stay:
        attack(4, "utimensat", "utimensat AT_FDCWD str:{function}/data mem:u64=1,u64=2,u64=1,u64=2 0")
            .without_effect_on(DATA);
    times_by_descriptor_stay:
        attack(4, "futimens", "open str:{function}/data O_RDONLY ; utimensat $0 0 mem:u64=1,u64=2,u64=1,u64=2 0")
            .without_effect_on(DATA);

    owners_cannot_be_set:
        attack(4, "chown", "chown str:{function}/data -1 -1").refused(Filter, "EPERM");
    owners_cannot_be_set_by_descriptor:
        attack(4, "fchown", "open str:{function}/data O_RDONLY ; fchown $0 -1 -1").refused(Filter, "EPERM");
    owners_cannot_be_set_by_directory:
        attack(4, "fchownat", "fchownat AT_FDCWD str:{function}/data -1 -1 0").refused(Filter, "EPERM");
    owners_of_links_cannot_be_set:
        attack(4, "lchown", "lchown str:{function}/data -1 -1").refused(Filter, "EPERM");

    attributes_cannot_be_set:
        attack(4, "setxattr", "setxattr str:{function}/data str:user.note str:x 1 0")
            .needs_feature("extended attributes in the temporary directory", &["EOPNOTSUPP"])
            .refused(Filter, "EOPNOTSUPP");
    attributes_cannot_be_set_by_descriptor:
        attack(4, "fsetxattr", "open str:{function}/data O_RDONLY ; fsetxattr $0 str:user.note str:x 1 0")
            .needs_feature("extended attributes in the temporary directory", &["EOPNOTSUPP"])
            .refused(Filter, "EOPNOTSUPP");
    attributes_cannot_be_listed:
        attack(4, "listxattr", "listxattr str:{function}/data buf:256 256").refused(Filter, "EOPNOTSUPP");
    attributes_cannot_be_removed:
        attack(4, "removexattr", "setxattr str:{function}/data str:user.note str:x 1 0 ; sandbox ; removexattr str:{function}/data str:user.note")
            .refused(Filter, "EOPNOTSUPP");
    // Without FS_EXTENT_FL, which files of ext4 have, it would be a migration of the file.
    flags_of_inodes_cannot_be_set:
        attack(4, "FS_IOC_SETFLAGS", "open str:{function}/data O_RDONLY ; ioctl $0 FS_IOC_SETFLAGS mem:u32=FS_NODUMP_FL|FS_EXTENT_FL")
            .needs_feature("flags of inodes in the temporary directory", &["ENOTTY", "EOPNOTSUPP"])
            .refused(Filter, "ENOTTY");
    flags_of_inodes_cannot_be_set_with_a_high_word:
        attack(92, "FS_IOC_SETFLAGS", "open str:{function}/data O_RDONLY ; ioctl $0 FS_IOC_SETFLAGS|HIGH mem:u32=FS_NODUMP_FL|FS_EXTENT_FL")
            .needs_feature("flags of inodes in the temporary directory", &["ENOTTY", "EOPNOTSUPP"])
            .refused(Filter, "ENOTTY");
    generations_of_inodes_cannot_be_set:
        attack(4, "FS_IOC_SETVERSION", "open str:{function}/data O_RDONLY ; ioctl $0 FS_IOC_SETVERSION mem:u32=7")
            .needs_feature("generations of inodes without checksums in the temporary directory", &["ENOTTY", "EOPNOTSUPP"])
            .refused(Filter, "ENOTTY");
    generations_of_inodes_cannot_be_read:
        attack(4, "FS_IOC_GETVERSION", "open str:{function}/data O_RDONLY ; ioctl $0 FS_IOC_GETVERSION buf:8")
            .needs_feature("generations of inodes in the temporary directory", &["ENOTTY", "EOPNOTSUPP"])
            .refused(Filter, "ENOTTY");

    handles_of_files_cannot_be_made:
        attack(5, "file handles", "name_to_handle_at AT_FDCWD str:{other}/secret mem:u32=128,u32=0,zero=128 buf:8 0")
            .needs_feature("file handles in the temporary directory", &["EOPNOTSUPP"])
            .refused(Filter, "EPERM");
    handles_of_files_kill_their_opener:
        attack(5, "file handles", "mem u32=128,u32=0,zero=128 ; name_to_handle_at AT_FDCWD str:{other}/secret $0 buf:8 0 ; sandbox ; open_by_handle_at AT_FDCWD $0 O_RDONLY")
            .needs_capability(2, "CAP_DAC_READ_SEARCH")
            .killed();

    directories_cannot_be_watched:
        attack(7, "inotify", "inotify_init1 0 ; inotify_add_watch $0 str:/usr/lib 1").refused(Filter, "EPERM");
    another_scratch_cannot_be_watched:
        attack(7, "inotify", "inotify_init ; inotify_add_watch $0 str:{other} 2").refused(Filter, "EPERM");
    a_watch_that_was_handed_in_watches_no_more:
        attack(7, "inotify", "inotify_init1 0 ; sandbox ; inotify_add_watch $0 str:{function} 1")
            .refused(Filter, "EPERM");
    fanotify_is_refused:
        attack(7, "fanotify", "fanotify_init FAN_REPORT_FID O_RDONLY")
            .needs_feature("fanotify for ordinary users", &["ENOSYS", "EPERM"])
            .refused(Filter, "EPERM");
    reads_of_a_directory_raise_no_signal:
        attack(83, "F_NOTIFY", "open str:{function} O_RDONLY|O_DIRECTORY ; fcntl $0 F_NOTIFY DN_ACCESS")
            .needs_feature("dnotify", &["EINVAL"])
            .refused(Filter, "EPERM");

    existence_remains_visible:
        attack(5, "stat", "stat str:{other}/secret buf:256 ; access str:{other}/secret 0").remains();
    descriptors_of_paths_remain:
        attack(5, "O_PATH", "open str:{other}/secret O_PATH ; fstat $0 buf:256").remains();
    working_directories_remain:
        attack(6, "chdir", "chdir str:{other}").remains();
    counts_of_descriptors_and_threads_remain_visible:
        attack(87, "stat of /proc/PID", "stat str:/proc/{victim}/fd buf:256 ; stat str:/proc/{victim}/task buf:256").remains();
    time_remains_measurable:
        attack(71, "timing", "clock_gettime 1 buf:16").remains();
    load_and_free_space_remain_visible:
        attack(70, "sysinfo, statfs", "sysinfo buf:256 ; statfs str:/ buf:256").remains();
}
