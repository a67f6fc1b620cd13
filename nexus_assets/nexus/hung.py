"""Ending the wait for a server: for one that answers nobody any more, and for a statement whose program is interrupted.

Keepalives notice a machine that is gone. They don't notice one whose network stack still acknowledges what its server never
reads (a stopped process, a frozen disk, a proxy without anything behind it): for that, the server is asked whether it lives.

Python acts on Ctrl-C only between two of its own steps, and the driver waits for a statement in one of them. So the statement
is cancelled from here.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from psycopg2 import extensions
from psycopg2.extensions import connection as Connection

from nexus_assets.nexus.libpq import libpq

SECONDS_BETWEEN = 30.0
SILENCES = 2
"""A server that gives no sign of life this often in a row, while we wait for it, is given up."""

SECONDS_BETWEEN_CANCELS = 1.0
"""An interruption may come just before a statement begins: it is cancelled again while one is still waited for."""

_NO_RESPONSE = 2  # libpq's PQPING_NO_RESPONSE


class Watch:
    """Watches one connection from a thread of its own. `gave_up` says that it was cut."""

    def __init__(self, connection: Connection, arguments: Mapping[str, Any]) -> None:
        self.gave_up = False
        self._connection = connection
        self._address = extensions.make_dsn(**arguments).encode()
        self._over = threading.Event()
        self._woken, self._wake = socket.socketpair()
        self._wake.setblocking(False)
        self._interrupted = False
        self._thread = threading.Thread(target=self._watch, name="nexus-database-watch", daemon=True)

    @contextmanager
    def watching(self) -> Iterator[Watch]:
        """Watches while the block runs."""
        # Signals come to the main thread alone.
        is_main = threading.current_thread() is threading.main_thread()
        before = signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False) if is_main else -1
        self._thread.start()
        try:
            yield self
        finally:
            if is_main:
                signal.set_wakeup_fd(before)
            self._over.set()
            self._wake.send(b"\0")
            self._thread.join()
            self._wake.close()
            self._woken.close()

    def _watch(self) -> None:
        silences = waited = 0
        asked_at = time.monotonic()
        while not self._is_over():
            if self._interrupted and self._is_waiting():
                self._connection.cancel()
            if time.monotonic() - asked_at < SECONDS_BETWEEN:
                continue
            asked_at = time.monotonic()
            waited = waited + 1 if self._is_waiting() else 0
            # What has only just been asked may be answered yet.
            silences = silences + 1 if waited > 1 and libpq().PQping(self._address) == _NO_RESPONSE else 0
            if silences >= SILENCES and not self._over.is_set():
                self._cut()
                return

    def _is_over(self) -> bool:
        """Waits for a while, or until a signal comes or the block has ended."""
        seconds = min(SECONDS_BETWEEN_CANCELS, SECONDS_BETWEEN) if self._interrupted else SECONDS_BETWEEN
        if select.select([self._woken], [], [], seconds)[0]:
            came = self._woken.recv(64)
            self._interrupted = self._interrupted or bool({signal.SIGINT, signal.SIGTERM} & {*came})
        return self._over.is_set()

    def _is_waiting(self) -> bool:
        if self._connection.closed:
            return False
        return bool(self._connection.get_transaction_status() == extensions.TRANSACTION_STATUS_ACTIVE)

    def _cut(self) -> None:
        self.gave_up = True
        with socket.socket(fileno=os.dup(self._connection.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)
