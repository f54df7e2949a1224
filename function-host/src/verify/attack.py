"""Attacks by a Python handler: a call leaves something in its process, the next one looks for it.

The body is `plant NAME`, `look NAME` or `alone NAME`. The answer is JSON: `seen` (a value, or null for
nothing) and `refused` (the error's name, or null).
"""

import ctypes
import errno
import fcntl
import json
import os
import random
import resource
import signal

# What an import leaves to all calls of its zygote.
HELD = os.open(__file__, os.O_RDONLY)
STATE = []


class Global:
    def plant():
        STATE.append("left")

    def look():
        return STATE.pop() if STATE else None


class Umask:
    def plant():
        os.umask(0o026)

    def look():
        return "026" if os.umask(0o022) == 0o026 else None


class Directory:
    def plant():
        os.chdir("/")

    def look():
        return "/" if os.getcwd() == "/" else None


class Limit:
    def plant():
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (77, hard))

    def look():
        return "77" if resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 77 else None


class Alarm:
    def plant():
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.alarm(1000)

    def look():
        return "armed" if signal.alarm(0) else None


class Descriptor:
    def plant():
        os.lseek(HELD, 7, os.SEEK_SET)

    def look():
        return "offset" if os.lseek(HELD, 0, os.SEEK_CUR) == 7 else None


class Flags:
    """O_NONBLOCK on the standard streams belongs to all who share them."""

    def plant():
        for fd in (1, 2):
            fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_NONBLOCK)

    def look():
        seen = None
        for fd in (1, 2):
            flags = fcntl.fcntl(fd, fcntl.F_GETFL)
            if flags & os.O_NONBLOCK:
                seen = "O_NONBLOCK"
                fcntl.fcntl(fd, fcntl.F_SETFL, flags & ~os.O_NONBLOCK)
        return seen


class Random:
    def plant():
        return draw()

    look = plant

    def alone():
        """Two forks that run no hooks: they draw the same."""
        libc = ctypes.PyDLL(None)
        drawn = []
        for _ in range(2):
            inlet, outlet = os.pipe()
            child = libc.fork()
            if child == 0:
                os.write(outlet, draw().encode())
                os._exit(0)
            os.close(outlet)
            with open(inlet, "rb") as report:
                drawn.append(report.read())
            os.waitpid(child, 0)
        return "equal" if drawn[0] and drawn[0] == drawn[1] else None


def draw():
    return "%.17f" % random.random()


class Layout:
    def plant():
        return "%x %x" % (id(STATE), hash("leasehold"))

    look = plant


CHANNELS = {kind.__name__.lower(): kind for kind in (
    Global, Umask, Directory, Limit, Alarm, Descriptor, Flags, Random, Layout,
)}

FORGED = {
    "splitting": ("", 200, {"X-Note": "a\r\nSet-Cookie: forged=1"}),
    "name": ("", 200, {"X-Note: forged\r\nX": "1"}),
    "status": ("", 600, {}),
    "interim": ("", 101, {}),
}


def handle(event, context):
    words = bytes(event["data"]).decode().split()
    if words[0] == "forge":
        return FORGED[words[1]]
    act, name = words
    try:
        seen, refused = getattr(CHANNELS[name], act)(), None
    except OSError as error:
        seen, refused = None, errno.errorcode.get(error.errno, str(error.errno))
    return json.dumps({"seen": seen, "refused": refused})
