"""CSV in, statistics of each column out (JSON). The first row names the columns.

A column whose every value is a number gets its moments and quartiles, any other its most frequent
values. Empty fields count as missing.
"""

import collections
import csv
import io
import json
import math
import statistics


def handle(event, context):
    try:
        return answer(table_of(event["data"]))
    except ValueError as error:
        return problem(str(error))


def table_of(body):
    text = body.decode("utf-8-sig") if isinstance(body, bytes) else str(body)
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    if len(rows) < 2:
        raise ValueError("a heading and at least one row are needed")
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise ValueError(
                "row %d has %d fields, the heading has %d" % (number, len(row), len(rows[0]))
            )
    return rows


def answer(rows):
    columns = {name: column(values) for name, values in zip(rows[0], zip(*rows[1:]))}
    text = json.dumps({"rows": len(rows) - 1, "columns": columns}, indent=2, ensure_ascii=False)
    return text + "\n", 200, {"Content-Type": "application/json"}


def column(fields):
    present = [field for field in fields if field != ""]
    missing = len(fields) - len(present)
    numbers = [number(field) for field in present]
    if present and None not in numbers:
        return {"kind": "number", "missing": missing, **moments(numbers)}
    counts = collections.Counter(present)
    # Among equals by name, so that the order of the rows does not show.
    top = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:5]
    return {"kind": "text", "missing": missing, "distinct": len(counts), "top": dict(top)}


def number(field):
    try:
        value = float(field)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def moments(numbers):
    several = len(numbers) > 1
    quartiles = statistics.quantiles(numbers, n=4, method="inclusive") if several else numbers * 3
    found = {
        "min": min(numbers),
        "max": max(numbers),
        "mean": statistics.mean(numbers),
        "stdev": statistics.stdev(numbers) if several else 0.0,
        "quartiles": quartiles,
    }
    # Six places are more than the data has, and less than where versions of Python differ.
    return {
        name: [round(v, 6) for v in value] if isinstance(value, list) else round(value, 6)
        for name, value in found.items()
    }


def problem(text):
    return {"error": text}, 422, {"Content-Type": "application/json"}
