"""Leasehold's side of a Python function: import it, fork, call its handler.

Runs as `python -c SOURCE FUNCTION_DIR MODULE NAME FUNCTION TIMEOUT MEMORY KEPT LINGER START`, restricted
already, with a socket at descriptor 3 and the library at descriptor 4. Under `start: fork` it is a zygote
that imports once; under `start: spawn` it is a worker already, and what it imports is its call's alone. Works on CPython 3.9
and later; every name here stays out of the function's way.
"""


def _leasehold():
    import sys

    directory, module_name, attribute, function, timeout, memory, kept, linger, start = sys.argv[1:10]
    spawned = start == "spawn"
    kept = kept.split(",")  # variables that the function has set for itself
    sys.argv = [directory]
    # `-c` puts the working directory first; the function's code belongs there instead.
    sys.path[:1] = [directory, directory + "/site-packages"]
    sys.dont_write_bytecode = True
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")

    import ctypes
    import os

    library = ctypes.PyDLL("/proc/self/fd/4")
    os.close(4)
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    library.leasehold_import_failed.argtypes = [ctypes.c_char_p, size]
    library.leasehold_next.argtypes = [ctypes.POINTER(pointer), ctypes.POINTER(size)]
    library.leasehold_body.argtypes = [ctypes.POINTER(pointer), ctypes.POINTER(size)]
    library.leasehold_reply.argtypes = [
        ctypes.c_uint16, ctypes.c_char_p, size, ctypes.c_char_p, size, ctypes.c_int,
    ]
    library.leasehold_reply_body.argtypes = [ctypes.c_char_p, size]
    library.leasehold_reply_failed.argtypes = [ctypes.c_char_p, size]

    # CPython counts how often code runs until it has specialised it: after 64 times at the latest.
    REHEARSALS = 64

    import gc
    import importlib
    import json
    import traceback
    from urllib.parse import unquote

    class Event(dict):
        """A call's request: a dict whose keys are attributes too."""

        __slots__ = ()

        def __getattr__(self, name):
            try:
                return self[name]
            except KeyError:
                raise AttributeError(name) from None

    class Closed(BaseException):
        """The host has ended the call: there is nobody to answer."""

    def checked(result):
        if result < 0:
            raise Closed
        return result

    def received(call):
        at, length = pointer(), size()
        result = checked(call(ctypes.byref(at), ctypes.byref(length)))
        return result, ctypes.string_at(at, length.value) if length.value else b""

    def one_line(error):
        return " ".join("".join(traceback.format_exception_only(type(error), error)).split())

    def watch():
        """Notes where the import opens and starts what no worker will have; returns who tells of the rest."""
        import weakref

        SOCKET = "a socket open, which workers close"
        THREAD = "a thread running, which no fork has"
        PROCESS = "a process running, which is killed"
        MAPPING = "a mapping, which all calls share unless it is private or closed"
        events = {
            "socket.__new__": SOCKET,
            "subprocess.Popen": PROCESS, "os.fork": PROCESS, "os.posix_spawn": PROCESS,
            "mmap.__new__": MAPPING,
        }
        noted = []  # what, where, and the socket that it is

        def place(code, line):
            file = code.co_filename
            return f"{file[len(directory) + 1:]}:{line}" if file.startswith(directory + "/") else None

        def where():
            """The innermost line of the function's own code, or of a package beside it."""
            frame, found = sys._getframe(2), None
            while frame is not None:
                at = place(frame.f_code, frame.f_lineno)
                if at and not at.startswith("site-packages/"):
                    return at
                found, frame = found or at, frame.f_back
            return found or "the interpreter's library"

        def threads():
            """Where what still runs is defined: no event tells before CPython 3.12 that it was started."""
            threading = sys.modules.get("threading")
            for thread in threading.enumerate() if threading else ():
                if thread is not threading.main_thread():
                    code = getattr(getattr(thread, "_target", None) or type(thread).run, "__code__", None)
                    yield THREAD, code and place(code, code.co_firstlineno) or f"thread {thread.name!r}", None

        def hook(event, args):
            # For good: there is no way to take a hook away.
            if noted is not None and event in events and len(noted) < 1000:
                thing = weakref.ref(args[0]) if event == "socket.__new__" else None
                noted.append((events[event], where(), thing))

        def left(what, thing):
            if thing is not None:
                return thing() is not None and thing().fileno() >= 0
            if what is PROCESS:
                try:
                    os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                except ChildProcessError:
                    return False
            return True

        def tell():
            nonlocal noted
            said, noted = [*noted, *threads()], None
            for what, at in sorted({(what, at) for what, at, thing in said if left(what, thing)}):
                print(f"leasehold: {at}: the import has left {what}; make it in the handler, or write "
                      "`start: spawn`", file=sys.stderr)

        sys.addaudithook(hook)
        return tell

    if spawned and library.leasehold_adopt() != 0:
        os._exit(1)

    watched = None if spawned else watch()
    try:
        handler = importlib.import_module(module_name)
        for part in attribute.split("."):
            if not hasattr(handler, part) and hasattr(handler, "__path__"):
                importlib.import_module(handler.__name__ + "." + part)
            handler = getattr(handler, part)
        if not callable(handler):
            raise TypeError(f"{module_name}.{attribute} is not callable")
    except BaseException as error:
        traceback.print_exc()
        message = one_line(error).encode("utf-8", "replace")
        if spawned:
            library.leasehold_reply_failed(message, len(message))
        else:
            library.leasehold_import_failed(message, len(message))
        os._exit(1)

    context = {
        "function-name": function,
        "timeout": timeout,
        "runtime": "python%d.%d" % sys.version_info[:2],
        "memory-limit": memory,
    }

    def decoded(headers, body):
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/json" and body:
            return json.loads(body)
        return body

    def split(result):
        """A handler's result as (body, status, headers)."""
        if isinstance(result, tuple):
            if not 1 <= len(result) <= 3:
                raise TypeError("a handler's tuple is (body, status, headers)")
            return (result + (200, {})[len(result) - 1:])[:3]
        return result, 200, {}

    def encoded(body):
        """A body as (bytes, its content type)."""
        if body is None:
            return b"", None
        if isinstance(body, (bytes, bytearray, memoryview)):
            return bytes(body), "application/octet-stream"
        if isinstance(body, str):
            return body.encode("utf-8", "surrogateescape"), "text/plain; charset=utf-8"
        return json.dumps(body).encode() + b"\n", "application/json"

    def flattened(headers, kind):
        pairs = list(headers.items() if hasattr(headers, "items") else headers or ())
        if kind and not any(str(name).lower() == "content-type" for name, _ in pairs):
            pairs.append(("content-type", kind))
        fields = []
        for name, value in pairs:
            for text in (name, value):
                field = text if isinstance(text, bytes) else str(text).encode("utf-8")
                if b"\0" in field:
                    raise ValueError("a header holds a NUL")
                fields.append(field)
        return b"".join(field + b"\0" for field in fields)

    def is_stream(body):
        return hasattr(body, "__next__")

    def reply(result, send):
        body, status, headers = split(result)
        status = int(status)
        # The host ends this process once it has the reply.
        sys.stdout.flush()
        sys.stderr.flush()
        if not 200 <= status <= 599:  # the library would take it modulo 65536
            raise ValueError(f"the status {status} is not one of 200-599")
        if not is_stream(body):
            body, kind = encoded(body)
            fields = flattened(headers, kind)
            checked(send(status, fields, len(fields), body, len(body), 1))
            return
        fields = flattened(headers, "application/octet-stream")
        checked(send(status, fields, len(fields), b"", 0, 0))
        for piece in body:
            chunk, _ = encoded(piece)
            if chunk:
                checked(library.leasehold_reply_body(chunk, len(chunk)))
        sys.stdout.flush()
        sys.stderr.flush()
        checked(library.leasehold_reply_body(b"", 0))

    def call(head, handler, send):
        fields = head.split(b"\0")
        call_id, method, path, query = (field.decode("utf-8", "replace") for field in fields[:4])
        headers = {}
        for name, value in zip(fields[4::2], fields[5::2]):
            name, value = name.decode("ascii", "replace"), value.decode("latin-1")
            headers[name] = headers[name] + ", " + value if name in headers else value
        _, body = received(library.leasehold_body)
        event = Event(
            data=decoded(headers, body), body=body, headers=headers,
            method=method, path=unquote(path), query=query,
        )
        event["event-id"] = headers.get("event-id", call_id)
        for name in ("event-type", "event-time", "event-namespace"):
            event[name] = headers.get(name, "")
        reply(handler(event, Event(context)), send)

    def rehearse(times):
        """Walks the way of a call, but for its handler and its wire.

        What that writes (counters and caches within code, reference counts) costs a copy of its page in
        each process that does it first: done before the fork it costs none, done before the call it
        costs the call nothing.
        """
        head = b"0\0POST\0/\0\0content-type\0application/json"
        refused = lambda status, *rest: library.leasehold_reply(0, *rest)  # a status that is never sent
        for _ in range(times):
            try:
                call(head, lambda event, context: {"a": [1, "b", None]}, refused)
            except (Closed, Exception):
                pass  # the function may have replaced what is walked over

    rehearse(1 if spawned else REHEARSALS)
    if watched:
        watched()
    # Collected once here and then left alone, so that workers do not touch what they share.
    gc.collect()
    gc.freeze()
    sys.stdout.flush()
    sys.stderr.flush()
    if not spawned and library.leasehold_serve() != 0:
        os._exit(1)

    # From here on this process is a worker, and parked: what it touches now is touched off the path.
    scratch = os.getcwd()
    for name in ("HOME", "TMPDIR", "TMP", "TEMP"):
        if name not in kept:
            os.environ[name] = scratch
    if "tempfile" in sys.modules:
        sys.modules["tempfile"].tempdir = None
    if "numpy.random" in sys.modules:
        # NumPy's global generator, unlike `random`, has no after-fork hook.
        sys.modules["numpy.random"].seed()
    rehearse(1)
    if spawned and library.leasehold_loaded() != 0:
        os._exit(1)

    while True:
        try:
            present, head = received(library.leasehold_next)
            if not present:
                break
            call(head, handler, library.leasehold_reply)
        except Closed:
            break
        except SystemExit as error:
            if error.code is not None and not isinstance(error.code, int):
                print(error.code, file=sys.stderr)  # as the interpreter does
            message = b"the handler called sys.exit(%d)" % (error.code if isinstance(error.code, int) else 1)
            sys.stdout.flush()
            sys.stderr.flush()
            library.leasehold_reply_failed(message, len(message))
        except BaseException as error:
            traceback.print_exc()
            message = one_line(error).encode("utf-8", "replace")
            sys.stdout.flush()
            sys.stderr.flush()
            library.leasehold_reply_failed(message, len(message))
    # At-exit hooks take time that the host grants only to a function that asks for it.
    if not linger:
        os._exit(0)


_leasehold()
