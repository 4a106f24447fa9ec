"""Logging of all processes: one line per event, to standard error. A fault that repeats is logged once a minute."""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from slurm_rest_api.config import Settings

_FORMAT: Final = "%(asctime)s %(levelname)s %(processName)s[%(process)d] %(name)s: %(message)s"
_REPEAT_SECONDS: Final = 60.0
_MAX_FAULTS: Final = 256
_DIGITS: Final = re.compile(r"\d+")


def configure_logs(settings: Settings) -> None:
    """Configures logging with the level `system.log_level`. Handlers that a program has set up before are kept."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(RepeatLimit())
    logging.basicConfig(level=settings.system.log_level, format=_FORMAT, handlers=[handler])
    # APScheduler logs each job at INFO: two redundant lines per cycle. waitress logs each client that disconnects.
    for name in ("apscheduler", "waitress"):
        logging.getLogger(name).setLevel(logging.WARNING)


class RepeatLimit(logging.Filter):
    """Drops warnings and errors that were logged less than a minute ago. The next one has their number.

    Messages that differ in numbers only are the same fault, and so are exceptions that are raised at the same place.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        # Time of the last line and the number dropped since, the newest fault last.
        self._faults: OrderedDict[tuple[object, ...], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Returns True if `record` is to be logged."""
        if record.levelno < logging.WARNING:
            return True
        fault, now = _fault(record), self._clock()
        with self._lock:
            logged_at, dropped = self._faults.pop(fault, (now - _REPEAT_SECONDS, 0))
            is_due = now - logged_at >= _REPEAT_SECONDS
            self._faults[fault] = (now, 0) if is_due else (logged_at, dropped + 1)
            while len(self._faults) > _MAX_FAULTS:
                self._faults.popitem(last=False)
        if is_due and dropped:
            record.msg, record.args = f"{record.getMessage()} ({dropped} more like this were left out.)", ()
        return is_due


def _fault(record: logging.LogRecord) -> tuple[object, ...]:
    kind, _, trace = record.exc_info or (None, None, None)
    if kind is None:
        return record.name, record.levelno, _DIGITS.sub("0", record.getMessage())
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = None if trace is None else (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
    return record.name, record.levelno, kind, place
