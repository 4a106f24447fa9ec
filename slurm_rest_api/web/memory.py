"""Small answers that a process has made, kept for whoever asks the same before the data changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

KEPT_BYTES: Final = 8 * 1024 * 1024
"""What one memory keeps at most; the answers that were not asked for the longest are forgotten first."""

# Objects, headers and the places in a dictionary: an answer without a body is not for nothing either.
_OVERHEAD_BYTES: Final = 1024
_STRIPES: Final = 64

Key = tuple[Hashable, ...]


class Kept(Protocol):
    """Whatever is kept has a body."""

    @property
    def body(self) -> bytes: ...


@dataclass(frozen=True)
class CachedBody:
    """A body as it was sent, and the headers that belong to it whenever it is sent."""

    body: bytes
    mimetype: str
    headers: tuple[tuple[str, str], ...]


Answer = TypeVar("Answer", bound=Kept)


class ResponseLRU(Generic[Answer]):
    """Answers by what they answer; a key names the edition of the data, so that no answer is ever too old."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._lock = threading.Lock()
        self._making = tuple(threading.Lock() for _ in range(_STRIPES))
        self._answers: OrderedDict[Key, Answer] = OrderedDict()
        self._bytes = 0

    def get(self, key: Key) -> Answer | None:
        """The answer under `key`, if it is kept."""
        with self._lock:
            kept = self._answers.get(key)
            if kept is not None:
                self._answers.move_to_end(key)
            return kept

    def keep(self, key: Key, answer: Answer) -> None:
        """Keep `answer`, and forget others where there is no room for it."""
        with self._lock:
            before = self._answers.pop(key, None)
            self._bytes += _size(key, answer) - (_size(key, before) if before else 0)
            self._answers[key] = answer
            while self._bytes > self._kept_bytes:
                self._bytes -= _size(*self._answers.popitem(last=False))

    def making(self, key: Key) -> threading.Lock:
        """Held by whoever makes the answer under `key`, so that others who want it too find it made."""
        return self._making[hash(key) % _STRIPES]


def _size(key: Key, answer: Kept) -> int:
    return len(answer.body) + sum(len(part) for part in key if isinstance(part, str)) + _OVERHEAD_BYTES
