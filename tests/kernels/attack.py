"""What a hostile call tries on another one and on the host: each answer is `ok` or an error's name."""

import ctypes
import errno
import os
import socket

libc = ctypes.CDLL(None, use_errno=True)
O_TRUNC_NOTHING = os.O_RDONLY | os.O_TRUNC
COMMANDS_ONLY = 3  # access mode 3: a descriptor for ioctl
OPENAT2 = 437


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")


def openat2(path, flags):
    how = (ctypes.c_uint64 * 3)(flags, 0, 0)
    checked(libc.syscall(OPENAT2, -100, path.encode(), how, 24))


def connect(port):
    with socket.socket() as tcp:
        tcp.connect(("127.0.0.1", port))


def meet(name):
    with socket.socket(socket.AF_UNIX) as unix:
        unix.connect(b"\0" + name.encode())


def attempts(victim, scratch, host, port, abstract, shared):
    secret = scratch + "/secret"
    return {
        "read": lambda: open(secret).close(),
        "list": lambda: os.listdir(scratch),
        "commands": lambda: os.open("/dev/full", COMMANDS_ONLY),
        "probe": lambda: os.kill(victim, 0),
        "probe thread": lambda: checked(libc.tgkill(victim, victim, 0)),
        "probe group": lambda: os.kill(-victim, 0),
        "probe everybody": lambda: os.kill(-1, 0),
        "probe host": lambda: os.kill(host, 0),
        "tcp": lambda: connect(port),
        "abstract": lambda: meet(abstract),
        "empty shared": lambda: os.open(shared, O_TRUNC_NOTHING),
        "empty by openat2": lambda: openat2(secret, O_TRUNC_NOTHING),
        "empty unread": lambda: os.open(secret, COMMANDS_ONLY | os.O_TRUNC),
        "empty read": lambda: os.open(secret, O_TRUNC_NOTHING),
        "empty": lambda: os.truncate(secret, 0),
    }


def answer(attempt):
    try:
        attempt()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "ok"


def run(**world):
    return {name: answer(attempt) for name, attempt in attempts(**world).items()}
