"""A zip archive of texts, the same bytes for the same texts on every machine.

The body is JSON, `{"name": "text", …}` with `Content-Type: application/json`, or a plain text,
which is split into chapters at the lines that begin with CHAPTER.

Every member goes through a temporary file, and nobody cleans up after it: the directory goes away
with the call.
"""

import io
import os
import re
import shutil
import tempfile
import zipfile

MOST = 2000


def handle(event, context):
    try:
        files = {name: written(text) for name, text in texts_of(event["data"]).items()}
    except ValueError as error:
        return {"error": str(error)}, 422, {"Content-Type": "application/json"}
    print("%d temporary files" % len(files))
    return archive(files), 200, {"Content-Type": "application/zip"}


def texts_of(body):
    if isinstance(body, bytes):
        body = body.decode("utf-8")
    texts = chapters(body) if isinstance(body, str) else body
    if not isinstance(texts, dict) or not all(isinstance(t, str) for t in texts.values()):
        raise ValueError("an object of texts is wanted: {name: text, …}")
    if len(texts) > MOST:
        raise ValueError("%d texts are more than %d" % (len(texts), MOST))
    for name in texts:
        if not re.fullmatch(r"[^/\\\0]+(/[^/\\\0]+)*", name) or {".", ".."} & {*name.split("/")}:
            raise ValueError("%r is no name of a file inside an archive" % name)
    return texts


def chapters(text):
    parts = re.split(r"^(?=CHAPTER\b)", text, flags=re.MULTILINE)
    return {"%03d.txt" % number: part for number, part in enumerate(parts) if part}


def written(text):
    with tempfile.NamedTemporaryFile("wb", suffix=".txt", delete=False) as file:
        file.write(text.encode("utf-8"))
    return file.name


def archive(files):
    """Everything that zipfile would take from the machine or from its own version is fixed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_STORED
            member.create_system = 3
            member.create_version = member.extract_version = 20
            member.external_attr = 0o100644 << 16
            member.file_size = os.stat(files[name]).st_size
            with open(files[name], "rb") as source, archive.open(member, "w") as target:
                shutil.copyfileobj(source, target)
    return packed.getvalue()
