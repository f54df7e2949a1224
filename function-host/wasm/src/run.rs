//! A worker's part: the request's body on standard input, the response on standard output, the
//! environment as an `exec` function's, and the scratch as `/tmp`.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use leasehold_sandbox::sys::fork;
use leasehold_zygote::wire::{CallHead, FailureKind, Variables};
use leasehold_zygote::{Loaded, Worker, call_variables};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tokio::runtime::{self, Runtime};
use wasmtime_wasi::cli::{InputFile, OutputFile};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use crate::instance::{End, Instance};
use crate::order::Command;

/// What a guest sees of the file system.
const SCRATCH: &str = "/tmp";
/// Exit code of a worker that has said in words what became of its call.
const EXIT_TOLD: i32 = 1;
/// Exit code of a worker that cannot run anything.
const EXIT_UNPREPARED: i32 = 122;

/// A command, loaded.
pub(crate) struct Function {
    instance: Instance,
    command: Command,
    prepared: Option<Prepared>,
}

/// What a worker has made before its call.
struct Prepared {
    runtime: Runtime,
    wasi: WasiCtxBuilder,
}

impl Function {
    pub(crate) fn new(instance: Instance, command: Command) -> Self {
        Self {
            instance,
            command,
            prepared: None,
        }
    }
}

impl Loaded for Function {
    fn prepare(&mut self) {
        match Prepared::new(&self.command) {
            Ok(prepared) => self.prepared = Some(prepared),
            Err(error) => {
                eprintln!("leasehold: a wasm worker cannot be prepared: {error}");
                fork::exit_now(EXIT_UNPREPARED)
            }
        }
    }

    fn run(self: Box<Self>, mut worker: Worker) -> ! {
        let Self {
            mut instance,
            command,
            prepared,
        } = *self;
        let Some(Prepared { runtime, mut wasi }) = prepared else {
            fork::exit_now(EXIT_UNPREPARED)
        };
        let call = match worker.next_call() {
            Ok(Some(call)) => call,
            Ok(None) | Err(_) => fork::exit_now(0),
        };
        let mut env = environment(worker.variables(), &call);
        // What the function sets for itself, it has set.
        env.retain(|(name, _)| !command.env.iter().any(|(known, _)| known == name));
        wasi.envs(&env);
        let end = runtime.block_on(instance.run(wasi.build_p1()));
        let (kind, message) = match end {
            End::Exited(0) => fork::exit_now(0),
            End::Exited(code) if !instance.was_refused_memory() => fork::exit_now(code),
            End::Exited(code) => (FailureKind::OverMemory, format!("exit status {code}")),
            End::Trapped { cause, trace } => {
                eprintln!("{trace}");
                match instance.was_refused_memory() {
                    true => (FailureKind::OverMemory, cause),
                    false => (FailureKind::Crashed, cause),
                }
            }
        };
        let _host_gone = worker.reply_failed(kind, &message);
        fork::exit_now(EXIT_TOLD)
    }
}

impl Prepared {
    /// Everything that needs no call. Nothing of it starts a thread: the runtime has this one only, and
    /// whatever blocks blocks it. Random numbers are the kernel's: a generator in this process would go on
    /// from where the zygote's was at the fork, in every call from the same place.
    fn new(command: &Command) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let mut wasi = WasiCtxBuilder::new();
        wasi.allow_blocking_current_thread(true)
            .allow_tcp(false)
            .allow_udp(false)
            .secure_random(UnwrapErr(SysRng))
            .insecure_random(UnwrapErr(SysRng))
            .stdin(InputFile::new(copy(io::stdin())?))
            .stdout(OutputFile::new(copy(io::stdout())?))
            .stderr(OutputFile::new(copy(io::stderr())?))
            .args(&command.args)
            .envs(&command.env);
        wasi.preopened_dir(".", SCRATCH, FsPerms::ReadWrite)
            .map_err(io::Error::other)?;
        for name in ["HOME", "TMPDIR", "TMP", "TEMP"] {
            if !command.env.iter().any(|(known, _)| known == name) {
                wasi.env(name, SCRATCH);
            }
        }
        Ok(Self { runtime, wasi })
    }
}

fn copy(stream: impl AsFd) -> io::Result<File> {
    stream.as_fd().try_clone_to_owned().map(File::from)
}

/// WASI's variables are text; what is none is replaced by U+FFFD.
fn environment(form: Variables, call: &CallHead) -> Vec<(String, String)> {
    let text = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
    let variables = call_variables(form, call).into_iter();
    variables.map(|(name, value)| (name, text(value))).collect()
}
