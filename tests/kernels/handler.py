import errno
import json
import os
import signal

import attack

# The zygote's parent is the host; probing is all it would take to kill it.
AT_IMPORT = {
    "host": attack.answer(lambda: os.kill(os.getppid(), 0)),
    "everybody": attack.answer(lambda: os.kill(-1, 0)),
}


def handle(event, context):
    world = json.loads(event.body)
    if not world:
        return {"import": AT_IMPORT, "raise": attack.answer(lambda: signal.raise_signal(0))}
    return attack.run(**world, shared=os.path.join(os.path.dirname(__file__), "shared"))
