"""Compresses the pieces of a body."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

# Level 1: on job records it is four times as fast as level 6 for a third more bytes.
_GZIP_LEVEL: Final = 1
_GZIP_WINDOW: Final = 31


def compress(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yields `chunks` as one gzip stream."""
    compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    for chunk in chunks:
        if compressed := compressor.compress(chunk):
            yield compressed
    yield compressor.flush()
