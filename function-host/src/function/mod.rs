//! Functions: code, runtime, profile and limits under a name, read from a folder and checked.
//!
//! A function's folder is hostile, its `function.yaml` included: reading one executes nothing that
//! lies in it. Having a [`Function`] is the evidence that all of it is in order, so nobody checks
//! again. Plain data: imports the sandbox's profiles, and nothing of pools, HTTP or the event loop.

mod admission;
mod document;
mod error;
mod interpreter;
mod node;
mod registry;
mod resolve;
mod secrets;
mod site;
mod spec;
mod survey;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use leasehold_sandbox::profile::{Catalog, Limits, Millis, Profile};

pub use admission::{Admission, MAX_CONCURRENCY, MAX_POOL, MAX_QUEUE};
pub use error::FunctionError;
pub use interpreter::{
    Interpreter, InterpreterError, Interpreters, MIN_GLIBC, MIN_PYTHON, PROBE_OUTPUT, PROBE_TIME,
    Run, run_plainly,
};
pub use registry::{Found, discover};
pub use survey::{MAX_ENTRIES, Survey};

use document::Document;

/// What describes a function, in its folder.
pub const FILE_NAME: &str = "function.yaml";

/// The most functions of one host.
pub const MAX_FUNCTIONS: usize = 4096;

/// A function, everything about it resolved and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// `metadata.name`: a DNS label. It need not be the folder's.
    pub name: String,
    /// The folder, canonical.
    pub directory: PathBuf,
    /// What runs the code.
    pub runtime: Runtime,
    /// How its workers come to be.
    pub start: Start,
    /// Whether calls are kept apart.
    pub isolation: Isolation,
    /// How a call gets a `/tmp` of its own.
    pub tmp: Tmp,
    /// How many calls may run, wait, and find a worker parked.
    pub admission: Admission,
    /// How long a worker may go on after its reply, for its at-exit hooks.
    pub linger: Millis,
    /// The secrets that it may read: names of files in the operator's folder of secrets.
    pub secrets: Vec<String>,
    /// The limits of a call: the function's own, under its profile's ceiling.
    pub limits: Limits,
    /// Variables that the function sets, in order of appearance. No name twice, no NUL, no `=` in a
    /// name.
    pub env: Vec<(String, String)>,
    /// What the function may touch, inheritance included.
    pub profile: Profile,
}

/// What runs a function's code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runtime {
    /// Any executable, once per call.
    Exec {
        /// What is executed: absolute, and a file that was executable when it was looked at.
        program: PathBuf,
        /// `argv`, the program's own name as it was written included. No NUL.
        args: Vec<String>,
        /// How it is given its call and gives its answer.
        protocol: Protocol,
    },
    /// A handler that CPython imports.
    Python {
        /// What is executed, and what it loads itself from.
        interpreter: Interpreter,
        /// The module to import: an identifier.
        module: String,
        /// The handler in the module: an identifier, or several with dots between them.
        attribute: String,
    },
    /// A WebAssembly module, a command of WASI preview 1, run once per call.
    Wasm {
        /// The module: relative to the function's folder, and a file in it when it was looked at.
        module: PathBuf,
        /// `argv`, the module's own name as it was written included. No NUL.
        args: Vec<String>,
        /// How it is given its call and gives its answer.
        protocol: Protocol,
    },
    /// A handler that Node loads.
    Node {
        /// The Node that is executed: absolute.
        program: PathBuf,
        /// The module to load, beside `function.yaml`: an identifier.
        module: String,
        /// Which of its exports is the handler; empty for `module.exports` itself.
        export: String,
    },
}

/// How a program is given its call and gives its answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// `Http_*` variables and standard input; all of standard output is the body.
    #[default]
    Stdio,
    /// RFC 3875: meta-variables and standard input; standard output has a head and a body.
    Cgi,
    /// It is an HTTP server of its own, on a listening socket that it is handed.
    Http,
}

/// How the workers of a function come to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// Forked from a process that has loaded the function; a program is executed at its call.
    #[default]
    Fork,
    /// Executed ahead of its call and restricted from its first instruction, each for itself.
    Spawn,
}

/// Whether the calls of a function are kept apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// Each call has a process, a scratch and a Landlock domain of its own.
    #[default]
    Call,
    /// None at all: for comparison, and only where the operator allows it.
    None,
}

/// How a call gets a `/tmp` of its own. Its scratch is the place of `TMPDIR` in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tmp {
    /// By the link where there is one, by the environment alone otherwise.
    #[default]
    Auto,
    /// `/tmp` is a link that leads each call to its scratch; without it the function is refused.
    Link,
    /// Only `TMPDIR` and its like lead there.
    Env,
}

impl Function {
    /// Whether a worker is told of its call by a frame: a program that is executed ahead of it is not.
    #[must_use]
    pub fn is_told_of_calls(&self) -> bool {
        self.start == Start::Fork || self.protocol().is_none()
    }

    /// How its program speaks, if it is one.
    #[must_use]
    pub fn protocol(&self) -> Option<Protocol> {
        match self.runtime {
            Runtime::Exec { protocol, .. } | Runtime::Wasm { protocol, .. } => Some(protocol),
            Runtime::Python { .. } | Runtime::Node { .. } => None,
        }
    }

    /// Reads and checks the function in `directory`.
    ///
    /// Nothing in the directory is executed. An interpreter outside of it may be, to ask what it is.
    ///
    /// # Errors
    /// The first thing that is wrong, shown where it is written wherever that is possible.
    pub fn load(
        directory: &Path,
        catalog: &Catalog,
        interpreters: &Interpreters,
    ) -> Result<Self, FunctionError> {
        let (document, directory) = Document::read(directory)?;
        Self::from_document(&document, directory, catalog, interpreters)
    }

    /// As [`Self::load`], from a document that was read already and its folder, canonical.
    fn from_document(
        document: &Document,
        directory: PathBuf,
        catalog: &Catalog,
        interpreters: &Interpreters,
    ) -> Result<Self, FunctionError> {
        let declared = document.declared()?;
        let profile = resolve::profile(document, &declared.profile, catalog)?;
        let limits = resolve::limits(document, &declared.limits, &profile)?;
        let runtime = resolve::runtime(document, declared.code, &directory, interpreters)?;
        Ok(Self {
            name: declared.name,
            directory,
            runtime,
            start: declared.start,
            isolation: declared.isolation,
            tmp: declared.tmp,
            admission: declared.admission,
            linger: declared.linger,
            secrets: declared.secrets,
            limits,
            env: declared.env,
            profile,
        })
    }
}
