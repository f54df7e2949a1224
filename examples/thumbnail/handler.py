"""A picture (PNG or JPEG) in, a thumbnail of at most 128 × 128 pixels out.

Binary PPM, or PNG for `?format=png`.
"""

import io
import json

from PIL import Image, ImageOps

# Importing the codecs now spares every call the search for them.
from PIL import JpegImagePlugin, PngImagePlugin, PpmImagePlugin  # noqa: F401

SIDE = 128
# A small file may announce a huge picture: refuse it before it is unpacked.
Image.MAX_IMAGE_PIXELS = 24_000_000


def handle(event, context):
    body = event["data"]
    if not isinstance(body, bytes) or not body:
        return problem(415, "a picture is wanted")
    try:
        picture = Image.open(io.BytesIO(body), formats=["PNG", "JPEG"])
        if picture.width * picture.height > Image.MAX_IMAGE_PIXELS:
            return problem(413, "the picture has more than 24 million pixels")
        small = thumbnail(picture)
    except Image.DecompressionBombError:
        return problem(413, "the picture has more than 24 million pixels")
    except (OSError, SyntaxError, ValueError) as error:
        return problem(415, "not a picture that can be read: %s" % type(error).__name__)
    print("%s %dx%d -> %dx%d" % (picture.format, *picture.size, *small.size))

    packed = io.BytesIO()
    if event["query"] == "format=png":
        small.save(packed, "PNG")
        return packed.getvalue(), 200, {"Content-Type": "image/png"}
    small.save(packed, "PPM")
    return packed.getvalue(), 200, {"Content-Type": "image/x-portable-pixmap"}


def thumbnail(picture):
    upright = ImageOps.exif_transpose(picture).convert("RGB")
    upright.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=None)
    return upright


def problem(status, text):
    body = json.dumps({"error": text}) + "\n"
    return body, status, {"Content-Type": "application/json"}
