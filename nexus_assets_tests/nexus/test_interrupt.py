"""Ctrl-C and SIGTERM while the database works: the statement is cancelled, and the transaction rolled back."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import closing

import psycopg2
import pytest

from nexus_assets.nexus.connection import make_engine, transaction

PATIENCE_SECONDS = 15


def interrupted(url: str, sent: signal.Signals, statement: str) -> float:
    """Runs the statement in a transaction that has written, and sends the signal meanwhile; returns the seconds until it ended."""
    timer = threading.Timer(1, os.kill, (os.getpid(), sent))
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            _run(url, statement, timer)
    finally:
        timer.join()
        signal.signal(signal.SIGTERM, before)
    return time.monotonic() - began


def _run(url: str, statement: str, timer: threading.Timer) -> None:
    with transaction(make_engine(url)) as cursor:
        cursor.execute("CREATE TABLE public.half_done (id int)")
        timer.start()
        cursor.execute(statement)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_statement_is_cancelled_and_its_transaction_rolled_back(sent: signal.Signals, nexus_database: str) -> None:
    assert interrupted(nexus_database, sent, "SELECT pg_sleep(120)") < PATIENCE_SECONDS
    with (
        closing(psycopg2.connect(nexus_database.replace("+psycopg2", ""))) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "SELECT to_regclass('public.half_done') IS NULL,"
            " (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(120)'"
            " AND state = 'active' AND pid <> pg_backend_pid())"
        )
        assert cursor.fetchone() == (True, 0)


def test_a_wait_for_somebody_elses_lock_ends(nexus_database: str) -> None:
    with closing(psycopg2.connect(nexus_database.replace("+psycopg2", ""))) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLE patients IN ACCESS EXCLUSIVE MODE")
        assert interrupted(nexus_database, signal.SIGINT, "SELECT count(*) FROM patients") < PATIENCE_SECONDS


def test_who_was_told_of_signals_before_is_told_again_afterwards(nexus_database: str) -> None:
    with transaction(make_engine(nexus_database)) as cursor:
        cursor.execute("SELECT 1")
    assert signal.set_wakeup_fd(-1) == -1


def test_a_transaction_of_another_thread_needs_no_signals(nexus_database: str) -> None:
    done: list[int] = []

    def work() -> None:
        with transaction(make_engine(nexus_database)) as cursor:
            cursor.execute("SELECT 1")
            done.extend(cursor.fetchone() or ())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [1]
