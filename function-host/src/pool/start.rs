//! What a function's zygote is and what its workers become.

use std::path::{Path, PathBuf};

use leasehold_wasm::{Command, Order};
use leasehold_zygote::PYTHON_BOOTSTRAP;
use leasehold_zygote::wire::{Program, Start, Variables, WireError};

use crate::function::{Function, Interpreter, Protocol, Runtime};

/// How a function is started, as plain data.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    /// What the launcher does once it is restricted.
    pub(super) start: Start,
    /// What a worker becomes at its call.
    pub(super) program: Option<Program>,
    /// How that program is told of its request.
    pub(super) variables: Variables,
    /// The zygote's working directory: a scratch of its own.
    pub(super) directory: PathBuf,
    /// Whether workers have pipes as stdin and stdout.
    pub(super) stdio: bool,
    /// What is compiled before, and handed to the launcher.
    pub(super) module: Option<Module>,
    /// Whether `/tmp` leads to the zygote's directory and the workers' scratches.
    pub(super) private_tmp: bool,
}

/// A WebAssembly module in a function's folder.
#[derive(Debug, Clone)]
pub(super) struct Module {
    /// The folder, from which the file must not lead out.
    pub(super) directory: PathBuf,
    /// The file, relative to it.
    pub(super) file: PathBuf,
}

/// The search path of functions; nothing of the host's environment reaches them.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The variables that lead to a private directory.
const PRIVATE: [&str; 4] = ["HOME", "TMPDIR", "TMP", "TEMP"];
/// Libraries that start a thread per processor when they are imported; a zygote should have one.
const SINGLE_THREADED: [&str; 3] = ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"];

impl Recipe {
    /// The recipe of `function`, whose zygote has the scratch `directory`.
    ///
    /// # Errors
    /// None that is foreseen.
    pub(super) fn of(
        function: &Function,
        directory: &Path,
        private_tmp: bool,
    ) -> Result<Self, WireError> {
        let directory = directory.to_owned();
        Ok(match &function.runtime {
            Runtime::Exec {
                program,
                args,
                protocol,
            } => Self {
                start: Start::Serve,
                program: Some(Program {
                    path: program.clone(),
                    args: args.clone(),
                    env: environment(function, &[("PATH", PATH)]),
                }),
                variables: variables(*protocol),
                directory,
                stdio: true,
                module: None,
                private_tmp,
            },
            Runtime::Python {
                interpreter,
                module,
                attribute,
            } => Self {
                start: Start::Become(python(function, interpreter, module, attribute, &directory)),
                program: None,
                variables: Variables::default(),
                directory,
                stdio: false,
                module: None,
                private_tmp,
            },
            Runtime::Wasm {
                module,
                args,
                protocol,
            } => Self {
                start: Order::Serve(Command {
                    args: args.clone(),
                    env: environment(function, &[]),
                    memory: function.limits.memory.0,
                })
                .start()?,
                program: None,
                variables: variables(*protocol),
                directory,
                stdio: true,
                module: Some(Module {
                    directory: function.directory.clone(),
                    file: module.clone(),
                }),
                private_tmp,
            },
        })
    }
}

/// The form that a request takes where a program speaks this protocol.
fn variables(protocol: Protocol) -> Variables {
    match protocol {
        Protocol::Stdio => Variables::Watchdog,
        Protocol::Cgi => Variables::Cgi,
    }
}

fn python(
    function: &Function,
    interpreter: &Interpreter,
    module: &str,
    attribute: &str,
    directory: &Path,
) -> Program {
    let program = interpreter.program.to_string_lossy().into_owned();
    let own = PRIVATE
        .iter()
        .copied()
        .filter(|name| function.env.iter().any(|(set, _)| set == name));
    let args = [
        program.as_str(),
        // No packages of a user's home directory, which is not the function's.
        "-s",
        "-c",
        PYTHON_BOOTSTRAP,
        &function.directory.to_string_lossy(),
        module,
        attribute,
        &function.name,
        &function.limits.timeout.to_string(),
        &function.limits.memory.to_string(),
        &own.collect::<Vec<_>>().join(","),
        if function.linger.0 > 0 { "linger" } else { "" },
    ];
    let directory = directory.to_string_lossy();
    let private = PRIVATE.iter().map(|&name| (name, directory.as_ref()));
    let defaults: Vec<_> = [("PATH", PATH)]
        .into_iter()
        .chain(private)
        .chain(SINGLE_THREADED.map(|name| (name, "1")))
        .collect();
    Program {
        path: interpreter.program.clone(),
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        env: environment(function, &defaults),
    }
}

/// An environment from nothing: the defaults, and what the function sets over them.
fn environment(function: &Function, defaults: &[(&str, &str)]) -> Vec<(String, String)> {
    let defaults = defaults.iter().copied();
    defaults
        .filter(|(name, _)| !function.env.iter().any(|(set, _)| set == name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .chain(function.env.iter().cloned())
        .collect()
}
