"""Looks for what an earlier call left behind, then leaves the same for the next one.

The answer is JSON: `found` (what was there), `planted` (what this call left, or found in place),
`refused` (what the system would not let it do: name and errno) and `daemon` (a pid or null). To the
body `found` it tells only what it found, which between isolated calls is the same on every machine.

    ?key=NAME   a namespace of its own, so that two witnesses at once do not meet
    ?pid=N      the `daemon` of an earlier answer: is that process still within reach?
    ?sweep=1    removes what the key planted, and says what that was

Nothing here attacks: there is no ptrace and no keyring, which a filter may answer with death.
The daemon ends by itself after a minute.
"""

import ctypes
import errno
import json
import mmap
import os
import re
import select
import signal
import socket
import tempfile
import threading
import time
import warnings
import zlib
from urllib.parse import parse_qs

DAEMON_SECONDS = 60
IPC_CREAT, IPC_RMID, SHM_RDONLY = 0o1000, 0, 0o10000
ODD_UMASK = 0o026

# The memory that a call leaves: in a process that serves one call, nobody reads it.
MEMORY = {}

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.shmat.restype = ctypes.c_void_p
LIBC.shmat.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
LIBC.shmdt.argtypes = (ctypes.c_void_p,)


def handle(event, context):
    query = parse_qs(event["query"] or "")
    tag = tag_of(query.get("key", ["default"])[0])
    if query.get("sweep") == ["1"]:
        return {"swept": sweep(tag)}

    pid = query.get("pid", ["0"])[0]
    witness = Witness(tag, int(pid) if re.fullmatch(r"[1-9][0-9]{0,8}", pid) else 0)
    witness.look()
    witness.plant()
    if event["data"] == b"found":
        text = json.dumps({"found": sorted(witness.found)}) + "\n"
        return text, 200, {"Content-Type": "application/json"}
    return {
        "found": sorted(witness.found),
        "planted": sorted(witness.planted),
        "refused": dict(sorted(witness.refused.items())),
        "daemon": witness.daemon or None,
    }


def tag_of(key):
    key = re.sub(r"[^a-z0-9-]", "", key.lower())[:32]
    return "leasehold-leak-%d-%s" % (os.geteuid(), key or "default")


class Witness:
    def __init__(self, tag, pid):
        self.tag, self.daemon = tag, pid
        self.found, self.planted, self.refused = [], [], {}

    def look(self):
        # The process comes last: what was found before may have told its pid.
        for channel in [c for c in CHANNELS if c is not Daemon] + [Daemon]:
            try:
                pid = channel.look(self.tag, self.daemon)
            except OSError as error:
                if error.errno in (errno.EACCES, errno.EPERM, errno.ENOSYS):
                    self.refused[channel.name] = name_of(error)
                continue
            if pid is not None:
                self.found.append(channel.name)
                self.daemon = self.daemon or pid

    def plant(self):
        if Daemon.name not in self.found:
            self.daemon = 0
        for channel in CHANNELS:
            if channel.name in self.found:
                self.planted.append(channel.name)
                continue
            try:
                pid = channel.plant(self.tag, self.daemon)
            except (OSError, ValueError) as error:
                self.refused[channel.name] = name_of(error)
                continue
            self.refused.pop(channel.name, None)
            self.planted.append(channel.name)
            self.daemon = self.daemon or pid or 0


def sweep(tag):
    swept = []
    for channel in reversed(CHANNELS):
        try:
            if channel.sweep(tag):
                swept.append(channel.name)
        except (OSError, ValueError):
            continue
    return sorted(swept)


def name_of(error):
    if isinstance(error, OSError):
        return errno.errorcode.get(error.errno, str(error.errno))
    return type(error).__name__


def mark(tag, pid):
    return ("%s %d\n" % (tag, pid)).encode()


def pid_in(tag, text):
    """The pid that a mark of this tag tells (0: none), or None if this is no mark of ours."""
    match = re.match(rb"%s (\d+)\n" % re.escape(tag.encode()), text)
    return int(match.group(1)) if match else None


