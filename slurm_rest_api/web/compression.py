"""Compresses the pieces of a body."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from zlib_ng import zlib_ng

# Half the bytes of level 1 of zlib on job records, for a third more processor time. Higher levels save 1 % more.
_GZIP_LEVEL: Final = 7
_GZIP_WINDOW: Final = 31


def compress(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yields `chunks` as one gzip stream."""
    compressor = zlib_ng.compressobj(_GZIP_LEVEL, zlib_ng.DEFLATED, _GZIP_WINDOW)
    for chunk in chunks:
        if compressed := compressor.compress(chunk):
            yield compressed
    yield compressor.flush()
