//! Descriptors that were handed in, terminals, devices, pipes.

use crate::attack::{
    By::{Filter, Landlock, Limits},
    attack, attacks,
};

/// A terminal that is the attacker's own, as one that the host was started on would be: $3.
macro_rules! on_a_terminal {
    ($calls:literal) => {
        concat!(
            "session ; open str:/dev/ptmx O_RDWR|O_NOCTTY ; ioctl $1 TIOCSPTLCK mem:u32=0 ; ioctl $1 TIOCGPTPEER O_RDWR|O_NOCTTY ; ioctl $3 TIOCSCTTY 0 ; sandbox ; ",
            $calls
        )
    };
}

/// The descriptor of /tmp, 1000, closed by these calls: then nothing can be opened by it.
macro_rules! tmp_closed {
    ($calls:literal) => {
        attack(
            0,
            "the descriptor of /tmp",
            concat!($calls, " ; openat 1000 str:. O_RDONLY|O_DIRECTORY"),
        )
        .control_reaches(&["EBADF"])
        .without_effect()
    };
}

/// The descriptor of /tmp, to be closed at the next exec by these calls: its flag is then 1, and as a
/// descriptor that is the standard output, where without it is an input that cannot be written to.
macro_rules! tmp_closed_on_exec {
    ($calls:literal) => {
        concat!($calls, " ; fcntl 1000 F_GETFD ; write $1 str:x 0")
    };
}

attacks! {
    as rows;
    terminals_cannot_be_typed_on:
        attack(43, "TIOCSTI", on_a_terminal!("ioctl $3 TIOCSTI buf:8"))
            .needs_feature("dev.tty.legacy_tiocsti", &["EIO"]).refused(Filter, "ENOTTY");
    terminals_cannot_be_typed_on_with_a_high_word:
        attack(92, "TIOCSTI", on_a_terminal!("ioctl $3 TIOCSTI|HIGH buf:8"))
            .needs_feature("dev.tty.legacy_tiocsti", &["EIO"]).refused(Filter, "ENOTTY");
    terminals_cannot_be_pasted_on:
        attack(43, "TIOCLINUX", on_a_terminal!("ioctl $3 TIOCLINUX mem:u8=2,zero=16"))
            .control_reaches(&["ENOTTY", "EINVAL"]).refused(Filter, "ENOTTY");
    terminals_cannot_be_set:
        attack(43, "TCSETS", on_a_terminal!("mem zero=64 ; ioctl $3 0x5401 $5 ; ioctl $3 TCSETS $5")).refused(Filter, "ENOTTY");
    window_sizes_cannot_be_set:
        attack(43, "TIOCSWINSZ", on_a_terminal!("ioctl $3 0x5414 mem:u16=25,u16=80,u16=0,u16=0")).refused(Filter, "ENOTTY");
    terminals_cannot_be_taken:
        attack(43, "TIOCSCTTY", on_a_terminal!("ioctl $3 TIOCSCTTY 0")).refused(Filter, "ENOTTY");

    descriptors_that_were_handed_in_stay_what_they_are:
        attack(17, "a descriptor for reading", "open str:{other}/secret O_RDONLY ; sandbox ; open str:/proc/self/fd/$0 O_WRONLY").refused(Landlock, "EACCES");
    descriptors_that_were_handed_in_remain_readable:
        attack(17, "a descriptor for reading", "open str:{other}/secret O_RDONLY ; sandbox ; read $0 buf:16 16").remains();
    closing_with_a_high_word_closes:
        attack(0, "close", "open str:{function}/data O_RDONLY ; close $0|HIGH ; open str:{function}/data O_RDONLY ; read $0 buf:8 8").remains();

    pipes_cannot_be_enlarged:
        attack(26, "F_SETPIPE_SZ", "mem zero=8 ; pipe $0 ; fcntl *$0 F_SETPIPE_SZ 0x20000").refused(Filter, "EPERM");
    devices_cannot_be_made:
        attack(12, "device nodes", "mknod str:mine S_IFCHR|0o600 0x103").needs_capability(27, "CAP_MKNOD").refused(Filter, "EPERM");
    devices_cannot_be_made_by_directory:
        attack(12, "device nodes", "mknodat AT_FDCWD str:mine S_IFCHR|0o600 0x103").needs_capability(27, "CAP_MKNOD").refused(Filter, "EPERM");
    devices_cannot_be_made_with_a_high_word:
        attack(92, "device nodes", "mknodat AT_FDCWD str:mine S_IFCHR|0o600|HIGH 0x103").needs_capability(27, "CAP_MKNOD").refused(Filter, "EPERM");
    granted_devices_take_no_other_commands:
        attack(0, "an ioctl on a granted device", "open str:/dev/urandom O_RDONLY ; ioctl $0 0x80045200 buf:8").refused(Filter, "ENOTTY");

    tmp_cannot_be_closed:
        tmp_closed!("close 1000");
    tmp_cannot_be_closed_with_a_high_word:
        tmp_closed!("close 1000|HIGH");
    tmp_cannot_be_closed_by_range:
        tmp_closed!("close_range 1000 1000 0");
    tmp_cannot_be_closed_by_range_with_a_high_word:
        tmp_closed!("close_range 1000|HIGH 1000|HIGH 0");
    tmp_cannot_be_closed_with_everything:
        tmp_closed!("close_range 3 0xffffffff 0");
    tmp_cannot_be_closed_in_a_table_of_ones_own:
        tmp_closed!("close_range 999 0xffffffff|HIGH CLOSE_RANGE_UNSHARE");
    tmp_cannot_be_replaced:
        attack(0, "the descriptor of /tmp", "open str:{function}/data O_RDONLY ; dup2 $0 1000").refused(Filter, "EBUSY");
    tmp_cannot_be_replaced_with_a_high_word:
        attack(0, "the descriptor of /tmp", "open str:{function}/data O_RDONLY ; dup2 $0 1000|HIGH").refused(Filter, "EBUSY");
    tmp_cannot_be_replaced_by_dup3:
        attack(0, "the descriptor of /tmp", "open str:{function}/data O_RDONLY ; dup3 $0 1000 0").refused(Filter, "EBUSY");
    tmp_cannot_be_replaced_by_dup3_with_a_high_word:
        attack(0, "the descriptor of /tmp", "open str:{function}/data O_RDONLY ; dup3 $0 1000|HIGH 0").refused(Filter, "EBUSY");
    tmp_is_not_closed_on_exec:
        attack(0, "the descriptor of /tmp", tmp_closed_on_exec!("fcntl 1000 F_SETFD FD_CLOEXEC")).refused(Filter, "EBADF");
    tmp_is_not_closed_on_exec_with_high_words:
        attack(0, "the descriptor of /tmp", tmp_closed_on_exec!("fcntl 1000|HIGH F_SETFD|HIGH FD_CLOEXEC")).refused(Filter, "EBADF");
    tmp_is_not_closed_on_exec_by_range:
        attack(0, "the descriptor of /tmp", tmp_closed_on_exec!("close_range 3 0xffffffff CLOSE_RANGE_CLOEXEC")).refused(Filter, "EBADF");
    tmp_is_not_closed_on_exec_by_ioctl:
        attack(0, "the descriptor of /tmp", "ioctl 1000 FIOCLEX").control_reaches(&["EBADF"]).refused(Limits, "EBADF");
}
