//! What closes each channel for one profile on one kernel: Landlock, or in its place the filter.
//!
//! Landlock closes channels from some ABI on. Below it, the filter can close the same channel for a
//! profile that does not need what would have to be told apart: no socket at all where Landlock would
//! tell ports apart. What neither can close refuses the profile, unless it accepts that very gap. A gap
//! that is accepted is not closed by half either: the filter takes nothing from the function then.
#![forbid(unsafe_code)]

use crate::Kernel;
use crate::names::channels::{
    ABSTRACT_UNIX, IOCTL_DEV, RESOLVE_UNIX, SIGNAL_SCOPE, TCP, TRUNCATE, UDP,
};
use crate::policy::Site;
use crate::policy::syscalls::Substitutes;
use crate::profile::{Limits, Origin, Profile};

/// A way between calls, or out of them, that a kernel feature closes.
#[derive(Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name, under which a profile can accept that it is open.
    pub name: &'static str,
    /// The Landlock ABI from which on Landlock closes it; 0 if it is not Landlock's.
    pub abi: u32,
    /// What calls can do where it is open.
    pub consequence: &'static str,
    /// What functions lose below that ABI, where it is closed all the same; may be empty.
    pub price: &'static str,
    /// What brings the feature.
    pub remedy: &'static str,
}

/// What closes a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closure {
    /// Landlock, or for system calls the filter itself.
    Kernel,
    /// The filter, in Landlock's place.
    Filter,
    /// Nothing, and the profile accepts it; why the filter does not close it.
    Accepted(String),
    /// Nothing, which refuses the function; why the filter cannot close it.
    Missing(String),
}

/// A channel and what closes it for one profile on one kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// The channel.
    pub channel: &'static Channel,
    /// What closes it.
    pub closure: Closure,
}

/// Landlock itself: without it there is nothing to accept.
static LANDLOCK: Channel = Channel {
    name: "landlock",
    abi: 1,
    consequence: "files and processes of other calls are in reach",
    price: "",
    remedy: "Linux 5.13 or later with landlock in the `lsm=` list, and an engine whose seccomp profile allows landlock_*",
};

/// The filter itself.
static SECCOMP: Channel = Channel {
    name: "seccomp",
    abi: 0,
    consequence: "system calls are not filtered",
    price: "",
    remedy: "a kernel with CONFIG_SECCOMP_FILTER, and an engine that lets seccomp(2) through",
};

/// Every channel, in the order of the ABIs of
/// <https://docs.kernel.org/userspace-api/landlock.html>.
static CHANNELS: [&Channel; 10] = [
    &LANDLOCK,
    &SECCOMP,
    &Channel {
        name: "refer",
        abi: 2,
        consequence: "files can be moved and linked to where other rights hold",
        // Before this right there was no way to allow it: Landlock refused it to everybody.
        price: "files cannot be moved or linked between directories, in the scratch neither",
        remedy: "Linux 5.19 or later (Landlock ABI 2)",
    },
    &Channel {
        name: TRUNCATE,
        abi: 3,
        consequence: "files that are not granted can be emptied",
        price: "files are not truncated by path, and openat2 is absent",
        remedy: "Linux 6.2 or later (Landlock ABI 3)",
    },
    &Channel {
        name: TCP,
        abi: 4,
        consequence: "every TCP port can be bound and connected to, the host's and other calls' included",
        price: "",
        remedy: "Linux 6.7 or later (Landlock ABI 4)",
    },
    &Channel {
        name: IOCTL_DEV,
        abi: 5,
        consequence: "devices that are not granted take ioctl commands",
        price: "files are not opened for commands only, and openat2 is absent",
        remedy: "Linux 6.10 or later (Landlock ABI 5)",
    },
    &Channel {
        name: SIGNAL_SCOPE,
        abi: 6,
        consequence: "calls can signal each other and the host, kill them, and so outlive their own end",
        price: "calls signal themselves only, of several processes the first one or all at once; those of an interpreter signal nobody",
        remedy: "Linux 6.12 or later (Landlock ABI 6)",
    },
    &Channel {
        name: ABSTRACT_UNIX,
        abi: 6,
        consequence: "calls can meet each other and the host on abstract unix sockets",
        price: "",
        remedy: "Linux 6.12 or later (Landlock ABI 6)",
    },
    &Channel {
        name: RESOLVE_UNIX,
        abi: 9,
        consequence: "unix sockets can be connected to by any path",
        price: "",
        remedy: "Linux 7.1 or later (Landlock ABI 9)",
    },
    &Channel {
        name: UDP,
        abi: 10,
        consequence: "every UDP port can be bound and sent to",
        price: "",
        remedy: "Linux 7.2 or later (Landlock ABI 10)",
    },
];

/// Every channel, whose closures [`assess`] gives in the same order.
#[must_use]
pub fn channels() -> &'static [&'static Channel] {
    &CHANNELS
}

/// What closes each channel for this profile on this kernel.
#[must_use]
pub fn assess(profile: &Profile, limits: &Limits, kernel: &Kernel, site: &Site) -> Vec<Assessment> {
    let case = Case {
        profile,
        limits,
        kernel,
        site,
    };
    let of = |&channel| Assessment {
        channel,
        closure: case.closure(channel),
    };
    CHANNELS.iter().map(of).collect()
}

