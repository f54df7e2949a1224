//! Error numbers by name: the asm-generic table of Linux, which x86-64, aarch64 and riscv64 share.
//!
//! Source: `include/uapi/asm-generic/errno-base.h` and `errno.h`. Imports nothing.
#![forbid(unsafe_code)]

/// Canonical names first, in the order of their numbers; then the aliases.
#[rustfmt::skip]
const TABLE: &[(&str, i32)] = &[
    ("EPERM", 1), ("ENOENT", 2), ("ESRCH", 3), ("EINTR", 4), ("EIO", 5), ("ENXIO", 6),
    ("E2BIG", 7), ("ENOEXEC", 8), ("EBADF", 9), ("ECHILD", 10), ("EAGAIN", 11), ("ENOMEM", 12),
    ("EACCES", 13), ("EFAULT", 14), ("ENOTBLK", 15), ("EBUSY", 16), ("EEXIST", 17), ("EXDEV", 18),
    ("ENODEV", 19), ("ENOTDIR", 20), ("EISDIR", 21), ("EINVAL", 22), ("ENFILE", 23),
    ("EMFILE", 24), ("ENOTTY", 25), ("ETXTBSY", 26), ("EFBIG", 27), ("ENOSPC", 28),
    ("ESPIPE", 29), ("EROFS", 30), ("EMLINK", 31), ("EPIPE", 32), ("EDOM", 33), ("ERANGE", 34),
    ("EDEADLK", 35), ("ENAMETOOLONG", 36), ("ENOLCK", 37), ("ENOSYS", 38), ("ENOTEMPTY", 39),
    ("ELOOP", 40), ("ENOMSG", 42), ("EIDRM", 43), ("ECHRNG", 44), ("EL2NSYNC", 45),
    ("EL3HLT", 46), ("EL3RST", 47), ("ELNRNG", 48), ("EUNATCH", 49), ("ENOCSI", 50),
    ("EL2HLT", 51), ("EBADE", 52), ("EBADR", 53), ("EXFULL", 54), ("ENOANO", 55), ("EBADRQC", 56),
    ("EBADSLT", 57), ("EBFONT", 59), ("ENOSTR", 60), ("ENODATA", 61), ("ETIME", 62),
    ("ENOSR", 63), ("ENONET", 64), ("ENOPKG", 65), ("EREMOTE", 66), ("ENOLINK", 67), ("EADV", 68),
    ("ESRMNT", 69), ("ECOMM", 70), ("EPROTO", 71), ("EMULTIHOP", 72), ("EDOTDOT", 73),
    ("EBADMSG", 74), ("EOVERFLOW", 75), ("ENOTUNIQ", 76), ("EBADFD", 77), ("EREMCHG", 78),
    ("ELIBACC", 79), ("ELIBBAD", 80), ("ELIBSCN", 81), ("ELIBMAX", 82), ("ELIBEXEC", 83),
    ("EILSEQ", 84), ("ERESTART", 85), ("ESTRPIPE", 86), ("EUSERS", 87), ("ENOTSOCK", 88),
    ("EDESTADDRREQ", 89), ("EMSGSIZE", 90), ("EPROTOTYPE", 91), ("ENOPROTOOPT", 92),
    ("EPROTONOSUPPORT", 93), ("ESOCKTNOSUPPORT", 94), ("EOPNOTSUPP", 95), ("EPFNOSUPPORT", 96),
    ("EAFNOSUPPORT", 97), ("EADDRINUSE", 98), ("EADDRNOTAVAIL", 99), ("ENETDOWN", 100),
    ("ENETUNREACH", 101), ("ENETRESET", 102), ("ECONNABORTED", 103), ("ECONNRESET", 104),
    ("ENOBUFS", 105), ("EISCONN", 106), ("ENOTCONN", 107), ("ESHUTDOWN", 108),
    ("ETOOMANYREFS", 109), ("ETIMEDOUT", 110), ("ECONNREFUSED", 111), ("EHOSTDOWN", 112),
    ("EHOSTUNREACH", 113), ("EALREADY", 114), ("EINPROGRESS", 115), ("ESTALE", 116),
    ("EUCLEAN", 117), ("ENOTNAM", 118), ("ENAVAIL", 119), ("EISNAM", 120), ("EREMOTEIO", 121),
    ("EDQUOT", 122), ("ENOMEDIUM", 123), ("EMEDIUMTYPE", 124), ("ECANCELED", 125),
    ("ENOKEY", 126), ("EKEYEXPIRED", 127), ("EKEYREVOKED", 128), ("EKEYREJECTED", 129),
    ("EOWNERDEAD", 130), ("ENOTRECOVERABLE", 131), ("ERFKILL", 132), ("EHWPOISON", 133),
    // Aliases: a number read back gets the canonical name above.
    ("EWOULDBLOCK", 11), ("EDEADLOCK", 35), ("ENOTSUP", 95),
];

