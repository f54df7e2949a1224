//! [`Grantor`]: who decided something that is in a policy.
//!
//! It is kept where policies are compiled and never sent to a zygote: what is enforced is bare.
#![forbid(unsafe_code)]

use std::fmt;

use crate::profile::{Granted, Origin};

/// An entry of a profile, or Leasehold itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grantor {
    /// An entry of a profile, inherited or its own.
    Profile {
        /// Where it was written.
        origin: Origin,
        /// The operator's reason.
        why: Option<String>,
    },
    /// A rule that holds for every profile.
    Leasehold {
        /// Its short name.
        rule: &'static str,
        /// Its reason.
        why: &'static str,
    },
}

impl Grantor {
    /// The reason, whoever gave it.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Profile { why, .. } => why.as_deref(),
            Self::Leasehold { why, .. } => Some(why),
        }
    }
}

impl From<Granted<'_>> for Grantor {
    fn from(granted: Granted<'_>) -> Self {
        Self::Profile {
            origin: granted.origin.clone(),
            why: granted.why.map(str::to_owned),
        }
    }
}

/// `FILE:LINE:COLUMN`, or the rule's name.
impl fmt::Display for Grantor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profile { origin, .. } => origin.fmt(f),
            Self::Leasehold { rule, .. } => write!(f, "leasehold: {rule}"),
        }
    }
}