def number(tag, below, base=0):
    return base + zlib.crc32(tag.encode()) % below


def called(result):
    if result == -1 or result == ctypes.c_void_p(-1).value:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


# A channel looks (the pid of the mark, 0 where it tells none, None where nothing is left), plants
# (may return the pid of a daemon) and sweeps (whether there was something).


class File:
    def __init__(self, name, folder):
        self.name, self.folder = name, folder

    def path(self, tag):
        # Two names may mean one folder: the working directory is the scratch.
        return os.path.join(self.folder(), "%s.%s" % (tag, re.split("[:/]", self.name)[-1]))

    def look(self, tag, pid):
        with open(self.path(tag), "rb") as file:
            return pid_in(tag, file.read(200))

    def plant(self, tag, pid):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        fd = os.open(self.path(tag), flags, 0o600)
        with open(fd, "wb") as file:
            file.write(mark(tag, pid))

    def sweep(self, tag):
        os.unlink(self.path(tag))
        return True


class PosixSharedMemory:
    name = "posix:shm"

    def open(self, tag, flags):
        return called(LIBC.shm_open(("/%s-shm" % tag).encode(), flags, 0o600))

    def look(self, tag, pid):
        fd = self.open(tag, os.O_RDONLY)
        try:
            return pid_in(tag, os.pread(fd, 200, 0))
        finally:
            os.close(fd)

    def plant(self, tag, pid):
        fd = self.open(tag, os.O_RDWR | os.O_CREAT)
        try:
            os.ftruncate(fd, mmap.PAGESIZE)
            with mmap.mmap(fd, mmap.PAGESIZE) as memory:
                memory[: len(mark(tag, pid))] = mark(tag, pid)
        finally:
            os.close(fd)

    def sweep(self, tag):
        os.unlink("/dev/shm/%s-shm" % tag)
        return True


class PosixQueue:
    name = "posix:mqueue"

    def look(self, tag, pid):
        os.close(called(LIBC.mq_open(self.path(tag), os.O_RDONLY)))
        return 0

    def plant(self, tag, pid):
        flags = os.O_RDWR | os.O_CREAT
        os.close(called(LIBC.mq_open(self.path(tag), flags, ctypes.c_uint(0o600), None)))

    def sweep(self, tag):
        called(LIBC.mq_unlink(self.path(tag)))
        return True

    def path(self, tag):
        return ("/%s" % tag).encode()


class SysvSharedMemory:
    name = "sysv:shm"

    def attach(self, identifier, flags):
        return called(LIBC.shmat(identifier, None, flags))

    def look(self, tag, pid):
        address = self.attach(called(LIBC.shmget(sysv_key(tag), 0, 0)), SHM_RDONLY)
        try:
            return pid_in(tag, ctypes.string_at(address, 200))
        finally:
            LIBC.shmdt(address)

    def plant(self, tag, pid):
        identifier = called(LIBC.shmget(sysv_key(tag), mmap.PAGESIZE, IPC_CREAT | 0o600))
        address = self.attach(identifier, 0)
        ctypes.memmove(address, mark(tag, pid), len(mark(tag, pid)))
        LIBC.shmdt(address)

    def sweep(self, tag):
        called(LIBC.shmctl(called(LIBC.shmget(sysv_key(tag), 0, 0)), IPC_RMID, None))
        return True


class SysvQueue:
    name = "sysv:msg"

    def look(self, tag, pid):
        called(LIBC.msgget(sysv_key(tag), 0))
        return 0

    def plant(self, tag, pid):
        called(LIBC.msgget(sysv_key(tag), IPC_CREAT | 0o600))

    def sweep(self, tag):
        called(LIBC.msgctl(called(LIBC.msgget(sysv_key(tag), 0)), IPC_RMID, None))
        return True


class SysvSemaphore:
    name = "sysv:sem"

    def look(self, tag, pid):
        called(LIBC.semget(sysv_key(tag), 0, 0))
        return 0

    def plant(self, tag, pid):
        called(LIBC.semget(sysv_key(tag), 1, IPC_CREAT | 0o600))

    def sweep(self, tag):
        called(LIBC.semctl(called(LIBC.semget(sysv_key(tag), 0, 0)), 0, IPC_RMID))
        return True


