"""Greets, in the words of a secret."""

import pathlib


def handle(event, context):
    greeting = pathlib.Path("/var/openfaas/secrets/greeting").read_text()
    return f"{greeting}, {event.body.decode()}\n"