/// The number of an error, by its name in upper case (`ENOSYS`).
#[must_use]
pub fn value(name: &str) -> Option<i32> {
    TABLE
        .iter()
        .find(|(known, _)| *known == name)
        .map(|&(_, value)| value)
}

/// The canonical name of an error number.
#[must_use]
pub fn name(value: i32) -> Option<&'static str> {
    TABLE
        .iter()
        .find(|&&(_, known)| known == value)
        .map(|&(name, _)| name)
}

/// Every name that [`value`] knows, aliases included.
pub fn all() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|&(name, _)| name)
}

/// The number of an error as a profile writes it: its name, or a number that has none (0 reports
/// success without effect). At most 4095, the kernel's `MAX_ERRNO`.
#[must_use]
pub fn written(text: &str) -> Option<u16> {
    const MAX_ERRNO: u16 = 4095;
    let number = match value(text) {
        Some(number) => u16::try_from(number).ok(),
        None => text
            .parse()
            .ok()
            .filter(|number| name(i32::from(*number)).is_none()),
    };
    number.filter(|number| *number <= MAX_ERRNO)
}

/// How a profile writes this error: the inverse of [`written`].
#[must_use]
pub fn to_written(number: u16) -> String {
    name(i32::from(number)).map_or_else(|| number.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_libc() {
        for (name, number) in [
            ("EPERM", libc::EPERM),
            ("EACCES", libc::EACCES),
            ("EDEADLK", libc::EDEADLK),
            ("EDEADLOCK", libc::EDEADLK),
            ("ENOSYS", libc::ENOSYS),
            ("ELOOP", libc::ELOOP),
            ("ENODATA", libc::ENODATA),
            ("EWOULDBLOCK", libc::EWOULDBLOCK),
            ("ENOTSUP", libc::ENOTSUP),
            ("EDQUOT", libc::EDQUOT),
            ("EKEYREJECTED", libc::EKEYREJECTED),
            ("EHWPOISON", libc::EHWPOISON),
        ] {
            assert_eq!(value(name), Some(number), "{name}");
        }
    }

    #[test]
    fn every_number_has_one_canonical_name() {
        for known in all() {
            let number = value(known);
            let canonical = number.and_then(name);
            assert_eq!(canonical.and_then(value), number, "{known}");
        }
        assert_eq!(name(libc::EAGAIN), Some("EAGAIN"));
        assert_eq!(name(libc::EOPNOTSUPP), Some("EOPNOTSUPP"));
        // 41 and 58 were never given out; 0 is success.
        let gaps: Vec<i32> = (0..=133).filter(|&number| name(number).is_none()).collect();
        assert_eq!(gaps, [0, 41, 58]);
    }

    #[test]
    fn every_number_is_written_in_one_way() {
        for number in 0..=4095 {
            assert_eq!(written(&to_written(number)), Some(number));
        }
        assert_eq!(to_written(1), "EPERM");
        assert_eq!(to_written(0), "0");
        for wrong in ["1", "4096", "-1", "", "EWHAT"] {
            assert_eq!(written(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn unknown_names_are_unknown() {
        assert_eq!(value("enosys"), None);
        assert_eq!(value(""), None);
        assert_eq!(name(134), None);
    }
}
