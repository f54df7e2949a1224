//! The messages, as serde types in postcard's encoding.

use std::path::PathBuf;

use leasehold_sandbox::enforce::Layer;
use leasehold_sandbox::sys::wait::Exit;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Host to launcher, the first message: restrict yourself and start.
///
/// Beside it: the zygote's ruleset if there is a layer, then the library if it becomes an interpreter, or
/// what the runtime that loads has asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The layer to enforce; none without isolation.
    pub layer: Option<Layer>,
    /// What to do then.
    pub start: Start,
    /// The working directory: the zygote's own scratch.
    pub directory: PathBuf,
    /// Whether `/tmp` leads to the descriptor that is then to be its directory.
    pub private_tmp: bool,
}

/// What a launcher does once it is restricted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// Enter the fork loop.
    Serve,
    /// Become this program, which loads the library at [`crate::LIBRARY_FD`].
    Become(Program),
    /// Leave it to a runtime that the binary has brought.
    Load(Load),
}

/// What a runtime that this crate does not know is to load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// [`crate::Runtime::name`].
    pub runtime: String,
    /// In an encoding of its own.
    pub order: Vec<u8>,
}

/// A program with its whole environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The file to execute.
    pub path: PathBuf,
    /// `argv`, its own name included.
    pub args: Vec<String>,
    /// The environment, built from nothing.
    pub env: Vec<(String, String)>,
}

/// Host to zygote, the second message: what the fork loop needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serve {
    /// The layer that every worker adds; none without isolation.
    pub layer: Option<Layer>,
    /// What a worker executes; nothing for a runtime's own workers.
    pub program: Option<Program>,
    /// How a program is told of its request.
    pub variables: Variables,
    /// Whether `/tmp` leads to the descriptor that is then to be each worker's scratch.
    pub private_tmp: bool,
    /// What that program takes over, if it is executed ahead of its call instead of at it.
    pub ahead: Option<Takes>,
}

/// What a program that is executed ahead of its call takes over, beside its three streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Takes {
    /// Nothing. The worker's socket closes when the program is executed.
    Streams,
    /// The worker's socket at [`crate::CONTROL_FD`], and the heirloom, if there is one, at
    /// [`crate::LIBRARY_FD`].
    Socket,
    /// The heirloom, a listening socket, in the way of sd_listen_fds(3).
    Listener,
}

/// The form of the environment variables that a request becomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Variables {
    /// `Http_*`, as under OpenFaaS' watchdogs.
    #[default]
    Watchdog,
    /// The meta-variables of RFC 3875.
    Cgi,
}

/// Host to zygote, from the third message on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToZygote {
    /// Fork a worker.
    Fork(Fork),
    /// Kill a worker that has no undertaker and does not park: the host does not know its process.
    Kill {
        /// Which.
        worker: u64,
    },
}

/// The order to fork one worker.
///
/// Beside it, in this order: the worker's socket, its stderr, its ruleset if there is a layer, the
/// undertaker's socket unless `burial` is `Worker`, stdin and stdout if `stdio` is set, and the heirloom
/// if `heirloom` is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// The host's number for this worker, never used twice.
    pub worker: u64,
    /// The worker's scratch, its working directory.
    pub scratch: PathBuf,
    /// Who kills what it leaves.
    pub burial: Burial,
    /// Whether it has pipes as stdin and stdout.
    pub stdio: bool,
    /// Whether there is one more descriptor for the program that it becomes ahead of its call.
    pub heirloom: bool,
}

/// Who kills what a worker leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Burial {
    /// Nobody need: it cannot fork.
    Worker,
    /// An undertaker, by the signal scope of its Landlock domain.
    Domain,
    /// An undertaker, by the worker's process group.
    Group,
}

/// Zygote to host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromZygote {
    /// The first message: nothing of the function has run yet.
    Started {
        /// The process that becomes the zygote: the one that was started, or its child.
        pid: u32,
    },
    /// The function is loaded, and what its import had left running was killed.
    Ready {
        /// Threads of the zygote, one if all is well.
        threads: u64,
        /// Processes that the import had left and that were killed.
        killed: u32,
    },
    /// The zygote ends: the function cannot be loaded.
    Failed {
        /// In one line.
        message: String,
    },
    /// A worker (or its undertaker) has ended and is reaped.
    Exited {
        /// Which.
        worker: u64,
        /// How.
        exit: Exit,
    },
    /// A worker could not be forked.
    NotForked {
        /// Which.
        worker: u64,
        /// `errno`.
        errno: i32,
    },
}

/// Host to undertaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToUndertaker {
    /// Kill everything, and say so when nobody is left.
    Bury,
}

/// Undertaker to host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromUndertaker {
    /// The worker itself has ended; what it started may live on.
    Exited(Exit),
    /// The kernel says that nobody is left.
    Buried,
    /// The worker could not be forked.
    NotForked(i32),
}

/// Worker to host: restricted and waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Its process number, which the host checks.
    pub pid: u32,
}

/// A call's request without its body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallHead {
    /// The call id.
    pub id: String,
    /// The method.
    pub method: String,
    /// The path below the function, percent-encoded as it came, beginning with `/`.
    pub path: String,
    /// The query as it came, without `?`.
    pub query: String,
    /// The path of the function itself, percent-encoded as it came.
    pub script: String,
    /// The request's protocol, as `HTTP/1.1`.
    pub version: String,
    /// The address that it came from, without a port.
    pub client: String,
    /// Names in lower case, values as they came.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// The beginning of a reply; the host validates all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyHead {
    /// The status code.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// The function has failed without being killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// In which way.
    pub kind: FailureKind,
    /// In one line.
    pub message: String,
}

/// How a function has failed, by its own worker's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// An exception, or a program that cannot be executed.
    Failed,
    /// A trap: what a signal is to a native program.
    Crashed,
    /// It was refused memory, and then failed.
    OverMemory,
}

/// Why bytes are no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a message of this protocol: {0}")]
pub struct WireError(#[from] postcard::Error);

/// Encodes a message.
///
/// # Errors
/// None for the types of this module.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, WireError> {
    Ok(postcard::to_allocvec(message)?)
}

/// Decodes a message; all of `bytes` must be it.
///
/// # Errors
/// When the bytes are no such message.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    match postcard::take_from_bytes(bytes)? {
        (message, []) => Ok(message),
        _ => Err(WireError(postcard::Error::DeserializeBadEncoding)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn decoding_never_panics(bytes: Vec<u8>) {
            let _ = decode::<CallHead>(&bytes);
            let _ = decode::<ReplyHead>(&bytes);
            let _ = decode::<Failure>(&bytes);
            let _ = decode::<Parked>(&bytes);
            let _ = decode::<FromZygote>(&bytes);
            let _ = decode::<FromUndertaker>(&bytes);
            let _ = decode::<Launch>(&bytes);
        }

        #[test]
        fn a_call_survives_the_wire(
            id: String, path: String, headers: Vec<(String, Vec<u8>)>,
        ) {
            let head = CallHead { id, path, headers, ..CallHead::default() };
            prop_assert_eq!(decode::<CallHead>(&encode(&head).unwrap()).unwrap(), head);
        }
    }

    #[test]
    fn trailing_bytes_are_refused() {
        let mut bytes = encode(&Parked { pid: 7 }).unwrap();
        bytes.push(0);
        assert!(decode::<Parked>(&bytes).is_err());
    }
}
