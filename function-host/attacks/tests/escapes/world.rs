//! What an attack is aimed at: a state directory with a function, victims, files, listeners.
//!
//! Made anew for every run, and only as far as the attack names it.

use std::ffi::CString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::attack::Profile;

pub(crate) const ATTACKER: &str = env!("CARGO_BIN_EXE_attacker");

/// A process that waits until it is killed, and is when this value is dropped.
#[derive(Debug)]
pub(crate) struct Waiting {
    child: Child,
    pub(crate) directory: PathBuf,
    address: String,
}

impl Waiting {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .arg("wait")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = child.stdout.as_mut().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["ready", directory, address] = words.as_slice() else {
            panic!("a victim said {line:?}");
        };
        Self {
            directory: directory.into(),
            address: (*address).to_owned(),
            child,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // It may be gone already, if the attack was to end it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Everything that one run of an attack can name.
#[derive(Debug)]
pub(crate) struct World {
    state: TempDir,
    profile: Profile,
    worker: Option<Waiting>,
    host: Option<Waiting>,
    directories: Vec<TempDir>,
    listeners: Vec<Listener>,
}

#[derive(Debug)]
#[expect(dead_code, reason = "held open, nothing else")]
enum Listener {
    Tcp(TcpListener),
    Udp(UdpSocket),
    Stream(UnixListener),
    Datagram(UnixDatagram),
}

impl World {
    pub(crate) fn new(profile: Profile) -> Self {
        let state = tempfile::tempdir().unwrap();
        let path = state.path();
        for name in ["function", "scratches", "profiles", "outside"] {
            fs::create_dir(path.join(name)).unwrap();
        }
        fs::write(path.join("function/data"), "for all calls of the function").unwrap();
        for profile in Profile::ALL {
            if let Some(additions) = profile.additions() {
                let name = profile.name();
                let text = format!(
                    "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {{name: {name}}}\nspec:\n  extends: [base]\n  {additions}\n"
                );
                fs::write(path.join("profiles").join(format!("{name}.yaml")), text).unwrap();
            }
        }
        Self {
            state,
            profile,
            worker: None,
            host: None,
            directories: Vec::new(),
            listeners: Vec::new(),
        }
    }

    pub(crate) fn state(&self) -> &Path {
        self.state.path()
    }

    /// Where a control runs: outside of every scratch.
    pub(crate) fn outside(&self) -> PathBuf {
        self.state().join("outside")
    }

    /// `text` with everything in braces put in.
    pub(crate) fn fill_in(&mut self, text: &str) -> String {
        let mut result = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').unwrap();
            result.push_str(before);
            result.push_str(&self.value(name));
            rest = behind;
        }
        result + rest
    }

    fn value(&mut self, name: &str) -> String {
        match name {
            "attacker" => ATTACKER.to_owned(),
            "function" => shown(&self.state().join("function")),
            "program" => self.program(),
            "scratches" => shown(&self.state().join("scratches")),
            "victim" => self.worker().pid().to_string(),
            "address" => self.worker().address.clone(),
            "clock" => cpu_clock(self.worker().pid()).to_string(),
            "other" => shown(&self.worker().directory),
            "host" => self.host().pid().to_string(),
            "unique" => format!("attack-{}", shown_name(self.state())),
            "tmp" => self.directory("/tmp"),
            "vartmp" => self.directory("/var/tmp"),
            "shm" => self.directory("/dev/shm"),
            "tcp" => {
                let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
                let port = listener.local_addr().unwrap().port();
                self.listeners.push(Listener::Tcp(listener));
                port.to_string()
            }
            "udp" => {
                let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
                let port = socket.local_addr().unwrap().port();
                self.listeners.push(Listener::Udp(socket));
                port.to_string()
            }
            "abstract" | "abstract-datagram" => {
                let name = format!("{name}-{}", shown_name(self.state()));
                let mut padded = name.clone().into_bytes();
                padded.resize(107, 0);
                let address = SocketAddr::from_abstract_name(padded).unwrap();
                self.listeners
                    .push(if name.starts_with("abstract-datagram") {
                        Listener::Datagram(UnixDatagram::bind_addr(&address).unwrap())
                    } else {
                        Listener::Stream(UnixListener::bind_addr(&address).unwrap())
                    });
                name
            }
            "socket" => {
                let path = self.state().join("s");
                let listener = UnixListener::bind(&path).unwrap();
                self.listeners.push(Listener::Stream(listener));
                shown(&path)
            }
            "datagram" => {
                let path = self.state().join("d");
                let socket = UnixDatagram::bind(&path).unwrap();
                self.listeners.push(Listener::Datagram(socket));
                shown(&path)
            }
            other => panic!("nothing is called {{{other}}}"),
        }
    }

    /// Another call under the same policy.
    pub(crate) fn worker(&mut self) -> &Waiting {
        if self.worker.is_none() {
            let mut command = Command::new(ATTACKER);
            command.args(["--sandboxed", self.profile.name()]);
            let worker = Waiting::start(command.arg(self.state.path()));
            furnish(&worker.directory);
            self.worker = Some(worker);
        }
        self.worker.as_ref().unwrap()
    }

    /// A process outside of the sandbox.
    fn host(&mut self) -> &Waiting {
        let start = || Waiting::start(&mut Command::new(ATTACKER));
        self.host.get_or_insert_with(start)
    }

    /// A program of the function's own. Not copied here: as long as this process has it open for
    /// writing, so has whatever another test forks at that moment, and it could not be executed.
    fn program(&self) -> String {
        let path = self.state().join("function/program");
        let mut copy = Command::new("cp");
        assert!(copy.arg(ATTACKER).arg(&path).status().unwrap().success());
        shown(&path)
    }

    fn directory(&mut self, parent: &str) -> String {
        let directory = tempfile::tempdir_in(parent).unwrap();
        furnish(directory.path());
        let path = shown(directory.path());
        self.directories.push(directory);
        path
    }
}

/// Puts what one may be after into a directory.
fn furnish(directory: &Path) {
    fs::write(directory.join("secret"), "of another call").unwrap();
    fs::create_dir(directory.join("directory")).unwrap();
    symlink("secret", directory.join("link")).unwrap();
    let pipe = CString::new(directory.join("pipe").as_os_str().as_bytes()).unwrap();
    // SAFETY: the name is a C string that outlives the call.
    assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
}

/// `MAKE_PROCESS_CPUCLOCK` of the kernel's `<linux/posix-timers.h>`, with CPUCLOCK_SCHED.
fn cpu_clock(pid: u32) -> i32 {
    (!pid.cast_signed() << 3) | 2
}

fn shown(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn shown_name(path: &Path) -> String {
    shown(Path::new(path.file_name().unwrap()))
}
