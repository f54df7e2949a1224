//! How many calls of a function may run, wait, and find a worker parked.

use std::fmt;

use leasehold_sandbox::profile::{SourceError, Spanned};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::document::Document;

/// The most workers that a function may have parked.
pub const MAX_POOL: usize = 256;
/// The most calls of a function that may run at once.
pub const MAX_CONCURRENCY: usize = 1024;
/// The most calls of a function that may wait.
pub const MAX_QUEUE: usize = 65_536;

/// How many calls of a function may run, wait, and find a worker parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// Workers that are parked whatever the demand: at least 1.
    pub pool_min: usize,
    /// Workers that are parked when demand is high: at least `pool_min`.
    pub pool_max: usize,
    /// Calls that run at once: from the worker's start until its burial is over.
    pub concurrency: usize,
    /// Calls that wait for one of those to end; one more is refused.
    pub queue: usize,
}

impl Admission {
    /// What holds where `function.yaml` says nothing.
    pub const DEFAULT: Self = Self {
        pool_min: 2,
        pool_max: 8,
        concurrency: 16,
        queue: 64,
    };
}

/// `pool: 4`, or `pool: {min: 1, max: 8}`.
#[derive(Debug, Clone, Copy)]
pub(super) struct PoolSize {
    min: i64,
    max: i64,
}

/// The fields as written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) pool: Option<Spanned<PoolSize>>,
    pub(super) concurrency: Option<Spanned<i64>>,
    pub(super) queue: Option<Spanned<i64>>,
}

impl Document {
    /// The numbers that the document declares, each in its range.
    pub(super) fn admission(&self, written: Written) -> Result<Admission, SourceError> {
        let default = Admission::DEFAULT;
        let (pool_min, pool_max) = match written.pool {
            None => (default.pool_min, default.pool_max),
            Some(Spanned {
                value: PoolSize { min, max },
                span,
            }) => {
                let size = |value| self.number(Spanned { value, span }, "a pool", 1, MAX_POOL);
                let (least, most) = (size(min)?, size(max)?);
                if least > most {
                    let message = format!("a pool of at least {min} and at most {max} workers");
                    return Err(self.error(span, &message, "write the smaller number as `min`"));
                }
                (least, most)
            }
        };
        let number = |value: Option<_>, what, least, most, default| {
            value.map_or(Ok(default), |value| self.number(value, what, least, most))
        };
        let concurrency = number(
            written.concurrency,
            "a concurrency",
            1,
            MAX_CONCURRENCY,
            default.concurrency.max(pool_max),
        )?;
        let queue = number(written.queue, "a queue", 0, MAX_QUEUE, default.queue)?;
        Ok(Admission {
            pool_min,
            pool_max,
            concurrency,
            queue,
        })
    }

    fn number(
        &self,
        Spanned { value, span }: Spanned<i64>,
        what: &str,
        least: usize,
        most: usize,
    ) -> Result<usize, SourceError> {
        match usize::try_from(value) {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            _ => {
                let message = format!("{what} of {value} is not possible");
                let hint = format!("write a number from {least} to {most}");
                Err(self.error(span, &message, &hint))
            }
        }
    }
}

impl<'de> Deserialize<'de> for PoolSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Size;
        impl<'de> Visitor<'de> for Size {
            type Value = PoolSize;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or {min: NUMBER, max: NUMBER}")
            }

            fn visit_i64<E: de::Error>(self, size: i64) -> Result<PoolSize, E> {
                Ok(PoolSize {
                    min: size,
                    max: size,
                })
            }

            fn visit_u64<E: de::Error>(self, size: u64) -> Result<PoolSize, E> {
                self.visit_i64(i64::try_from(size).unwrap_or(i64::MAX))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PoolSize, A::Error> {
                let default = Admission::DEFAULT;
                let (mut min, mut max) = (None, None);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "min" => min = Some(map.next_value()?),
                        "max" => max = Some(map.next_value()?),
                        other => return Err(de::Error::unknown_field(other, &["min", "max"])),
                    }
                }
                let as_i64 = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
                let least =
                    min.unwrap_or_else(|| as_i64(default.pool_min).min(max.unwrap_or(i64::MAX)));
                let most = max.unwrap_or_else(|| as_i64(default.pool_max).max(least));
                Ok(PoolSize {
                    min: least,
                    max: most,
                })
            }
        }
        deserializer.deserialize_any(Size)
    }
}
