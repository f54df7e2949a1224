//! What a function's zygote is and what its workers become.

use std::path::{Path, PathBuf};

use leasehold_wasm::{Command, Order};
use leasehold_zygote::wire::{Program, Start as Launched, Takes, Variables, WireError};
use leasehold_zygote::{NODE_BOOTSTRAP, PYTHON_BOOTSTRAP};

use crate::function::{Function, Interpreter, Protocol, Runtime, Start};

/// How a function is started, as plain data.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    /// What the launcher does once it is restricted.
    pub(super) start: Launched,
    /// What a worker becomes.
    pub(super) program: Option<Program>,
    /// How that program is told of its request.
    pub(super) variables: Variables,
    /// What it takes over, if it is executed ahead of its call.
    pub(super) ahead: Option<Takes>,
    /// What tells that a worker has loaded the function.
    pub(super) loaded: Loaded,
    /// What a worker hands on to what it becomes.
    pub(super) heirloom: Option<Heirloom>,
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

/// A descriptor for what a worker becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heirloom {
    /// The library for interpreters.
    Library,
    /// A listening socket of its own.
    Listener,
}

/// What tells that a parked worker has loaded the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loaded {
    /// That it is parked: its zygote has loaded it, or its call will.
    Parked,
    /// The end of its socket: the program is executed.
    Executed,
    /// Its own word, after it was parked.
    Said,
    /// That it accepts connections.
    Accepts,
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
        let launcher = Self {
            start: Launched::Serve,
            program: None,
            variables: Variables::default(),
            ahead: None,
            loaded: Loaded::Parked,
            heirloom: None,
            directory: directory.to_owned(),
            stdio: false,
            module: None,
            private_tmp,
        };
        Ok(match &function.runtime {
            Runtime::Exec {
                program,
                args,
                protocol,
            } => {
                let launcher = Self {
                    program: Some(Program {
                        path: program.clone(),
                        args: args.clone(),
                        env: environment(function, &[("PATH", PATH)]),
                    }),
                    variables: variables(*protocol),
                    ..launcher
                };
                match (function.start, protocol) {
                    (_, Protocol::Http) => Self {
                        ahead: Some(Takes::Listener),
                        loaded: Loaded::Accepts,
                        heirloom: Some(Heirloom::Listener),
                        ..launcher
                    },
                    (Start::Spawn, _) => Self {
                        ahead: Some(Takes::Streams),
                        loaded: Loaded::Executed,
                        stdio: true,
                        ..launcher
                    },
                    (Start::Fork, _) => Self {
                        stdio: true,
                        ..launcher
                    },
                }
            }
            Runtime::Python {
                interpreter,
                module,
                attribute,
            } => {
                let zygote = (function.start == Start::Fork).then_some(directory);
                let program = python(function, interpreter, module, attribute, zygote);
                match function.start {
                    Start::Fork => Self {
                        start: Launched::Become(program),
                        ..launcher
                    },
                    Start::Spawn => Self {
                        program: Some(program),
                        ahead: Some(Takes::Socket),
                        loaded: Loaded::Said,
                        heirloom: Some(Heirloom::Library),
                        ..launcher
                    },
                }
            }
            Runtime::Node {
                program,
                module,
                export,
            } => Self {
                program: Some(node(function, program, module, export)),
                ahead: Some(Takes::Socket),
                loaded: Loaded::Said,
                ..launcher
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
                variables: variables(*protocol),
                stdio: true,
                module: Some(Module {
                    directory: function.directory.clone(),
                    file: module.clone(),
                }),
                ..launcher
            },
        })
    }
}

/// The form that a request takes where a program speaks this protocol.
fn variables(protocol: Protocol) -> Variables {
    match protocol {
        // A server is told of it by the request itself.
        Protocol::Stdio | Protocol::Http => Variables::Watchdog,
        Protocol::Cgi => Variables::Cgi,
    }
}

/// The interpreter with our bootstrap: as the zygote whose scratch is given, or as a worker.
fn python(
    function: &Function,
    interpreter: &Interpreter,
    module: &str,
    attribute: &str,
    zygote: Option<&Path>,
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
        if zygote.is_some() { "fork" } else { "spawn" },
    ];
    let directory = zygote.map(Path::to_string_lossy);
    let own = directory.as_deref().map(|directory| {
        let private = PRIVATE.map(|name| (name, directory));
        let threads = SINGLE_THREADED.map(|name| (name, "1"));
        private.into_iter().chain(threads)
    });
    let defaults: Vec<_> = [("PATH", PATH)]
        .into_iter()
        .chain(own.into_iter().flatten())
        .collect();
    Program {
        path: interpreter.program.clone(),
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        env: environment(function, &defaults),
    }
}

/// Node with our bootstrap, as a worker.
fn node(function: &Function, program: &Path, module: &str, export: &str) -> Program {
    // V8 collects its garbage the later, the more memory it believes to have; the rest is not its heap.
    let heap = (function.limits.memory.0 >> 20) * 3 / 4;
    let name = program.to_string_lossy();
    let args = [
        &*name,
        &format!("--max-old-space-size={}", heap.max(16)),
        "-e",
        NODE_BOOTSTRAP,
        "--",
        &function.directory.to_string_lossy(),
        module,
        export,
        &function.name,
        &function.limits.timeout.to_string(),
        &function.limits.memory.to_string(),
        if function.linger.0 > 0 { "linger" } else { "" },
    ];
    Program {
        path: program.to_owned(),
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        env: environment(function, &[("PATH", PATH)]),
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
