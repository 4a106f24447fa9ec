"""Small answers that a process has made, kept for whoever asks the same before the data changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

KEPT_BYTES: Final = 8 * 1024 * 1024
"""What one process keeps at most; the answers that were not asked for the longest are forgotten first."""

Key = tuple[str | bool, ...]


@dataclass(frozen=True)
class KeptAnswer:
    """A body as it was sent, and the headers that belong to it whenever it is sent."""

    body: bytes
    mimetype: str
    headers: tuple[tuple[str, str], ...]


class AnswerMemory:
    """Answers by what they answer; a key names the edition of the data, so that no answer is ever too old."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._lock = threading.Lock()
        self._answers: OrderedDict[Key, KeptAnswer] = OrderedDict()
        self._bytes = 0

    def get(self, key: Key) -> KeptAnswer | None:
        """The answer under `key`, if it is kept."""
        with self._lock:
            kept = self._answers.get(key)
            if kept is not None:
                self._answers.move_to_end(key)
            return kept

    def keep(self, key: Key, answer: KeptAnswer) -> None:
        """Keep `answer`, and forget others where there is no room for it."""
        with self._lock:
            before = self._answers.pop(key, None)
            self._bytes += len(answer.body) - (len(before.body) if before else 0)
            self._answers[key] = answer
            while self._bytes > self._kept_bytes:
                _, forgotten = self._answers.popitem(last=False)
                self._bytes -= len(forgotten.body)
