// Makes an iCalendar file (RFC 5545) of a list of events: JSON in, text/calendar out.
//
//   {"name": …, "events": [{"id": …, "title": …, "start": …, "minutes": …, "place"?: …, "notes"?: …}]}
"use strict";

// RFC 5545 section 3.3.11: what parts values and lines is escaped.
const escaped = (text) => text.replace(/[\\;,]/g, "\\$&").replace(/\r\n|\r|\n/g, "\\n");

// Section 3.1: lines are at most 75 octets, and no character may be cut.
function folded(line) {
  const lines = [];
  let [current, octets] = ["", 0];
  for (const char of line) {
    const size = Buffer.byteLength(char);
    if (octets + size > 75) {
      lines.push(current);
      [current, octets] = [" ", 1];
    }
    current += char;
    octets += size;
  }
  return [...lines, current].join("\r\n");
}

const stamp = (date) => date.toISOString().replace(/[-:]|\.\d{3}/g, "");

function lines({ id, title, start, minutes, place, notes }) {
  const from = new Date(start);
  if (Number.isNaN(from.getTime()) || !(minutes > 0)) throw new Invalid(`${id}: no start, or no length`);
  const fields = [
    ["UID", escaped(id)],
    ["DTSTAMP", stamp(from)],
    ["DTSTART", stamp(from)],
    ["DTEND", stamp(new Date(from.getTime() + minutes * 60_000))],
    ["SUMMARY", escaped(title)],
  ];
  if (place) fields.push(["LOCATION", escaped(place)]);
  if (notes) fields.push(["DESCRIPTION", escaped(notes)]);
  return ["BEGIN:VEVENT", ...fields.map(([name, value]) => `${name}:${value}`), "END:VEVENT"];
}

class Invalid extends Error {}

exports.handle = async (event) => {
  const calendar = event.data;
  if (!Array.isArray(calendar?.events)) {
    return { statusCode: 400, body: "send {name, events} as application/json\n" };
  }
  try {
    const all = [
      "BEGIN:VCALENDAR",
      "VERSION:2.0",
      "PRODID:-//Leasehold//ics//EN",
      `X-WR-CALNAME:${escaped(String(calendar.name ?? ""))}`,
      ...calendar.events.flatMap(lines),
      "END:VCALENDAR",
    ];
    const body = all.map((line) => `${folded(line)}\r\n`).join("");
    return { statusCode: 200, headers: { "Content-Type": "text/calendar; charset=utf-8" }, body };
  } catch (error) {
    if (error instanceof Invalid) return { statusCode: 422, body: `${error.message}\n` };
    throw error;
  }
};
