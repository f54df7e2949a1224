//! Channels that Landlock closes from some ABI on, by the names under which a profile can accept that a
//! kernel leaves them open. What they are is [`crate::policy`]'s to know. Imports nothing.
#![forbid(unsafe_code)]

/// `LANDLOCK_ACCESS_FS_TRUNCATE`, ABI 3.
pub const TRUNCATE: &str = "truncate";
/// `LANDLOCK_ACCESS_NET_{BIND,CONNECT}_TCP`, ABI 4.
pub const TCP: &str = "tcp";
/// `LANDLOCK_ACCESS_FS_IOCTL_DEV`, ABI 5.
pub const IOCTL_DEV: &str = "ioctl-dev";
/// `LANDLOCK_SCOPE_SIGNAL`, ABI 6.
pub const SIGNAL_SCOPE: &str = "signal-scope";
/// `LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET`, ABI 6.
pub const ABSTRACT_UNIX: &str = "abstract-unix";
/// `LANDLOCK_ACCESS_FS_RESOLVE_UNIX`, ABI 9.
pub const RESOLVE_UNIX: &str = "resolve-unix";
/// `LANDLOCK_ACCESS_NET_{BIND,CONNECT_SEND}_UDP`, ABI 10.
pub const UDP: &str = "udp";

/// Every channel whose gap can be accepted, in the order of the ABIs.
pub const ACCEPTABLE: [&str; 7] = [
    TRUNCATE,
    TCP,
    IOCTL_DEV,
    SIGNAL_SCOPE,
    ABSTRACT_UNIX,
    RESOLVE_UNIX,
    UDP,
];
