//! Landlock's filesystem rights by name, with the ABI that brought each.
//!
//! A name is that of `LANDLOCK_ACCESS_FS_*` in lower case, as in the kernel's documentation and in
//! `include/uapi/linux/landlock.h`. Imports nothing.
#![forbid(unsafe_code)]

/// In the order of the kernel's bits.
const FS_ACCESS: &[(&str, u32)] = &[
    ("execute", 1),
    ("write_file", 1),
    ("read_file", 1),
    ("read_dir", 1),
    ("remove_dir", 1),
    ("remove_file", 1),
    ("make_char", 1),
    ("make_dir", 1),
    ("make_reg", 1),
    ("make_sock", 1),
    ("make_fifo", 1),
    ("make_block", 1),
    ("make_sym", 1),
    ("refer", 2),
    ("truncate", 3),
    ("ioctl_dev", 5),
    ("resolve_unix", 9),
];

/// Whether this is the name of a filesystem right.
#[must_use]
pub fn is_fs_access(name: &str) -> bool {
    abi(name).is_some()
}

/// The first Landlock ABI whose kernels know the right.
#[must_use]
pub fn abi(name: &str) -> Option<u32> {
    FS_ACCESS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|&(_, abi)| abi)
}

/// The right's bit in `landlock_path_beneath_attr.allowed_access`.
#[must_use]
pub fn bit(name: &str) -> Option<u64> {
    FS_ACCESS
        .iter()
        .position(|(known, _)| *known == name)
        .map(|position| 1 << position)
}

/// Every filesystem right, in the order of the kernel's bits.
pub fn all() -> impl Iterator<Item = &'static str> {
    FS_ACCESS.iter().map(|&(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_with_their_abi() {
        assert_eq!(abi("execute"), Some(1));
        assert_eq!(abi("refer"), Some(2));
        assert_eq!(abi("truncate"), Some(3));
        assert_eq!(abi("ioctl_dev"), Some(5));
        assert!(is_fs_access("read_dir"));
        assert!(!is_fs_access("READ_DIR"));
        assert!(!is_fs_access(""));
    }

    /// The `landlock` crate and this table hold the same number of rights at every ABI.
    #[cfg(feature = "compile")]
    #[test]
    fn agrees_with_the_landlock_crate() {
        use landlock::{ABI, Access, AccessFs};
        let abis = [
            ABI::V1,
            ABI::V2,
            ABI::V3,
            ABI::V4,
            ABI::V5,
            ABI::V6,
            ABI::V9,
            ABI::V10,
        ];
        for version in abis {
            let ours = all()
                .filter(|name| abi(name) <= Some(version as u32))
                .count();
            assert_eq!(AccessFs::from_all(version).len(), ours, "{version:?}");
        }
    }
}
