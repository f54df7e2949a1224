"""An import that reads the memory of processes, as one would that lies in wait for its workers."""

import ctypes
import os


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


LIBC = ctypes.CDLL(None, use_errno=True)
FROM, TO = (ctypes.create_string_buffer(b"secret", 8) for _ in range(2))
ONE, OTHER = (Vector(ctypes.addressof(buffer), 8) for buffer in (TO, FROM))
READ = LIBC.process_vm_readv(os.getpid(), ctypes.byref(ONE), 1, ctypes.byref(OTHER), 1, 0)


def handle(event, context):
    return str(READ)
