"""An ASGI application that feeds the rows of a CSV on as they come.

POST a CSV, get a line of JSON for each row: `curl -T - …` shows that neither waits for the other's end.
GET /events?rows=3 is a stream of server-sent events, and /live a WebSocket that answers a line of CSV with
its row.
"""

import asyncio
import csv
import json
from urllib.parse import parse_qs


class Rows:
    """Rows of a CSV that comes in pieces; the first has the names."""

    def __init__(self):
        self.pending, self.names = "", None

    def of(self, text, end=False):
        lines = (self.pending + text).split("\n")
        self.pending = "" if end else lines.pop()
        for values in csv.reader(line for line in lines if line.strip()):
            if self.names is None:
                self.names = values
            else:
                yield dict(zip(self.names, map(number, values)))


def number(text):
    try:
        return int(text)
    except ValueError:
        return text


async def app(scope, receive, send):
    if scope["type"] == "websocket":
        await live(receive, send)
    elif scope["type"] == "http" and scope["method"] == "POST":
        await rows(receive, send)
    elif scope["type"] == "http" and scope["path"] == "/events":
        await events(scope, send)
    else:
        await begin(send, 404, b"text/plain")
        await send({"type": "http.response.body", "body": b"POST a CSV, or GET /events\n"})


async def begin(send, status, kind):
    headers = [(b"content-type", kind)]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def rows(receive, send):
    feed, more = Rows(), True
    await begin(send, 200, b"application/x-ndjson")
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message.get("more_body", False)
        text = message.get("body", b"").decode("utf-8", "replace")
        lines = [json.dumps(row) + "\n" for row in feed.of(text, end=not more)]
        await send({"type": "http.response.body", "body": "".join(lines).encode(), "more_body": more})


async def events(scope, send):
    wanted = parse_qs(scope["query_string"].decode("latin-1")).get("rows", ["3"])[0]
    await begin(send, 200, b"text/event-stream")
    for row in range(min(int(wanted), 100) if wanted.isdigit() else 0):
        event = f"id: {row}\ndata: {json.dumps({'row': row, 'square': row * row})}\n\n"
        await send({"type": "http.response.body", "body": event.encode(), "more_body": True})
        await asyncio.sleep(0.1)
    await send({"type": "http.response.body", "body": b""})


async def live(receive, send):
    feed = Rows()
    while True:
        message = await receive()
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif message["type"] == "websocket.receive":
            for row in feed.of(message.get("text") or "", end=True):
                await send({"type": "websocket.send", "text": json.dumps(row)})
        else:
            return
