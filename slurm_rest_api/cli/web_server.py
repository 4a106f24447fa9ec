"""Runs waitress with limits that follow from the open files that this process may have.

waitress closes an idle connection only after its time-out, and has no limit for a client that stops reading. Its loop
tries again without a pause when the process has no descriptor left. `_Server` adds these three.
"""

from __future__ import annotations

import errno
import logging
import resource
import time
from typing import TYPE_CHECKING, Any, Final

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

logger = logging.getLogger(__name__)

MAX_CONNECTIONS: Final = 1000
"""Each event costs the loop a look at every connection, so more of them would slow down all clients."""

_MIN_CONNECTIONS: Final = 8
_MAX_FILES: Final = 8192
_OWN_FILES: Final = 64
# A thread has the snapshot store open twice, each with its WAL and index, and a connection to a database.
_FILES_PER_THREAD: Final = 8
# Its socket, and the file that it is sent.
_FILES_PER_CONNECTION: Final = 2

_IDLE_SECONDS: Final = 60
_REQUEST_SECONDS: Final = 30
_STALLED_SECONDS: Final = 20
_STALLED_WHEN_FULL_SECONDS: Final = 2
_GRACE_SECONDS: Final = 0.5
_CLEANUP_SECONDS: Final = 5
_BATCH: Final = 32
_PAUSE_SECONDS: Final = 1.0
_EXHAUSTED: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


def connection_limit(files: int, threads: int) -> int:
    """Returns the number of connections that a process of `threads` may have with `files` open files."""
    free = files - _OWN_FILES - threads * _FILES_PER_THREAD
    return min(max(free // _FILES_PER_CONNECTION, _MIN_CONNECTIONS), MAX_CONNECTIONS)


def raise_file_limit() -> int:
    """Raises the soft limit of open files towards the hard limit (getrlimit(2), RLIMIT_NOFILE). Returns it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return _MAX_FILES if soft == resource.RLIM_INFINITY else soft


def serve(application: WSGIApplication, host: str, port: int, threads: int) -> None:
    """Answers requests with `application` until SIGINT or SIGTERM."""
    files = raise_file_limit()
    connections = connection_limit(files, threads)
    logger.info("At most %d connections (%d open files, %d threads).", connections, files, threads)
    if connections < MAX_CONNECTIONS // 10:
        logger.warning("Few connections are possible with %d open files. Raise `ulimit -n` to 1024.", files)
    settings = Adjustments(
        host=host,
        port=port,
        threads=threads,
        ident="slurm-rest-api",
        connection_limit=connections,
        channel_timeout=_IDLE_SECONDS,
        cleanup_interval=_CLEANUP_SECONDS,
        # select(2) knows descriptors below 1024 only.
        asyncore_use_poll=True,
        # Lets waitress notice a client that disconnects while its request waits.
        channel_request_lookahead=1,
        clear_untrusted_proxy_headers=True,
        # A client that resets its connection is no error of the service.
        log_socket_errors=False,
    )
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(threads)
    channels: dict[int, Any] = {}
    addresses: list[Any] = list(settings.listen)
    for address in addresses:
        _Server(application, channels, dispatcher=dispatcher, adj=settings, sockinfo=address)
    try:
        wasyncore.loop(timeout=settings.asyncore_loop_timeout, use_poll=True, map=channels)
    except (SystemExit, KeyboardInterrupt):
        dispatcher.shutdown()


class _Channel(HTTPChannel):
    """A connection that knows since when it waits for a request, and since when it receives one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.idle_since = self.creation_time
        self.receiving_since: float | None = None

    def received(self, data: bytes) -> bool:
        if self.request is None:
            self.receiving_since = time.time()
        is_received: bool = super().received(data)
        if self.request is None:
            self.receiving_since = None
        return is_received

    def service(self) -> None:
        super().service()
        self.idle_since = time.time()

    def is_waiting(self) -> bool:
        """Returns True if no request is being answered and no response being sent."""
        return not self.requests and not self.total_outbufs_len

    def is_stalled(self, now: float, seconds: float) -> bool:
        """Returns True if the client has taken nothing of its response for `seconds`."""
        return bool(self.total_outbufs_len) and now - self.last_activity > seconds

    def is_overdue(self, now: float) -> bool:
        """Returns True if the client takes too long for its request or with its response."""
        is_slow = self.receiving_since is not None and now - self.receiving_since > _REQUEST_SECONDS
        is_idle = now - self.last_activity > _IDLE_SECONDS
        return (self.is_waiting() and (is_slow or is_idle)) or self.is_stalled(now, _STALLED_SECONDS)


class _Server(TcpWSGIServer):
    """A listening socket. At the limit of connections it closes one that waits before it accepts another."""

    channel_class = _Channel
    _map: dict[int, Any]
    _next_cleanup = 0.0
    _paused_until = 0.0

    def readable(self) -> bool:
        now = time.time()
        if now >= self._next_cleanup:
            self._next_cleanup = now + self.adj.cleanup_interval
            self._close_overdue(now)
        # New connections wait in the kernel's queue.
        return self.accepting and now >= self._paused_until and (not self._is_full() or bool(self._victims(now)))

    def handle_accept(self) -> None:
        if self._is_full():
            # The next round accepts. In this one, the descriptors that are free now may still have an event to come.
            self._close_waiting()
            return
        for _ in range(_BATCH):
            # One look at all connections a round is dear, so a round accepts more than one.
            if self._is_full() or not self._accept_one():
                return

    def _accept_one(self) -> bool:
        """Accepts one connection. Returns False if none waits."""
        try:
            accepted = self.accept()
            if accepted is None:
                return False
            connection, address = accepted
            self.set_socket_options(connection)
        except OSError as error:
            if error.errno in _EXHAUSTED:
                logger.warning("A connection cannot be accepted: %s. Raise `ulimit -n`.", error.strerror)
                if not self._close_waiting():
                    self._paused_until = time.time() + _PAUSE_SECONDS
            # Otherwise the client has closed it already.
            return False
        self.channel_class(self, connection, self.fix_addr(address), self.adj, map=self._map)
        return True

    def _close_overdue(self, now: float) -> None:
        for channel in self._channels():
            if channel.is_overdue(now):
                channel.handle_close()

    def _channels(self) -> list[_Channel]:
        # The type stubs of waitress have a single channel here.
        channels: Any = self.active_channels
        return list(channels.values())

    def _is_full(self) -> bool:
        return len(self._channels()) >= self.adj.connection_limit

    def _close_waiting(self) -> int:
        """Closes the connections that have waited for a request the longest. Returns their number."""
        victims = self._victims(time.time())
        if victims:
            logger.warning("%d connections are open. Those that wait the longest are closed.", len(self._channels()))
        for victim in victims:
            victim.handle_close()
        return len(victims)

    def _victims(self, now: float) -> list[_Channel]:
        """Returns connections that wait for a request, the longest first, else clients that take no bytes."""
        channels = self._channels()
        # The request of a connection that was just accepted may not have been read yet.
        waiting = [
            channel for channel in channels if channel.is_waiting() and now - channel.idle_since > _GRACE_SECONDS
        ]
        if waiting:
            return sorted(waiting, key=lambda channel: channel.idle_since)[:_BATCH]
        stalled = [channel for channel in channels if channel.is_stalled(now, _STALLED_WHEN_FULL_SECONDS)]
        return sorted(stalled, key=lambda channel: channel.last_activity)[:_BATCH]