impl Assessment {
    /// Whether calls can use it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.closure, Closure::Accepted(_) | Closure::Missing(_))
    }

    /// What functions lose by how it is closed on this kernel.
    #[must_use]
    pub fn price(&self, kernel: &Kernel) -> Option<&'static str> {
        let paid = !self.is_open() && kernel.landlock_abi < self.channel.abi;
        (paid && !self.channel.price.is_empty()).then_some(self.channel.price)
    }
}

/// Which channels the filter has to close in Landlock's place.
pub(super) fn substitutes(assessments: &[Assessment]) -> Substitutes {
    let by_filter = |name| {
        let closed = |it: &&Assessment| it.channel.name == name;
        assessments.iter().find(closed).map(|it| &it.closure) == Some(&Closure::Filter)
    };
    Substitutes {
        truncate: by_filter(TRUNCATE),
        ioctl_dev: by_filter(IOCTL_DEV),
        signals: by_filter(SIGNAL_SCOPE),
    }
}

struct Case<'a> {
    profile: &'a Profile,
    limits: &'a Limits,
    kernel: &'a Kernel,
    site: &'a Site,
}

/// io_uring makes calls past every filter.
const AROUND: &str = "io_uring_setup";

impl Case<'_> {
    fn closure(&self, channel: &Channel) -> Closure {
        let abi = self.kernel.landlock_abi;
        if channel.name == SECCOMP.name {
            return if self.kernel.seccomp {
                Closure::Kernel
            } else {
                Closure::Missing("this kernel or engine has no seccomp filters".to_owned())
            };
        }
        if abi >= channel.abi || (channel.name == "refer" && abi > 0) {
            return Closure::Kernel;
        }
        let accepted = |gap: &&crate::profile::AcceptedGap| gap.channel == channel.name;
        let accepted = self.profile.accept_gaps.iter().find(accepted);
        match (self.obstacle(channel.name), accepted) {
            (None, Some(gap)) if !channel.price.is_empty() => {
                Closure::Accepted(format!("{} accepts it", gap.origin))
            }
            (None, _) => Closure::Filter,
            (Some(why), Some(_)) => Closure::Accepted(why),
            (Some(why), None) => Closure::Missing(why),
        }
    }

    /// Why the filter cannot close a channel for this profile, if it cannot.
    fn obstacle(&self, channel: &str) -> Option<String> {
        match channel {
            TRUNCATE => self
                .lifted(&[
                    "truncate",
                    "open",
                    "openat",
                    "openat2",
                    "open_by_handle_at",
                    AROUND,
                ])
                .or_else(|| self.writes_but_not_truncates()),
            TCP => self.ports().or_else(|| self.lifted(&["socket", AROUND])),
            IOCTL_DEV => self.lifted(&["ioctl", "open", "openat", "openat2", AROUND]),
            SIGNAL_SCOPE => self
                .lifted(&[
                    "kill",
                    "tkill",
                    "tgkill",
                    "rt_sigqueueinfo",
                    "rt_tgsigqueueinfo",
                    "pidfd_send_signal",
                    "fcntl",
                    "ioctl",
                ])
                .or_else(|| self.imports_and_forks()),
            ABSTRACT_UNIX | RESOLVE_UNIX => self.lifted(&["socket", "socketpair", AROUND]),
            UDP => self.lifted(&["socket", AROUND]),
            _ => Some("no filter can take its place".to_owned()),
        }
    }

    /// The profile allows one of these calls by name, whatever its arguments.
    fn lifted(&self, calls: &[&str]) -> Option<String> {
        self.profile.seccomp.iter().find_map(|grant| {
            let allows = grant.action == crate::profile::SeccompAction::Allow;
            let name = grant
                .names
                .iter()
                .find(|name| calls.contains(&name.as_str()))?;
            allows.then(|| format!("{} allows {name} whatever its arguments", grant.origin))
        })
    }

    fn ports(&self) -> Option<String> {
        let of = |field: &str, origin: &Origin| {
            format!("{origin} lists ports under `{field}`, and a filter cannot tell ports apart")
        };
        let connect = self.profile.connect.first();
        let listen = self.profile.listen.first();
        connect
            .map(|grant| of("connect", &grant.origin))
            .or_else(|| listen.map(|grant| of("listen", &grant.origin)))
    }

    /// Who may write a file may empty it, unless Landlock knows the difference.
    fn writes_but_not_truncates(&self) -> Option<String> {
        let has = |access: &[String], name| access.iter().any(|known| known == name);
        let grant =
            self.profile.landlock.iter().find(|grant| {
                has(&grant.access, "write_file") && !has(&grant.access, "truncate")
            })?;
        Some(format!(
            "{} grants `write_file` without `truncate`, and a filter cannot tell files apart",
            grant.origin
        ))
    }

    /// The zygote that imports the function's code has to leave its undertakers the right to kill.
    fn imports_and_forks(&self) -> Option<String> {
        (self.site.interpreter.is_some() && self.limits.processes > 1).then(|| {
            "code that an interpreter imports shares its filter with whoever buries the calls' \
             processes; with `processes: 1` there are none"
                .to_owned()
        })
    }
}

#[cfg(test)]
pub(super) mod tests;