def sysv_key(tag):
    return number(tag, 0x7FFF0000, base=1)


class Listener:
    """A listening socket; the daemon holds it and tells its mark to whoever connects."""

    def __init__(self, name, family, address):
        self.name, self.family, self.address = name, family, address

    def look(self, tag, pid):
        with socket.socket(self.family, socket.SOCK_STREAM) as peer:
            peer.settimeout(2)
            peer.connect(self.address(tag))
            # The mark tells the holder of this socket, not the daemon of the other marks.
            self.holder = pid_in(tag, peer.recv(200))
            return None if self.holder is None else 0

    def listen(self, tag):
        listener = socket.socket(self.family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(self.address(tag))
            listener.listen(8)
        except OSError:
            listener.close()
            raise
        return listener

    def plant(self, tag, pid):
        # It needs someone to hold it, so it comes with a daemon of its own.
        listener = self.listen(tag)
        try:
            daemonize(tag, listener)
        finally:
            listener.close()

    def sweep(self, tag):
        if self.look(tag, 0) is None:
            return False
        os.kill(self.holder, signal.SIGKILL)
        return True


class DaemonProcess:
    """A process of its own session that has nothing to do but to outlive the call."""

    name = "process:daemon"

    def look(self, tag, pid):
        if not pid:
            return None
        os.kill(pid, 0)
        return pid

    def plant(self, tag, pid):
        MEMORY[tag, self.name] = daemonize(tag)
        return MEMORY[tag, self.name]

    def sweep(self, tag):
        pids = [MEMORY.pop((tag, self.name), 0), *(there(file, tag) for file in FILES)]
        pid = next(filter(None, pids), 0)
        if pid:
            os.kill(pid, signal.SIGKILL)
        return bool(pid)


def there(channel, tag):
    try:
        return channel.look(tag, 0)
    except OSError:
        return None


def daemonize(tag, listener=None):
    """Forks twice, with a session between, and returns the pid of the grandchild."""
    inlet, outlet = os.pipe()
    with warnings.catch_warnings():
        # A fork beside the thread that an earlier call left: that is the point.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            child = os.fork()
        except OSError:
            os.close(inlet)
            os.close(outlet)
            raise
        if child == 0:
            become_daemon(tag, listener, outlet)  # never returns
    os.close(outlet)
    with open(inlet, "rb") as report:
        text = report.read()
    try:
        os.waitpid(child, 0)
    except ChildProcessError:
        pass
    pid = int(text or b"0")
    if pid <= 0:
        raise OSError(-pid or errno.ECHILD, "the daemon did not start")
    return pid


def become_daemon(tag, listener, outlet):
    try:
        os.setsid()
        if os.fork() == 0:
            pid = os.getpid()
            os.write(outlet, b"%d" % pid)
            let_go_of_everything_but(listener)
            linger(mark(tag, pid), listener)
    except OSError as error:
        try:
            os.write(outlet, b"-%d" % error.errno)
        except OSError:
            pass
    finally:
        os._exit(0)


def let_go_of_everything_but(listener):
    """A daemon that kept the caller's pipes would be noticed by their missing end."""
    kept = listener.fileno() if listener else -1
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
    except OSError:
        os.closerange(0, 3)
    # One by one: a range that spans the descriptor of a private /tmp stays open as a whole.
    for fd in set(range(3, 4096)) - {kept}:
        try:
            os.close(fd)
        except OSError:
            pass


def linger(text, listener):
    end = time.monotonic() + DAEMON_SECONDS
    while time.monotonic() < end:
        if listener is None:
            time.sleep(1)
        elif select.select([listener], [], [], 1)[0]:
            peer, _ = listener.accept()
            with peer:
                try:
                    peer.sendall(text)
                except OSError:
                    pass


class Global:
    name = "memory:global"

    def look(self, tag, pid):
        return MEMORY.get((tag, self.name))

    def plant(self, tag, pid):
        MEMORY[tag, self.name] = pid

    def sweep(self, tag):
        return MEMORY.pop((tag, self.name), None) is not None


class Environment:
    name = "memory:environ"

    def look(self, tag, pid):
        return int(os.environ[tag]) if tag in os.environ else None

    def plant(self, tag, pid):
        os.environ[tag] = str(pid)

    def sweep(self, tag):
        return os.environ.pop(tag, None) is not None


class Umask:
    name = "memory:umask"

    def look(self, tag, pid):
        now = os.umask(0o077)
        os.umask(now)
        return 0 if now == ODD_UMASK else None

    def plant(self, tag, pid):
        MEMORY[self.name] = os.umask(ODD_UMASK)

    def sweep(self, tag):
        if self.name in MEMORY:
            os.umask(MEMORY.pop(self.name))
            return True
        return False


class SignalHandler:
    name = "memory:signal"

    def look(self, tag, pid):
        return 0 if getattr(signal.getsignal(signal.SIGUSR2), "tag", None) == tag else None

    def plant(self, tag, pid):
        def handler(number, frame):
            pass

        handler.tag = tag
        signal.signal(signal.SIGUSR2, handler)

    def sweep(self, tag):
        if self.look(tag, 0) is None:
            return False
        signal.signal(signal.SIGUSR2, signal.SIG_DFL)
        return True


class Descriptor:
    """A file without a name, kept open under a number that the next call knows."""

    name = "memory:descriptor"

    def look(self, tag, pid):
        return pid_in(tag, os.pread(number(tag, 48, base=200), 200, 0))

    def plant(self, tag, pid):
        place = number(tag, 48, base=200)
        try:
            os.fstat(place)
        except OSError:
            with tempfile.TemporaryFile(buffering=0) as file:
                file.write(mark(tag, pid))
                os.dup2(file.fileno(), place, inheritable=False)
        else:
            raise OSError(errno.EBUSY, "the number is taken")

    def sweep(self, tag):
        if self.look(tag, 0) is None:
            return False
        os.close(number(tag, 48, base=200))
        return True


class Thread:
    name = "memory:thread"

    def of(self, tag):
        return next((t for t in threading.enumerate() if t.name == tag), None)

    def look(self, tag, pid):
        return None if self.of(tag) is None else 0

    def plant(self, tag, pid):
        stop = threading.Event()
        thread = threading.Thread(target=stop.wait, args=(DAEMON_SECONDS,), name=tag, daemon=True)
        thread.stop = stop
        try:
            thread.start()
        except RuntimeError:
            raise OSError(errno.EAGAIN, "no thread") from None

    def sweep(self, tag):
        thread = self.of(tag)
        if thread is None:
            return False
        thread.stop.set()
        thread.join(5)
        return True


def beside_the_scratch():
    if "TMPDIR" not in os.environ:
        raise OSError(errno.ENOENT, "no TMPDIR")
    return os.path.dirname(os.path.realpath(os.environ["TMPDIR"]))


FILES = [
    File("file:cwd", lambda: "."),
    File("file:tmpdir", tempfile.gettempdir),
    File("file:beside-tmpdir", beside_the_scratch),
    File("file:/tmp", lambda: "/tmp"),
    File("file:/var/tmp", lambda: "/var/tmp"),
    File("file:/dev/shm", lambda: "/dev/shm"),
]
LISTENERS = [
    Listener("socket:abstract", socket.AF_UNIX, lambda tag: "\0" + tag),
    Listener("socket:tcp", socket.AF_INET, lambda tag: ("127.0.0.1", number(tag, 10000, 20000))),
]
Daemon = DaemonProcess()
# Daemons are planted first, for the marks to tell their pid, and before there is a second thread.
CHANNELS = [
    Daemon,
    *LISTENERS,
    *FILES,
    PosixSharedMemory(),
    PosixQueue(),
    SysvSharedMemory(),
    SysvQueue(),
    SysvSemaphore(),
    Global(),
    Environment(),
    Umask(),
    SignalHandler(),
    Descriptor(),
    Thread(),
]
