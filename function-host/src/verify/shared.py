"""An import that leaves a page which all calls could write."""

import mmap

PAGE = mmap.mmap(-1, mmap.PAGESIZE)


def handle(event, context):
    PAGE[0] += 1
    return str(PAGE[0])
