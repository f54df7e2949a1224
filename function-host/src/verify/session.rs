//! What attacks are aimed at, made once for all of them: folders, files, listeners.

use std::cell::Cell;
use std::fs;
use std::io::{self, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};

use leasehold_sandbox::scratch::{remove_tree, unguessable_name};
use nix::sys::stat::Mode;

use super::target::Held;

/// The places and listeners of one run. They are removed when it ends.
#[derive(Debug)]
pub(super) struct Session {
    /// Below the state directory.
    root: PathBuf,
    /// In directories that everybody may write to, by the name that attacks give them.
    shared: Vec<(&'static str, PathBuf)>,
    listeners: Vec<(&'static str, String, Listener)>,
    number: Cell<u32>,
}

#[derive(Debug)]
#[expect(dead_code, reason = "held open, nothing else")]
enum Listener {
    Tcp(TcpListener),
    Udp(UdpSocket),
    Stream(UnixListener),
    Datagram(UnixDatagram),
}

/// What one run of an attack can name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) session: &'a Session,
    /// The function's folder.
    pub(super) function: &'a Path,
    /// The folder of scratches.
    pub(super) scratches: &'a Path,
    /// Another call.
    pub(super) victim: Option<&'a Held>,
    /// A process outside of the sandbox, with the host's user.
    pub(super) host: Option<&'a Held>,
    /// A number of its own.
    pub(super) number: u32,
}

impl Session {
    /// Makes all of it. What cannot be made here, attacks cannot be aimed at.
    ///
    /// # Errors
    /// When the state directory cannot be written to.
    pub(super) fn open(state: &Path) -> io::Result<Self> {
        let root = state.join("verify");
        remove_tree(&root)?;
        private(&root)?;
        let mut session = Self {
            root,
            shared: Vec::new(),
            listeners: Vec::new(),
            number: Cell::new(0),
        };
        for name in ["profiles", "secrets", "target"] {
            private(&session.root.join(name))?;
        }
        for name in ["secrets/token", "target/inside"] {
            fs::write(session.root.join(name), "of another function")?;
        }
        for (name, parent) in [("tmp", "/tmp"), ("vartmp", "/var/tmp"), ("shm", "/dev/shm")] {
            let path = Path::new(parent).join(format!("leasehold-verify-{}", unguessable_name()?));
            if private(&path).and_then(|()| furnish(&path)).is_ok() {
                session.shared.push((name, path));
            }
        }
        session.listen()?;
        Ok(session)
    }

    fn listen(&mut self) -> io::Result<()> {
        let tcp = TcpListener::bind(("127.0.0.1", 0))?;
        let udp = UdpSocket::bind(("127.0.0.1", 0))?;
        let (stream, datagram) = (self.root.join("s"), self.root.join("d"));
        let name = unguessable_name()?;
        let abstracts = [format!("stream-{name}"), format!("datagram-{name}")];
        let [first, second] = &abstracts;
        let mut all = vec![
            (
                "tcp",
                tcp.local_addr()?.port().to_string(),
                Listener::Tcp(tcp),
            ),
            (
                "udp",
                udp.local_addr()?.port().to_string(),
                Listener::Udp(udp),
            ),
            (
                "abstract",
                first.clone(),
                Listener::Stream(UnixListener::bind_addr(&padded(first)?)?),
            ),
            (
                "abstract-datagram",
                second.clone(),
                Listener::Datagram(UnixDatagram::bind_addr(&padded(second)?)?),
            ),
        ];
        // A state directory may have too long a name for sockets.
        if let (Ok(one), Ok(other)) = (UnixListener::bind(&stream), UnixDatagram::bind(&datagram)) {
            all.push(("socket", shown(&stream), Listener::Stream(one)));
            all.push(("datagram", shown(&datagram), Listener::Datagram(other)));
        }
        self.listeners = all;
        Ok(())
    }

    /// The folder of generated profiles.
    pub(super) fn profiles(&self) -> PathBuf {
        self.root.join("profiles")
    }

    /// The folder of secrets, none of which is any function's.
    pub(super) fn secrets(&self) -> PathBuf {
        self.root.join("secrets")
    }

    /// A directory that no call may reach, with a file in it.
    pub(super) fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// A new directory.
    ///
    /// # Errors
    /// Those of mkdir(2).
    pub(super) fn directory(&self) -> io::Result<PathBuf> {
        let path = self.root.join(format!("{}", self.next()));
        private(&path)?;
        Ok(path)
    }

    /// A number that was not given before.
    pub(super) fn next(&self) -> u32 {
        let number = self.number.get() + 1;
        self.number.set(number);
        number
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let shared = self.shared.iter().map(|(_, path)| path);
        for path in shared.chain([&self.root]) {
            // What cannot be removed now is swept at the next start, or small.
            let _left = remove_tree(path);
        }
    }
}

impl Names<'_> {
    /// `text` with everything in braces put in.
    ///
    /// # Errors
    /// With what there is none of here.
    pub(super) fn fill_in(&self, text: &str) -> Result<String, String> {
        let mut result = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').unwrap_or((after, ""));
            result.push_str(before);
            result.push_str(&self.value(name)?);
            rest = behind;
        }
        Ok(result + rest)
    }

    fn value(&self, name: &str) -> Result<String, String> {
        let none = || format!("there is no {name} here");
        let victim = || self.victim.ok_or_else(none);
        Ok(match name {
            "function" => shown(self.function),
            "scratches" => shown(self.scratches),
            "secrets" => shown(&self.session.secrets()),
            "target" => shown(&self.session.target()),
            "unique" => format!("attack-{}-{}", std::process::id(), self.number),
            "victim" => victim()?.pid.to_string(),
            "address" => victim()?.address.clone(),
            "other" => shown(&victim()?.directory),
            "clock" => cpu_clock(victim()?.pid).to_string(),
            "host" => self.host.ok_or_else(none)?.pid.to_string(),
            name => {
                let shared = self.session.shared.iter();
                let mut shared = shared.filter(|(known, _)| *known == name);
                let listeners = self.session.listeners.iter();
                let mut listeners = listeners.filter(|(known, ..)| *known == name);
                match (shared.next(), listeners.next()) {
                    (Some((_, path)), _) => shown(path),
                    (_, Some((_, value, _))) => value.clone(),
                    (None, None) => return Err(none()),
                }
            }
        })
    }
}

/// Puts what one may be after into a directory.
///
/// # Errors
/// Those of making files.
pub(super) fn furnish(directory: &Path) -> io::Result<()> {
    fs::File::create(directory.join("secret"))?.write_all(b"of another call")?;
    fs::create_dir(directory.join("directory"))?;
    symlink("secret", directory.join("link"))?;
    nix::unistd::mkfifo(&directory.join("pipe"), Mode::S_IRWXU)?;
    Ok(())
}

/// Makes a directory for this user alone.
///
/// # Errors
/// Those of mkdir(2).
pub(super) fn private(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(path)
}

/// `MAKE_PROCESS_CPUCLOCK` of the kernel's `<linux/posix-timers.h>`, with CPUCLOCK_SCHED.
fn cpu_clock(pid: u32) -> i32 {
    (!pid.cast_signed() << 3) | 2
}

/// An abstract name in the length in which attacks give it: that of a whole address.
fn padded(name: &str) -> io::Result<SocketAddr> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.resize(107, 0);
    SocketAddr::from_abstract_name(bytes)
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
