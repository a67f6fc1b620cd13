"""Keeping libraries from logging the addresses that they call, and the answers: those hold passwords, signatures, names of files."""

from __future__ import annotations

import logging

TALKATIVE = ("apprise", "boto3", "botocore", "httpcore", "httpx", "requests", "s3transfer", "urllib3")


def silence_libraries() -> None:
    """From now on what these libraries have to say is dropped.

    To be called where one of them is about to be used: at the start of a run Dagster sets the levels of the loggers that
    `managed_python_loggers` in dagster.yaml names, and keeps in its history what they say.
    """
    for name in {*TALKATIVE, *logging.root.manager.loggerDict}:
        if name.partition(".")[0] in TALKATIVE:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
