//! Why an attack did not succeed.

use std::error::Error;

/// Why an attack did not succeed.
#[derive(Debug)]
pub enum RunError {
    /// The kernel refused a call with this error.
    Kernel(i32),
    /// The attack itself, or the way into the sandbox, is wrong.
    Broken(Box<dyn Error>),
}

impl<E: Into<Box<dyn Error>>> From<E> for RunError {
    fn from(error: E) -> Self {
        Self::Broken(error.into())
    }
}
