"""Keeping libraries from logging the addresses that they call: those hold passwords, signatures and names of files."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

TALKATIVE = ("apprise", "httpcore", "httpx", "requests", "urllib3")


@contextmanager
def addresses_unlogged() -> Iterator[None]:
    """Inside, what these libraries have to say is dropped."""
    loggers = [logging.getLogger(name) for name in TALKATIVE]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
