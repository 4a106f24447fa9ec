"""Proves that no text of a user imitates a job, by a word after the times that scontrol prints.

SLURM_TIME_FORMAT of scontrol(1) is a format of strftime(3), so a word may follow the seconds. The word is random and no
user knows it. scontrol prints the line of SubmitTime once for each job.

A text that imitates the border between two jobs makes two pieces of one job. Only one of them has that line.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from typing import Final

_WORD_BYTES: Final = 6
"""Slurm accepts formats of up to 31 letters, and before 23.02 times of up to 31."""

_LINE_START: Final = b"\n   SubmitTime="


class TimeMarks:
    """The word of one process. It stays the same, so that jobs that do not change are printed as before."""

    def __init__(self) -> None:
        word = f"~{secrets.token_hex(_WORD_BYTES)}"
        self.time_format = f"%s{word}"
        """The value of SLURM_TIME_FORMAT."""
        self._word = word.encode()
        self._line = re.compile(re.escape(_LINE_START) + b"[0-9]+" + re.escape(self._word) + b" EligibleTime=")

    def checked(self, pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
        """Yields each piece, and True if it is one whole job with its own id.

        False for the first piece without the line, the one before it, and all that follow. They need another proof.
        """
        are_whole = True
        before: bytes | None = None
        for piece in pieces:
            are_whole = are_whole and self._is_marked(piece)
            if before is not None:
                yield before, are_whole
            before = piece
        if before is not None:
            yield before, are_whole

    def _is_marked(self, piece: bytes) -> bool:
        # `find` is faster than a search. A text may imitate the line, though, before the one with the word.
        start = max(piece.find(_LINE_START), 0)
        return self._line.match(piece, start) is not None or self._line.search(piece) is not None

    def removed_from(self, piece: bytes) -> bytes:
        """Returns a piece with times in seconds alone."""
        return piece.replace(self._word, b"")
