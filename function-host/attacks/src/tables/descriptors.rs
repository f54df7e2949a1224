//! Descriptors that were handed in, terminals, devices, pipes.

use crate::attack::{
    By::{Filter, Landlock},
    attack, attacks,
};

/// A terminal that is the attacker's own, as one that the host was started on would be: $3.
macro_rules! on_a_terminal {
    ($calls:literal) => {
        concat!(
            "setsid ; open str:/dev/ptmx O_RDWR|O_NOCTTY ; ioctl $1 TIOCSPTLCK mem:u32=0 ; ioctl $1 TIOCGPTPEER O_RDWR|O_NOCTTY ; ioctl $3 TIOCSCTTY 0 ; sandbox ; ",
            $calls
        )
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
        attack(92, "close", "open str:{function}/data O_RDONLY ; close $0|HIGH ; open str:{function}/data O_RDONLY ; read $0 buf:8 8").remains();

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
}
