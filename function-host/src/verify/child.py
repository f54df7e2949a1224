"""An import that leaves a child, to watch the calls come and go."""

import errno
import os
import signal


def leave():
    try:
        child = os.fork()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
    if child == 0:
        try:
            os.setsid()
            os.closerange(0, 256)
            while True:
                signal.pause()
        finally:
            os._exit(0)
    return str(child)


LEFT = leave()


def handle(event, context):
    return LEFT
