#!/usr/bin/env python3
"""Plays the rendered `single` overlay with podman, with an image of one function, and calls that.

    play.py RENDERED.yaml DIRECTORY
"""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]
IMAGE = "localhost/leasehold-hello:latest"
# Not podman's defaults, which are above what some machines allow; and crun refuses machines with control
# groups of both kinds.
CONFIGURATION = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
"""


def run(*command, **options):
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
    assert ended.returncode == 0, (command, ended.stdout, ended.stderr)
    return ended.stdout


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def playable(rendered):
    """The documents, as podman 4 can play them on one machine, and the port of the calls."""
    documents = list(yaml.safe_load_all(pathlib.Path(rendered).read_text()))
    deployment = next(it for it in documents if it["kind"] == "Deployment")
    deployment["spec"]["replicas"] = 1
    pod = deployment["spec"]["template"]["spec"]
    # Podman before 4.4 does not see them end under runc. `check` is tried by tests/container.
    del pod["initContainers"]
    [container] = pod["containers"]
    assert container["image"] == IMAGE, container["image"]
    # Podman would publish them on every interface.
    for port in container["ports"]:
        port.update(hostIP="127.0.0.1", hostPort=free_port())
    return yaml.safe_dump_all(documents), container["ports"][0]["hostPort"]


def call(port):
    """The answer of the function, once it listens. The time is a guard against a test that hangs."""
    end = time.monotonic() + 60
    while True:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/function/hello", timeout=10).read()
        except (ConnectionError, urllib.error.URLError) as error:
            assert time.monotonic() < end, error
            time.sleep(0.05)


def main(rendered, directory):
    directory = pathlib.Path(directory)
    configuration = directory / "containers.conf"
    configuration.write_text(CONFIGURATION)
    os.environ["CONTAINERS_CONF"] = str(configuration)

    shutil.copytree(TOP / "examples/hello", directory / "context/hello")
    (directory / "context/Containerfile").write_text("FROM localhost/leasehold:python\nCOPY hello /functions/hello/\n")
    run("buildah", "build", "--quiet", "--isolation=chroot", f"--tag={IMAGE}", str(directory / "context"))

    text, port = playable(rendered)
    manifest = directory / "play.yaml"
    manifest.write_text(text)
    try:
        run("podman", "kube", "play", str(manifest))
        answer = call(port)
        assert answer == (TOP / "examples/hello/sample/expected").read_bytes(), answer
        status = run("podman", "exec", "leasehold-pod-0-leasehold", "cat", "/proc/1/status")
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert (fields["CapBnd"], fields["NoNewPrivs"], fields["Seccomp"]) == ("0" * 16, "1", "2"), fields
        assert fields["Uid"].split() == ["28657"] * 4, fields
    finally:
        subprocess.run(["podman", "kube", "down", str(manifest)], capture_output=True, timeout=120)
        subprocess.run(["podman", "rmi", "--force", IMAGE], capture_output=True, timeout=120)
    print("podman plays `single`, and it answers")


main(*sys.argv[1:])
