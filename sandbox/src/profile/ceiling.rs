//! Limits: [`Ceiling`] as far as somebody set it, [`Limits`] complete.
//!
//! A field that no profile sets has its default as the ceiling; a profile that sets one replaces the
//! default, upwards too. From there on limits only shrink: inheritance takes the smaller, a function
//! may only lower. Knows serde and nothing of YAML.
#![forbid(unsafe_code)]

use std::fmt;

use serde::Serialize;
use serde::de::{self, Deserialize, Deserializer};

use super::quantity::{Bytes, Millis};

macro_rules! limits {
    ($( $(#[doc = $doc:literal])+ $field:ident, $yaml:literal, $kind:ty, $default:expr, $parse:literal; )+) => {
        /// The largest limits that somebody allows; what is `None` was left unset.
        ///
        /// In YAML each field is a key in camelCase. Unset is not the default: of a profile that sets
        /// nothing and one that sets `processes: 32`, the smaller is 32.
        #[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, Serialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
        pub struct Ceiling {
            $(
                $(#[doc = $doc])+
                #[serde(deserialize_with = $parse, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$kind>,
            )+
        }

        /// The limits of a call, every one of them set.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub struct Limits {
            $( $(#[doc = $doc])+ pub $field: $kind, )+
        }

        impl Limits {
            /// What holds where nobody says otherwise.
            pub const DEFAULT: Self = Self { $( $field: $default, )+ };

            /// The limits that are higher than those of another, by their names in YAML.
            #[must_use]
            pub fn higher_than(&self, other: &Self) -> Vec<&'static str> {
                [$( ($yaml, self.$field > other.$field), )+]
                    .into_iter()
                    .filter_map(|(name, higher)| higher.then_some(name))
                    .collect()
            }

            /// Every limit by its name in YAML, in its canonical form.
            #[must_use]
            pub fn listed(&self) -> Vec<(&'static str, String)> {
                vec![$( ($yaml, self.$field.to_string()), )+]
            }
        }

        impl Ceiling {
            /// The fields, as YAML spells them.
            pub const FIELDS: &[&str] = &[$( $yaml, )+];

            /// The limits that are set, by their names in YAML.
            pub fn set(&self) -> impl Iterator<Item = (&'static str, String)> {
                [$( ($yaml, self.$field.map(|limit| limit.to_string())), )+]
                    .into_iter()
                    .filter_map(|(name, limit)| Some((name, limit?)))
            }

            /// The smaller of each limit; an unset one leaves the other as it is.
            #[must_use]
            pub fn min(self, other: Self) -> Self {
                Self { $( $field: smaller(self.$field, other.$field), )+ }
            }

            /// The ceiling with the defaults where it is unset.
            #[must_use]
            pub fn limits(&self) -> Limits {
                Limits { $( $field: self.$field.unwrap_or(Limits::DEFAULT.$field), )+ }
            }

            /// A function's limits under this ceiling: what it asks for, or else the ceiling itself.
            ///
            /// # Errors
            /// When the function asks for more than the ceiling allows.
            pub fn lower(&self, function: &Self) -> Result<Limits, CeilingError> {
                let allowed = self.limits();
                Ok(Limits { $( $field: lower($yaml, function.$field, allowed.$field)?, )+ })
            }
        }
    };
}

limits! {
    /// Wall-clock time from the request's start to the reply's end.
    timeout, "timeout", Millis, Millis(30_000), "positive";
    /// Processor time of the whole call.
    cpu, "cpu", Millis, Millis(10_000), "positive";
    /// Memory of the whole call that is its own: anonymous, shared without a file, swapped.
    memory, "memory", Bytes, Bytes(512 << 20), "positive";
    /// Size of all files in the scratch.
    scratch, "scratch", Bytes, Bytes(256 << 20), "any";
    /// Processes of the call, the first one included; 1 forbids fork.
    processes, "processes", u32, 1, "positive";
    /// Threads of all processes of the call.
    threads, "threads", u32, 128, "positive";
    /// Files, directories and other entries in the scratch.
    scratch_files, "scratchFiles", u32, 65_536, "any";
    /// Open descriptors of each process.
    open_files, "openFiles", u32, 256, "positive";
    /// Size of the request's body.
    request_body, "requestBody", Bytes, Bytes(16 << 20), "any";
    /// Size of the reply's body.
    response_body, "responseBody", Bytes, Bytes(16 << 20), "any";
    /// Size of what is logged of standard error.
    stderr, "stderr", Bytes, Bytes(1 << 20), "any";
}

/// A function asked for more than its profile allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{field}` is {asked}, above the profile's ceiling of {allowed}; a function may only lower it"
)]
pub struct CeilingError {
    /// The field, as YAML spells it.
    pub field: &'static str,
    /// What the function asked for.
    pub asked: String,
    /// The most that its profile allows.
    pub allowed: String,
}

fn smaller<T: Ord>(left: Option<T>, right: Option<T>) -> Option<T> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.min(right)),
        (one, other) => one.or(other),
    }
}

fn lower<T>(field: &'static str, asked: Option<T>, allowed: T) -> Result<T, CeilingError>
where
    T: Ord + fmt::Display,
{
    match asked {
        Some(asked) if asked > allowed => {
            let (asked, allowed) = (asked.to_string(), allowed.to_string());
            Err(CeilingError {
                field,
                asked,
                allowed,
            })
        }
        Some(asked) => Ok(asked),
        None => Ok(allowed),
    }
}

/// A value that was written must be one: `timeout:` with nothing behind it is refused.
fn any<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// As [`any`], and above zero: nothing can run in no time or without memory.
fn positive<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Zero,
{
    match T::deserialize(deserializer)? {
        value if value.is_zero() => Err(de::Error::custom(
            "zero leaves no room to run; leave the limit out for its default",
        )),
        value => Ok(Some(value)),
    }
}

trait Zero {
    fn is_zero(&self) -> bool;
}

impl Zero for u32 {
    fn is_zero(&self) -> bool {
        *self == 0
    }
}

impl Zero for Bytes {
    fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

impl Zero for Millis {
    fn is_zero(&self) -> bool {
        self.0 == 0
    }
}
