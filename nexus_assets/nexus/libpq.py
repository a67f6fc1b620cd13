"""The libpq that the driver is bound to, for the few of its functions that the driver does not pass on."""

from __future__ import annotations

import ctypes
from functools import cache

from psycopg2 import _psycopg


@cache
def libpq() -> ctypes.CDLL:
    """The library's functions, found through the driver's own module: a wheel brings a libpq that nothing else knows of."""
    return ctypes.CDLL(_psycopg.__file__)
