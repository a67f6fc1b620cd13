"""The demo on a disk without room for it says so, and what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from nexus_assets.errors import NexusAssetsError
from nexus_assets.local import demo
from nexus_assets.local.home import is_demo
from nexus_assets.local.services import LocalServices


def test_demo_that_fills_the_disk_names_the_folder_and_is_not_taken_for_whole(
    living_nexus_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int, _content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("nexus_assets.local.clinic.writing.os.write", full)
    services = LocalServices(tmp_path, living_nexus_database, "", "", "", "bucket", tmp_path / "exports")
    with pytest.raises(NexusAssetsError, match=f"The folder {tmp_path} is full. Set NEXUS_LOCAL_HOME"):
        demo.prepare(services, 0.01, fresh=False, tell=lambda _: None)
    assert not is_demo(tmp_path)
