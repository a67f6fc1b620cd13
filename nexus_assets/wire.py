"""What leaves this machine: over verified TLS, or not at all; and how an address is shown, without what it keeps secret."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nexus_assets import settings
from nexus_assets.errors import NexusAssetsError

VERIFIED = "verify-full"


def is_loopback(host: str) -> bool:
    """Whether a host (or the folder of a Unix socket) is this machine."""
    if not host or host.startswith(("/", "@")) or host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def shown_address(address: str) -> str:
    """Scheme, host, port and path of an address: never its user, password, query or fragment, which may be secrets."""
    try:
        parts = urlsplit(address.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "an address that can't be read"
    if not parts.scheme or not host:
        return "an address that can't be read"
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def shown_place(location: str) -> str:
    """A path as it is, and an address as `shown_address` shows it."""
    return shown_address(location) if "://" in location else location


def pages_address() -> str:
    """Where Dagster's pages are, for links."""
    return shown_address(settings.DAGSTER_URL.value())


def unverified() -> frozenset[str]:
    """The connections that NEXUS_ALLOW_UNVERIFIED lets go without verified TLS. Raises NexusAssetsError for another word."""
    words = frozenset(settings.ALLOW_UNVERIFIED.value().replace(",", " ").lower().split())
    unknown = words - {"database", "s3", "filemaker"}
    if unknown:
        raise NexusAssetsError(
            f"{settings.ALLOW_UNVERIFIED.name} names what there is not.", remedy="It takes: database, s3, filemaker."
        )
    return words


def require_https(address: str, *, of: str, setting: str) -> None:
    """Raises NexusAssetsError where an address of another machine is not https."""
    parts = urlsplit(address)
    if parts.scheme == "https" or is_loopback(parts.hostname or ""):
        return
    if of in unverified():
        return
    raise NexusAssetsError(
        f"{setting} names {shown_address(address)}, which is no https:// address: patients' data and credentials would"
        " travel in the clear.",
        remedy=f"Use the server's https:// address; or, where the network between is trusted, set"
        f" {settings.ALLOW_UNVERIFIED.name}={of} (docs/connecting.md).",
    )


def database_tls(arguments: Mapping[str, Any]) -> dict[str, str]:
    """What to add to libpq's arguments so that a database on another machine is verified before anything is sent to it.

    Raises NexusAssetsError where the arguments ask for less and no setting allows it.
    """
    hosts = str(arguments.get("host") or arguments.get("hostaddr") or os.environ.get("PGHOST", "")).split(",")
    if "service" not in arguments and all(is_loopback(host.strip()) for host in hosts):
        return {}
    mode = str(arguments.get("sslmode") or os.environ.get("PGSSLMODE", ""))
    if "database" in unverified():
        return {}
    if mode not in ("", VERIFIED):
        raise NexusAssetsError(
            f"sslmode={mode} would send patients' data to a database server on another machine without verifying whose it is.",
            remedy=f"Write sslmode={VERIFIED} in NEXUS_DATABASE_URL, with sslrootcert=/path/to/ca.pem where the authority is your"
            f" own; or, where the network between is trusted, set {settings.ALLOW_UNVERIFIED.name}=database"
            " (docs/connecting.md).",
        )
    own = Path("~/.postgresql/root.crt").expanduser()
    has_root = bool(arguments.get("sslrootcert") or os.environ.get("PGSSLROOTCERT") or own.exists())
    return {"sslmode": VERIFIED, **({} if has_root else {"sslrootcert": "system"})}
