//! An attack as a row of a table.

use std::fmt;

/// How an attack ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Every call succeeded.
    Ok,
    /// A call was refused with this error.
    Errno(String),
    /// This signal killed the process.
    Signal(i32),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("success"),
            Self::Errno(name) => f.write_str(name),
            Self::Signal(libc::SIGSYS) => f.write_str("death by SIGSYS"),
            Self::Signal(number) => write!(f, "death by signal {number}"),
        }
    }
}

/// What stops an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Landlock,
    Filter,
    /// Resource limits, or that nothing is privileged.
    Limits,
    /// Nothing: a residual risk, named in SECURITY.md.
    Nobody,
}

/// What a function of the attacked policy may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// The shipped profile.
    Base,
    /// … and connect to TCP port 9.
    Client,
    /// … and listen on TCP port 9.
    Server,
    /// … and start processes, of programs in its own directory.
    Forking,
    /// … and read all of /proc.
    Procfs,
    /// … and what `harness` needs to see itself fail: inotify.
    Watching,
}

impl Profile {
    pub(crate) const ALL: [Self; 6] = [
        Self::Base,
        Self::Client,
        Self::Server,
        Self::Forking,
        Self::Procfs,
        Self::Watching,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Client => "client",
            Self::Server => "server",
            Self::Forking => "forking",
            Self::Procfs => "procfs",
            Self::Watching => "watching",
        }
    }

    /// What it adds to `base`, as lines of YAML below `spec`; `None` for the shipped one.
    pub(crate) fn additions(self) -> Option<&'static str> {
        Some(match self {
            Self::Base => return None,
            Self::Client => "connect: [{port: 9, why: a test}]",
            Self::Server => "listen: [{port: 9, why: a test}]",
            Self::Forking => {
                "run: [{path: \"${FUNCTION_DIR}\", why: a test}]\n  ceiling: {processes: 4}"
            }
            Self::Procfs => "read: [{path: /proc, why: a test}]",
            Self::Watching => {
                "advanced: {seccomp: [{names: [inotify_init1, inotify_add_watch], action: allow, why: a test}]}"
            }
        })
    }
}

/// One attack and what must come of it.
#[derive(Debug, Clone)]
pub(crate) struct Attack {
    /// What it would reach.
    pub(crate) channel: &'static str,
    /// System calls, in the attacker's language; the harness puts in what stands in braces.
    pub(crate) calls: &'static str,
    pub(crate) profile: Profile,
    pub(crate) expected: Answer,
    pub(crate) by: By,
    /// A file that a successful control changes and the sandboxed run does not.
    pub(crate) leaves: Option<&'static str>,
    pub(crate) control: Control,
}

/// Under which conditions the control succeeds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Control {
    /// A capability that the attack needs anyway: number and name.
    pub(crate) capability: Option<(u32, &'static str)>,
    /// The control runs in a user namespace of its own, where it may do this.
    pub(crate) in_namespace: bool,
    /// Answers that say that the kernel lacks this feature.
    pub(crate) feature: Option<(&'static str, &'static [&'static str])>,
    /// The control must not succeed, or this machine would suffer: it gets as far as one of these.
    pub(crate) reaches: &'static [&'static str],
}

pub(crate) fn attack(channel: &'static str, calls: &'static str) -> Attack {
    Attack {
        channel,
        calls,
        profile: Profile::Base,
        expected: Answer::Ok,
        by: By::Nobody,
        leaves: None,
        control: Control::default(),
    }
}

impl Attack {
    pub(crate) fn refused(mut self, by: By, errno: &str) -> Self {
        (self.expected, self.by) = (Answer::Errno(errno.to_owned()), by);
        self
    }

    /// The filter kills the process.
    pub(crate) fn killed(self) -> Self {
        self.signalled(By::Filter, libc::SIGSYS)
    }

    pub(crate) fn signalled(mut self, by: By, signal: i32) -> Self {
        (self.expected, self.by) = (Answer::Signal(signal), by);
        self
    }

    /// The filter reports success, and `file` stays what it is.
    pub(crate) fn without_effect_on(mut self, file: &'static str) -> Self {
        (self.expected, self.by, self.leaves) = (Answer::Ok, By::Filter, Some(file));
        self
    }

    /// A residual risk: nothing stops it.
    pub(crate) fn remains(mut self) -> Self {
        (self.expected, self.by) = (Answer::Ok, By::Nobody);
        self
    }

    pub(crate) fn under(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    pub(crate) fn needs_capability(mut self, number: u32, name: &'static str) -> Self {
        self.control.capability = Some((number, name));
        self
    }

    pub(crate) fn control_in_namespace(mut self) -> Self {
        self.control.in_namespace = true;
        self
    }

    pub(crate) fn needs_feature(
        mut self,
        name: &'static str,
        without: &'static [&'static str],
    ) -> Self {
        self.control.feature = Some((name, without));
        self
    }

    pub(crate) fn control_reaches(mut self, answers: &'static [&'static str]) -> Self {
        self.control.reaches = answers;
        self
    }
}

/// A test for each attack of a table.
macro_rules! attacks {
    ($($name:ident: $attack:expr;)+) => {
        $(
            #[test]
            fn $name() {
                crate::harness::check(stringify!($name), &$attack);
            }
        )+
    };
}
pub(crate) use attacks;
