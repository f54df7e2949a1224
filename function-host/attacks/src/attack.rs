//! An attack as a row of a table, and what its answers mean.

use std::fmt;

/// How an attack ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Every call succeeded.
    Ok,
    /// A call was refused with this error.
    Errno(String),
    /// This signal killed the process.
    Signal(i32),
}

impl Answer {
    /// The answer of an attacker that ended in this way, having said `line` last; `None` for what is
    /// no answer: then the attack itself is broken.
    #[must_use]
    pub fn of(code: Option<i32>, signal: Option<i32>, line: &str) -> Option<Self> {
        match (code, signal, line) {
            (Some(0), None, "ok") => Some(Self::Ok),
            (Some(0), None, line) => {
                let name = line.strip_prefix("errno ")?;
                Some(Self::Errno(name.to_owned()))
            }
            (None, Some(signal), _) => Some(Self::Signal(signal)),
            _ => None,
        }
    }
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
pub enum By {
    /// A Landlock right or scope.
    Landlock,
    /// A rule of the seccomp filter.
    Filter,
    /// Resource limits, or that nothing is privileged.
    Limits,
    /// Nothing: a residual risk, named in SECURITY.md.
    Nobody,
}

/// What a function of the attacked policy may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
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
    /// … and what the harness needs to see itself fail: inotify.
    Watching,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Base,
        Self::Client,
        Self::Server,
        Self::Forking,
        Self::Procfs,
        Self::Watching,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
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
    #[must_use]
    pub fn additions(self) -> Option<&'static str> {
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
pub struct Attack {
    /// Its own name, unique among all.
    pub name: &'static str,
    /// The number of the channel that it attacks; 0 for what is no channel between calls.
    pub row: u8,
    /// What it would reach.
    pub channel: &'static str,
    /// System calls, in the language of [`program`](crate::program); who runs it puts in what stands
    /// in braces.
    pub calls: &'static str,
    /// Under which profile.
    pub profile: Profile,
    /// How it must end within the sandbox.
    pub expected: Answer,
    /// What makes it end so.
    pub by: By,
    /// A file that a successful control changes and the sandboxed run does not.
    pub leaves: Option<&'static str>,
    /// Under which conditions it succeeds without the sandbox.
    pub control: Control,
}

/// Under which conditions the control succeeds.
#[derive(Debug, Clone, Default)]
pub struct Control {
    /// A capability that the attack needs anyway: number and name.
    pub capability: Option<(u32, &'static str)>,
    /// The control runs in a user namespace of its own, where it may do this.
    pub in_namespace: bool,
    /// Answers that say that the kernel lacks this feature.
    pub feature: Option<(&'static str, &'static [&'static str])>,
    /// The control must not succeed, or this machine would suffer: it gets as far as one of these.
    pub reaches: &'static [&'static str],
}

/// Why a control proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// This user lacks a capability.
    Capability(&'static str),
    /// This kernel or machine lacks a feature.
    Feature(&'static str),
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capability(name) => write!(f, "it needs {name}, which this user lacks"),
            Self::Feature(name) => write!(f, "this kernel or machine lacks {name}"),
        }
    }
}

impl Control {
    /// What keeps a process with these effective capabilities from even trying.
    #[must_use]
    pub fn hindrance(&self, capabilities: u64) -> Option<Skip> {
        let (number, name) = self.capability?;
        (capabilities & (1 << number) == 0).then_some(Skip::Capability(name))
    }

    /// What the answer of an attack without the sandbox says: that it works (`None`) or why it cannot
    /// here.
    ///
    /// # Errors
    /// With an answer that nobody expected: the attack may never work.
    pub fn judge(&self, answer: &Answer) -> Result<Option<Skip>, Answer> {
        match answer {
            Answer::Ok if self.reaches.is_empty() => Ok(None),
            Answer::Errno(name) if self.reaches.contains(&name.as_str()) => Ok(None),
            Answer::Errno(name) => match self.feature {
                Some((feature, without)) if without.contains(&name.as_str()) => {
                    Ok(Some(Skip::Feature(feature)))
                }
                _ => Err(answer.clone()),
            },
            _ => Err(answer.clone()),
        }
    }
}

/// An attack on the channel `row`, by these system calls.
#[must_use]
pub fn attack(row: u8, channel: &'static str, calls: &'static str) -> Attack {
    Attack {
        name: "",
        row,
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
    /// The kernel refuses it with this error, by the doing of `by`.
    #[must_use]
    pub fn refused(mut self, by: By, errno: &str) -> Self {
        (self.expected, self.by) = (Answer::Errno(errno.to_owned()), by);
        self
    }

    /// The filter kills the process.
    #[must_use]
    pub fn killed(self) -> Self {
        self.signalled(By::Filter, libc::SIGSYS)
    }

    /// This signal ends it.
    #[must_use]
    pub fn signalled(mut self, by: By, signal: i32) -> Self {
        (self.expected, self.by) = (Answer::Signal(signal), by);
        self
    }

    /// The filter reports success, and `file` stays what it is.
    #[must_use]
    pub fn without_effect_on(mut self, file: &'static str) -> Self {
        (self.expected, self.by, self.leaves) = (Answer::Ok, By::Filter, Some(file));
        self
    }

    /// The filter reports success, and what the rest of the calls needs is as it was.
    #[must_use]
    pub fn without_effect(mut self) -> Self {
        (self.expected, self.by) = (Answer::Ok, By::Filter);
        self
    }

    /// A residual risk: nothing stops it.
    #[must_use]
    pub fn remains(mut self) -> Self {
        (self.expected, self.by) = (Answer::Ok, By::Nobody);
        self
    }

    /// It is run under this profile.
    #[must_use]
    pub fn under(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Its control needs this capability: number and name.
    #[must_use]
    pub fn needs_capability(mut self, number: u32, name: &'static str) -> Self {
        self.control.capability = Some((number, name));
        self
    }

    /// Its control runs in a user namespace of its own.
    #[must_use]
    pub fn control_in_namespace(mut self) -> Self {
        self.control.in_namespace = true;
        self
    }

    /// Its control needs this feature; without it, it gets one of these errors.
    #[must_use]
    pub fn needs_feature(mut self, name: &'static str, without: &'static [&'static str]) -> Self {
        self.control.feature = Some((name, without));
        self
    }

    /// Its control gets as far as one of these errors, and must not get further.
    #[must_use]
    pub fn control_reaches(mut self, answers: &'static [&'static str]) -> Self {
        self.control.reaches = answers;
        self
    }
}

/// A table of attacks: a function that lists them. The tests of this crate read the same files with a
/// macro of their own, which makes a test of each.
macro_rules! attacks {
    (as $list:ident; $($name:ident: $attack:expr;)+) => {
        pub(crate) fn $list() -> Vec<crate::attack::Attack> {
            vec![$(crate::attack::Attack { name: stringify!($name), ..$attack },)+]
        }
    };
}
pub(crate) use attacks;
