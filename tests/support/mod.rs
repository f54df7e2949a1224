//! A real host for tests: the binary, a state directory of its own, a free port.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

pub mod gate;
pub mod log;
pub mod metrics;
pub mod process;
pub mod python;
pub mod raw;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// The binary under test.
pub fn leasehold() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leasehold"));
    command.env_clear();
    for name in ["PATH", "HOME", "PYENV_ROOT"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// Whether a program is on the PATH. Without it a test is skipped, where nobody insists on all.
pub fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).any(|directory| directory.join(program).is_file());
    assert!(
        installed || std::env::var_os("LEASEHOLD_TEST_STRICT").is_none(),
        "{program} is not installed"
    );
    if !installed {
        eprintln!("skipped: {program} is not installed");
    }
    installed
}

/// The examples that ship.
pub fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// A folder of functions to fill.
pub struct Functions(pub TempDir);

impl Functions {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self(directory)
    }

    /// Adds a function: its `spec` in YAML (two spaces deep) and its files; those that begin with
    /// `#!` are executable.
    pub fn add(&self, name: &str, spec: &str, files: &[(&str, &str)]) -> &Self {
        let directory = self.0.path().join(name);
        fs::create_dir(&directory).unwrap();
        let yaml = format!(
            "apiVersion: leasehold.dev/v1alpha1\nkind: Function\nmetadata: {{name: {name}}}\nspec:\n{spec}\n"
        );
        fs::write(directory.join("function.yaml"), yaml).unwrap();
        for (file, content) in files {
            let path = directory.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            let mode = if content.starts_with("#!") {
                0o755
            } else {
                0o644
            };
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        self
    }

    /// Adds an `exec` function that is a shell script.
    pub fn shell(&self, name: &str, more: &str, script: &str) -> &Self {
        let spec = format!("  runtime: exec\n  command: [./run.sh]\n  profile: shell\n{more}");
        self.add(
            name,
            &spec,
            &[("run.sh", &format!("#!/bin/sh\n{script}\n"))],
        )
    }

    /// Adds a `python` function whose handler is `handle` in `code`.
    pub fn python(&self, name: &str, more: &str, code: &str) -> &Self {
        let profile = if more.contains("profile:") {
            ""
        } else {
            "  profile: python\n"
        };
        let spec = format!("  runtime: python\n  handler: handler.handle\n{profile}{more}");
        self.add(name, &spec, &[("handler.py", code)])
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// A running host, ended when it is dropped.
pub struct Host {
    pub child: Child,
    pub base: String,
    pub admin: String,
    pub state: PathBuf,
    log: Arc<log::Log>,
    directory: Option<TempDir>,
}

impl Host {
    pub fn start(functions: &Path) -> Self {
        Self::start_with(functions, &[])
    }

    /// Starts a host and waits until no function is starting any more.
    pub fn start_with(functions: &Path, args: &[&str]) -> Self {
        let state = tempfile::tempdir_in(memory()).unwrap();
        Self::start_at(functions, args, state)
    }

    pub fn start_at(functions: &Path, args: &[&str], state: TempDir) -> Self {
        Self::start_as(leasehold(), functions, args, state)
    }

    /// Starts a host by `command`: [`leasehold`], with an environment of the test's.
    pub fn start_as(mut command: Command, functions: &Path, args: &[&str], state: TempDir) -> Self {
        let path = state.path().join("state");
        let mut child = command
            .args([
                "--log-format",
                "json",
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--admin",
                "127.0.0.1:0",
            ])
            .arg("--functions")
            .arg(functions)
            .arg("--state")
            .arg(&path)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(log::Log::default());
        let sink = Arc::clone(&log);
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            let mut line = String::new();
            while stderr.read_line(&mut line).is_ok_and(|len| len > 0) {
                sink.push(&line);
                line.clear();
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        stdout.read_line(&mut first).unwrap();
        let addresses = first
            .split_whitespace()
            .filter(|word| word.starts_with("http://"))
            .map(|word| word.trim_end_matches([',', ';']).to_owned());
        let [base, admin] = addresses
            .collect::<Vec<_>>()
            .try_into()
            .unwrap_or_else(|_| {
                let _status = child.wait();
                panic!("the host did not start: {first}\n{}", log.text());
            });
        std::thread::spawn(move || drop(stdout.read_to_end(&mut Vec::new())));
        Self {
            child,
            base,
            admin,
            state: path,
            log,
            directory: Some(state),
        }
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Waits for a record of the log.
    pub fn record(&self, what: &str, is: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        self.log.wait(what, is)
    }

    /// Waits until it has logged `count` lines that contain all of `words`; returns those lines.
    #[track_caller]
    pub fn wait_for(&self, count: usize, words: &[&str]) -> Vec<String> {
        self.log.wait_for(count, words)
    }

    /// Waits until the call with this id is buried, and returns its record.
    pub fn burial(&self, call: &str) -> serde_json::Value {
        self.record(&format!("the burial of {call}"), |record| {
            record["target"] == "call" && record["call"] == call
        })
    }

    /// Waits until this function has a zygote, other than those `before`, and returns its pid.
    pub fn zygote(&self, function: &str, before: &[u32]) -> u32 {
        let pid = |record: &serde_json::Value| record["zygote"].as_u64()?.try_into().ok();
        let record = self.record(&format!("a zygote of {function}"), |record| {
            record["message"] == "ready"
                && record["function"] == function
                && pid(record).is_some_and(|pid| !before.contains(&pid))
        });
        pid(&record).unwrap()
    }

    /// Waits until this function has had more than `before` zygotes, and returns the last one's pid.
    pub fn next_zygote(&self, function: &str, before: usize) -> u32 {
        let function = format!("\"function\":\"{function}\"");
        let lines = self.wait_for(before + 1, &["\"message\":\"ready\"", &function]);
        let last = log::records(lines.last().unwrap()).remove(0);
        last["zygote"].as_u64().unwrap().try_into().unwrap()
    }

    /// Calls a function with POST.
    pub fn call(&self, function: &str, body: impl AsRef<[u8]>) -> Reply {
        self.request("POST", &format!("/function/{function}"), &[], body.as_ref())
    }

    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        self.try_request(method, path, headers, body).unwrap()
    }

    pub fn try_request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Reply, ureq::Error> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(std::time::Duration::from_secs(60)))
            .build()
            .into();
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = agent.run(request.body(body.to_vec()).unwrap())?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str().to_owned(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        let body = response
            .body_mut()
            .with_config()
            .limit(1 << 30)
            .read_to_vec()?;
        Ok(Reply {
            status,
            headers,
            body,
        })
    }

    /// Every record of the log so far.
    pub fn records(&self) -> Vec<serde_json::Value> {
        let log = self.log();
        log.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// What the call with this id has printed, once it is buried.
    pub fn printed(&self, call: &str) -> Vec<String> {
        self.burial(call);
        self.records()
            .into_iter()
            .filter(|record| record["target"] == "function" && record["call"] == call)
            .filter_map(|record| record["line"].as_str().map(ToOwned::to_owned))
            .collect()
    }

    /// Waits until the call with this id has printed `line`.
    pub fn line(&self, call: &str, line: &str) {
        self.record(&format!("{line:?} of {call}"), |record| {
            record["call"] == call && record["line"] == line
        });
    }

    /// Its address, as `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Kills it by -9 and everything with it that dies of that, and gives its directory back, for
    /// another to start at. Returns all descendants that it had.
    pub fn die(mut self) -> (TempDir, process::Held) {
        // A host that stands still orders nothing more: what there is can be counted.
        self.signal(Signal::SIGSTOP);
        let mut living = Vec::new();
        process::eventually("a host at rest", || {
            let before = std::mem::replace(&mut living, descendants(self.pid()));
            std::thread::sleep(std::time::Duration::from_millis(20));
            before == living
        });
        let held = process::hold(living);
        self.signal(Signal::SIGKILL);
        self.child.wait().unwrap();
        (self.directory.take().unwrap(), held)
    }

    /// Sends SIGTERM and waits for the end.
    pub fn stop(mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.child.wait().unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal(Signal::SIGTERM);
            let _ended = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- the host's log\n{}", self.log());
        }
    }
}

/// A response.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn outcome(&self) -> Option<&str> {
        self.header("leasehold-outcome")
    }
}

/// Where state directories of tests are: in memory, if there is such a place.
pub fn memory() -> PathBuf {
    let shm = PathBuf::from("/dev/shm");
    if shm.is_dir() {
        shm
    } else {
        std::env::temp_dir()
    }
}

/// The living descendants of a process, by the kernel's word.
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let mut open = vec![pid];
    while let Some(parent) = open.pop() {
        let Ok(tasks) = fs::read_dir(format!("/proc/{parent}/task")) else {
            continue;
        };
        for task in tasks.flatten() {
            let list = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            for child in list.split_whitespace().filter_map(|pid| pid.parse().ok()) {
                found.push(child);
                open.push(child);
            }
        }
    }
    found
}
