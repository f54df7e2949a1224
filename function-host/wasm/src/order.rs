//! What the host tells a process that this runtime serves.
#![forbid(unsafe_code)]

use leasehold_zygote::wire::{self, Load, Start, WireError};
use serde::{Deserialize, Serialize};

/// [`Load::runtime`] of this runtime.
pub const RUNTIME: &str = "wasm";

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Write the engine's identity, eight bytes, to the file beside the order.
    Identify,
    /// Compile the module in the first file beside the order, write the artefact to the second.
    Compile,
    /// Load the artefact in the file beside the order, and serve.
    Serve(Command),
}

/// A command, and what it may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// `argv`, its own name included.
    pub args: Vec<String>,
    /// The environment of every call, to which the call's own variables are added.
    pub env: Vec<(String, String)>,
    /// `limits.memory` in bytes: of all linear memories and tables together.
    pub memory: u64,
}

impl Order {
    /// As what a launcher does.
    ///
    /// # Errors
    /// None that is foreseen.
    pub fn start(&self) -> Result<Start, WireError> {
        Ok(Start::Load(Load {
            runtime: RUNTIME.to_owned(),
            order: wire::encode(self)?,
        }))
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        wire::decode(bytes)
    }
}
