#!/usr/bin/python3
import json
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
import attack

query = dict(pair.split("=") for pair in os.environ["Http_Query"].split("&"))
if query["be"] == "victim":
    scratch = os.environ["TMPDIR"]
    with open("secret", "w") as secret:
        secret.write("of this call")
    print(f"victim={os.getpid()};scratch={scratch};begun", flush=True)
    sys.stdin.read()
    print("intact" if open("secret").read() == "of this call" else "emptied")
elif query["be"] == "itself":
    def own(name, act):
        print(name, attack.answer(act))

    import signal
    signal.signal(signal.SIGUSR1, lambda *_: print("caught"))
    own("raise", lambda: signal.raise_signal(signal.SIGUSR1))
    own("kill", lambda: os.kill(os.getpid(), 0))
    own("group", lambda: os.kill(0, 0))
    os.makedirs("a/b")
    with open("a/file", "w") as file:
        file.write("content")
        file.truncate(3)
    own("reopen", lambda: open("a/file", "w").close())
    own("rename", lambda: os.rename("a/file", "a/other"))
    own("move", lambda: os.rename("a/other", "a/b/other"))
else:
    world = {name: query[name] for name in ("scratch", "abstract")}
    world |= {name: int(query[name]) for name in ("victim", "host", "port")}
    print(json.dumps(attack.run(**world, shared=here + "/shared")))
