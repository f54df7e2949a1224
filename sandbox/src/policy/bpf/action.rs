//! [`Action`]: what a filter answers.
#![forbid(unsafe_code)]

use std::fmt;

use super::BpfError;
use crate::names::errno;

/// The largest error that the kernel returns, `MAX_ERRNO` of `<linux/err.h>`.
const MAX_ERRNO: u16 = 4095;

/// The filter's answer to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The call is made.
    Allow,
    /// The call is not made and returns this error; 0 reports success without effect.
    Errno(u16),
    /// The process ends by SIGSYS, all its threads with it.
    KillProcess,
    /// The listener decides.
    Notify,
}

impl Action {
    const RET_KILL_PROCESS: u32 = 0x8000_0000;
    const RET_ERRNO: u32 = 0x0005_0000;
    const RET_USER_NOTIF: u32 = 0x7fc0_0000;
    const RET_ALLOW: u32 = 0x7fff_0000;

    /// The filter's return value, `SECCOMP_RET_*` of `<linux/seccomp.h>` with its data.
    #[must_use]
    pub const fn verdict(self) -> u32 {
        match self {
            Self::Allow => Self::RET_ALLOW,
            Self::Errno(errno) => Self::RET_ERRNO | errno as u32,
            Self::KillProcess => Self::RET_KILL_PROCESS,
            Self::Notify => Self::RET_USER_NOTIF,
        }
    }

    /// The inverse of [`Self::verdict`]; `None` for answers that are never given here.
    #[must_use]
    pub fn from_verdict(verdict: u32) -> Option<Self> {
        match (verdict & 0xffff_0000, verdict as u16) {
            (Self::RET_ALLOW, 0) => Some(Self::Allow),
            (Self::RET_ERRNO, errno) if errno <= MAX_ERRNO => Some(Self::Errno(errno)),
            (Self::RET_KILL_PROCESS, 0) => Some(Self::KillProcess),
            (Self::RET_USER_NOTIF, 0) => Some(Self::Notify),
            _ => None,
        }
    }

    /// Whether the call is made.
    #[must_use]
    pub fn is_allow(self) -> bool {
        self == Self::Allow
    }

    pub(super) fn checked(self) -> Result<Self, BpfError> {
        match self {
            Self::Errno(errno) if errno > MAX_ERRNO => Err(BpfError::Errno(errno)),
            _ => Ok(self),
        }
    }
}

/// `allow`, an error's name, `kill`; an error without a name is its number.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow => f.write_str("allow"),
            Self::Errno(0) => f.write_str("no effect"),
            Self::Errno(number) => f.write_str(&errno::to_written(*number)),
            Self::KillProcess => f.write_str("kill"),
            Self::Notify => f.write_str("notify"),
        }
    }
}
