"""The content codings of bodies."""

from __future__ import annotations

import secrets

import pytest
import zstandard

from slurm_rest_api.web.compression import Coding, compress, decompress

CODINGS: list[Coding] = ["identity", "gzip", "zstd"]
# The window that every client of zstd can decode (RFC 9659).
MAX_WINDOW = 8 * 1024 * 1024


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("chunks", [[], [b""], [b"one"], [b"one ", b"", b"two"]], ids=len)
def test_body_is_the_same_after_decoding(coding: Coding, chunks: list[bytes]) -> None:
    assert decompress(b"".join(compress(chunks, coding)), coding) == b"".join(chunks)


def test_window_of_zstd_is_one_that_all_clients_decode() -> None:
    # Twice the largest window, of bytes that do not repeat.
    chunks = [secrets.token_bytes(2 * MAX_WINDOW)]
    frame = zstandard.get_frame_parameters(b"".join(compress(chunks, "zstd")))
    assert 0 < frame.window_size <= MAX_WINDOW
