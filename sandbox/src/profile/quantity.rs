//! Quantities: [`Bytes`] as Kubernetes writes them, [`Millis`] with a unit.
//!
//! A number without a unit is a size in bytes, but never a duration: `timeout: 30` would leave open
//! whether seconds are meant. Values are exact: what does not come out whole is refused. Knows
//! serde and nothing of YAML.
#![forbid(unsafe_code)]

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// A size in bytes: `512Mi`, `1.5Gi`, `500M`, `1048576`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// A duration in milliseconds: `500ms`, `30s`, `2m`, `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

/// Why a text is no quantity. Reads `what is wrong; what to write instead`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Nothing at all.
    #[error("the {kind} is missing; {}", kind.help())]
    Missing {
        /// What was expected.
        kind: QuantityKind,
    },
    /// Not a number followed by a known unit.
    #[error("`{text}` is not a {kind}; {}", kind.help())]
    Malformed {
        /// The text as written.
        text: String,
        /// What was expected.
        kind: QuantityKind,
    },
    /// A duration without a unit.
    #[error("`{text}` has no unit; write `{text}s` for seconds or `{text}ms` for milliseconds")]
    NoUnit {
        /// The text as written.
        text: String,
    },
    /// A fraction of a byte or of a millisecond.
    #[error("`{text}` is not a whole number of {}; {}", kind.base(), kind.help())]
    NotWhole {
        /// The text as written.
        text: String,
        /// What was expected.
        kind: QuantityKind,
    },
    /// More than 64 bits hold.
    #[error("`{text}` is too large; the largest {kind} is {} {}", u64::MAX, kind.base())]
    TooLarge {
        /// The text as written.
        text: String,
        /// What was expected.
        kind: QuantityKind,
    },
}

/// The two kinds of quantities, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuantityKind {
    /// [`Bytes`].
    Size,
    /// [`Millis`].
    Duration,
}

impl QuantityKind {
    fn base(self) -> &'static str {
        match self {
            Self::Size => "bytes",
            Self::Duration => "milliseconds",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Size => "write it like `512Mi`, `1.5Gi`, `500M` or `1048576`",
            Self::Duration => "write it like `30s`, `500ms`, `2m` or `1h`",
        }
    }
}

impl fmt::Display for QuantityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Size => "size",
            Self::Duration => "duration",
        })
    }
}

/// Kubernetes' suffixes; the largest first, powers of 1024 before powers of 1000.
const SIZES: &[(&str, u64)] = &[
    ("Ei", 1 << 60),
    ("Pi", 1 << 50),
    ("Ti", 1 << 40),
    ("Gi", 1 << 30),
    ("Mi", 1 << 20),
    ("Ki", 1 << 10),
    ("E", 1_000_000_000_000_000_000),
    ("P", 1_000_000_000_000_000),
    ("T", 1_000_000_000_000),
    ("G", 1_000_000_000),
    ("M", 1_000_000),
    ("k", 1_000),
    ("", 1),
];

const DURATIONS: &[(&str, u64)] = &[("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl FromStr for Bytes {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        parse(text, SIZES, QuantityKind::Size).map(Self)
    }
}

impl FromStr for Millis {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let number = |byte: u8| byte.is_ascii_digit() || byte == b'.';
        if text.bytes().any(|byte| byte.is_ascii_digit()) && text.bytes().all(number) {
            return Err(QuantityError::NoUnit { text: clip(text) });
        }
        parse(text, DURATIONS, QuantityKind::Duration).map(Self)
    }
}

/// `DIGITS[.DIGITS]UNIT`, exactly.
fn parse(text: &str, units: &[(&str, u64)], kind: QuantityKind) -> Result<u64, QuantityError> {
    if text.is_empty() {
        return Err(QuantityError::Missing { kind });
    }
    let malformed = || QuantityError::Malformed {
        text: clip(text),
        kind,
    };
    let number_len = text
        .bytes()
        .take_while(|b| b.is_ascii_digit() || *b == b'.')
        .count();
    let (number, unit) = text.split_at(number_len);
    let &(_, scale) = units
        .iter()
        .find(|(known, _)| *known == unit)
        .ok_or_else(malformed)?;
    let (whole, fraction) = match number.split_once('.') {
        Some((_, "")) => return Err(malformed()),
        Some((whole, fraction)) => (whole, fraction.trim_end_matches('0')),
        None => (number, ""),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !(fraction.is_empty() || digits(fraction)) {
        return Err(malformed());
    }
    let too_large = || QuantityError::TooLarge {
        text: clip(text),
        kind,
    };
    let not_whole = || QuantityError::NotWhole {
        text: clip(text),
        kind,
    };
    let whole: u64 = whole.parse().map_err(|_| too_large())?;
    let base = whole.checked_mul(scale).ok_or_else(too_large)?;
    if fraction.is_empty() {
        return Ok(base);
    }
    // A u128 holds every fraction of up to 19 digits times the largest scale; longer ones are
    // refused, though some of them would come out whole.
    let divisor = u32::try_from(fraction.len())
        .ok()
        .and_then(|n| 10_u128.checked_pow(n));
    let divisor = divisor.ok_or_else(not_whole)?;
    let fraction: u128 = fraction.parse().map_err(|_| not_whole())?;
    let scaled = fraction
        .checked_mul(u128::from(scale))
        .ok_or_else(not_whole)?;
    if scaled % divisor != 0 {
        return Err(not_whole());
    }
    let part = u64::try_from(scaled / divisor).map_err(|_| too_large())?;
    base.checked_add(part).ok_or_else(too_large)
}

/// Enough of a text for a message.
fn clip(text: &str) -> String {
    const MOST: usize = 40;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The canonical form: the first unit of the list that divides the value.
fn write(f: &mut fmt::Formatter<'_>, value: u64, units: &[(&str, u64)]) -> fmt::Result {
    let fits = |scale: u64| value != 0 && value.is_multiple_of(scale);
    match units.iter().find(|&&(_, scale)| fits(scale)) {
        Some(&(unit, scale)) => write!(f, "{}{unit}", value / scale),
        None => write!(f, "0{}", units.last().map_or("", |&(unit, _)| unit)),
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self.0, SIZES)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self.0, DURATIONS)
    }
}

impl From<Millis> for Duration {
    fn from(millis: Millis) -> Self {
        Self::from_millis(millis.0)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written(QuantityKind::Size, str::parse))
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written(QuantityKind::Duration, str::parse))
    }
}

/// A quantity as a format with types of its own hands it over: a number is read as its digits.
struct Written<Q>(QuantityKind, fn(&str) -> Result<Q, QuantityError>);

impl<Q> Visitor<'_> for Written<Q> {
    type Value = Q;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {}", self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Q, E> {
        (self.1)(text).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Q, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Q, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Q, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_unit<E: de::Error>(self) -> Result<Q, E> {
        self.visit_str("")
    }
}
