// Leasehold's side of a Node function: load it, say so, call its handler once.
//
// Runs as `node -e SOURCE -- FUNCTION_DIR MODULE EXPORT FUNCTION TIMEOUT MEMORY LINGER` in a worker that is
// restricted already, with the worker's socket at descriptor 3. Speaks the frames of wire/frame.rs, and
// of wire/message.rs CallHead, ReplyHead and Failure in postcard's encoding. CommonJS, Node 18 and later.
"use strict";
(async () => {
  const fs = require("node:fs");
  const net = require("node:net");
  const path = require("node:path");
  const { pathToFileURL } = require("node:url");
  const { inspect } = require("node:util");

  const [directory, moduleName, exportName, name, timeout, memory, linger] = process.argv.slice(1);
  const MIN_NODE = 18;
  const [BODY, END, HEAD, FAILED, LOADED] = [2, 3, 5, 6, 7];
  const MAX_PAYLOAD = 128 * 1024;
  const socket = new net.Socket({ fd: 3, readable: true, writable: true });
  let over = false; // the reply, or its failure, is said

  const varint = (number) => {
    const bytes = [];
    for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) | 128);
    return Buffer.from([...bytes, number]);
  };
  const sized = (value) => {
    const bytes = Buffer.from(value);
    return Buffer.concat([varint(bytes.length), bytes]);
  };
  const frame = (kind, payload) => {
    const header = Buffer.alloc(8);
    header[0] = kind;
    header.writeUInt32LE(payload.length, 4);
    return Buffer.concat([header, payload]);
  };
  const failure = (error) => {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : inspect(error);
    // FailureKind::Failed, then the message.
    return frame(FAILED, Buffer.concat([varint(0), sized(text.split(/\s+/).join(" ").slice(0, 1000))]));
  };
  // Resolves once the host has room for more: a stream is no faster than whoever reads it.
  const send = (bytes) => new Promise((done) => socket.write(bytes, done));
  const bodies = async (chunk) => {
    for (let at = 0; at < chunk.length; at += MAX_PAYLOAD) {
      await send(frame(BODY, chunk.subarray(at, at + MAX_PAYLOAD)));
    }
  };
  const fail = async (error) => {
    if (over) return;
    over = true;
    console.error(error instanceof Error ? error.stack : inspect(error));
    await send(failure(error));
    process.exit(1);
  };

  // What arrives, a frame at a time.
  let buffered = Buffer.alloc(0);
  const frames = [];
  let wake = () => {};
  socket.on("data", (bytes) => {
    buffered = Buffer.concat([buffered, bytes]);
    while (buffered.length >= 8) {
      const end = 8 + buffered.readUInt32LE(4);
      if (buffered.length < end) break;
      frames.push([buffered[0], buffered.subarray(8, end)]);
      buffered = buffered.subarray(end);
    }
    wake();
  });
  // The host has ended the call, or there will be none.
  const closed = () => process.exit(0);
  socket.on("end", () => over || closed());
  socket.on("error", closed);
  const next = async () => {
    while (frames.length === 0) await new Promise((resolve) => (wake = resolve));
    return frames.shift();
  };

  process.on("uncaughtException", fail); // unhandled rejections too
  process.on("exit", (code) => {
    if (!over) fs.writeSync(3, failure(new Error(`the function called process.exit(${code})`)));
  });

  const load = async () => {
    if (Number(process.versions.node.split(".")[0]) < MIN_NODE) {
      throw new Error(`Node ${process.versions.node} is older than ${MIN_NODE}`);
    }
    const files = [".js", ".cjs", ".mjs", "/index.js"].map((end) => path.join(directory, moduleName + end));
    const file = files.find((candidate) => fs.existsSync(candidate));
    if (file === undefined) throw new Error(`there is no ${moduleName}.js, .cjs or .mjs`);
    const loaded = await import(pathToFileURL(file).href);
    const found = exportName === "" ? loaded.default : (loaded[exportName] ?? loaded.default?.[exportName]);
    if (typeof found !== "function") {
      throw new TypeError(`${exportName === "" ? "module.exports" : `its export ${exportName}`} is no function`);
    }
    return found;
  };

  const decoded = (payload) => {
    let at = 0;
    const number = () => {
      let [value, scale] = [0, 1];
      for (;;) {
        const byte = payload[at++];
        value += (byte & 127) * scale;
        if (byte < 128) return value;
        scale *= 128;
      }
    };
    const bytes = () => {
      const length = number();
      return payload.subarray(at, (at += length));
    };
    const text = () => bytes().toString("utf8");
    const call = { id: text(), method: text(), path: text(), query: text() };
    for (const field of ["script", "version", "client"]) call[field] = text();
    const headers = {};
    for (let left = number(); left > 0; left--) {
      const [field, value] = [text(), bytes().toString("latin1")];
      headers[field] = Object.hasOwn(headers, field) ? `${headers[field]}, ${value}` : value;
    }
    return { ...call, headers };
  };

  const unquoted = (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text; // as it came
    }
  };

  const eventOf = (call, body) => {
    const { headers } = call;
    const kind = (headers["content-type"] ?? "").split(";")[0].trim().toLowerCase();
    const event = {
      data: kind === "application/json" && body.length > 0 ? JSON.parse(body.toString("utf8")) : body,
      body,
      headers,
      method: call.method,
      path: unquoted(call.path),
      query: call.query,
      "event-id": headers["event-id"] ?? call.id,
    };
    for (const field of ["event-type", "event-time", "event-namespace"]) event[field] = headers[field] ?? "";
    return event;
  };

  const isStream = (body) => typeof body?.[Symbol.asyncIterator] === "function" || typeof body?.next === "function";

  // A body as [bytes, its content type].
  const encoded = (body) => {
    if (body === undefined || body === null) return [Buffer.alloc(0), undefined];
    if (typeof body === "string") return [Buffer.from(body), "text/plain; charset=utf-8"];
    if (body instanceof Uint8Array) return [Buffer.from(body), "application/octet-stream"];
    return [Buffer.from(`${JSON.stringify(body)}\n`), "application/json"];
  };

  const reply = async (result) => {
    const full = typeof result === "object" && result !== null && Number.isInteger(result.statusCode);
    const { statusCode, headers, body } = full ? result : { statusCode: 200, headers: {}, body: result };
    if (statusCode < 200 || statusCode > 599) throw new RangeError(`the status ${statusCode} is not one of 200-599`);
    const stream = isStream(body);
    const [bytes, kind] = stream ? [undefined, "application/octet-stream"] : encoded(body);
    const pairs = [];
    for (const [field, values] of Object.entries(headers ?? {})) {
      for (const value of Array.isArray(values) ? values : [values]) pairs.push([field, String(value)]);
    }
    if (kind && !pairs.some(([field]) => field.toLowerCase() === "content-type")) pairs.push(["content-type", kind]);
    const fields = pairs.flatMap(([field, value]) => [sized(field), sized(value)]);
    const head = frame(HEAD, Buffer.concat([varint(statusCode), varint(pairs.length), ...fields]));
    const end = frame(END, Buffer.alloc(0));
    if (!stream) {
      over = true;
      socket.write(head);
      await bodies(bytes);
      return send(end);
    }
    await send(head);
    for await (const piece of body) await bodies(encoded(piece)[0]);
    over = true;
    return send(end);
  };

  try {
    const handler = await load();
    await send(frame(LOADED, Buffer.alloc(0)));
    const call = decoded((await next())[1]);
    const pieces = [];
    for (let [kind, piece] = await next(); kind === BODY; [kind, piece] = await next()) pieces.push(piece);
    const context = {
      "function-name": name,
      timeout,
      runtime: `node${process.versions.node.split(".")[0]}`,
      "memory-limit": memory,
    };
    await reply(await handler(eventOf(call, Buffer.concat(pieces)), context));
  } catch (error) {
    await fail(error);
  }
  // At-exit hooks take time that the host grants only to a function that asks for it.
  if (linger !== "linger") process.exit(0);
  socket.destroy();
})();
