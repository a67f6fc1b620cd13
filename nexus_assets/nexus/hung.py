"""Ending the wait for a server that answers nobody any more.

Keepalives notice a machine that is gone. They don't notice one whose network stack still acknowledges what its server never
reads (a stopped process, a frozen disk, a proxy without anything behind it): for that, the server is asked whether it lives.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from psycopg2 import extensions
from psycopg2.extensions import connection as Connection

from nexus_assets.nexus.libpq import libpq

SECONDS_BETWEEN = 30.0
SILENCES = 2
"""A server that gives no sign of life this often in a row, while we wait for it, is given up."""

_NO_RESPONSE = 2  # libpq's PQPING_NO_RESPONSE


class Watch:
    """Watches one connection from a thread of its own. `gave_up` says that it was cut."""

    def __init__(self, connection: Connection, arguments: Mapping[str, Any]) -> None:
        self.gave_up = False
        self._connection = connection
        self._address = extensions.make_dsn(**arguments).encode()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="nexus-database-watch", daemon=True)

    @contextmanager
    def watching(self) -> Iterator[Watch]:
        """Watches while the block runs."""
        self._thread.start()
        try:
            yield self
        finally:
            self._over.set()
            self._thread.join()

    def _watch(self) -> None:
        silences = waited = 0
        while not self._over.wait(SECONDS_BETWEEN):
            waited = waited + 1 if self._is_waiting() else 0
            # What has only just been asked may be answered yet.
            silences = silences + 1 if waited > 1 and libpq().PQping(self._address) == _NO_RESPONSE else 0
            if silences >= SILENCES and not self._over.is_set():
                self._cut()
                return

    def _is_waiting(self) -> bool:
        if self._connection.closed:
            return False
        return bool(self._connection.get_transaction_status() == extensions.TRANSACTION_STATUS_ACTIVE)

    def _cut(self) -> None:
        self.gave_up = True
        with socket.socket(fileno=os.dup(self._connection.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)
