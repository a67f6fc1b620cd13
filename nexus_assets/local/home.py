"""Where everything local lives. Standard library only: dev.py asks here before anything is installed."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]

HOW_TO_MOVE = "Set NEXUS_LOCAL_HOME to a folder that is yours, on a disk that has room, and run the command again."


def local_home() -> Path:
    """Returns the folder of the local servers, exports, buckets and history; it need not exist yet.

    NEXUS_LOCAL_HOME names it; else it is `.local` in the checkout; where there is no checkout, a folder of the user.
    """
    named = os.environ.get("NEXUS_LOCAL_HOME")
    if named:
        return Path(named).expanduser().absolute()
    if (SOURCE / "workspace.yaml").exists():
        return SOURCE / ".local"
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "nexus-assets"


def make_private(home: Path) -> None:
    """Makes a local home that no other user of this machine can enter; one that is there already is closed to them.

    Raises PermissionError for root where it is another user's, who could not use any more what root writes there.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() == 0 and home.stat().st_uid != 0:
        raise PermissionError(errno.EPERM, "it is another user's: run the command as that user", str(home))
    with suppress(PermissionError):  # it belongs to somebody else, who decides
        home.chmod(0o700)


def dagster_home(home: Path) -> Path:
    """Returns the folder of Dagster's history inside a local home."""
    return home / "dagster"


def clinic_stamp(home: Path) -> Path:
    """The file that tells that a demo clinic was written to its end, and at which scale."""
    return home / "clinic.json"


def is_demo(home: Path) -> bool:
    """Tells whether the demo clinic lies in a local home."""
    return clinic_stamp(home).exists()


def is_prepared(home: Path) -> bool:
    """Tells whether the databases of Dagster's history were all created."""
    return (dagster_home(home) / "prepared").exists()
