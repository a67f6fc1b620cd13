"""A folder without room is one sentence, a file is whole or as it was, and a process that is killed leaves nothing temporary."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from nexus_assets.admin import dump
from nexus_assets.admin.reject_workbook import SheetError, _save
from nexus_assets.commands.plan import _write_private
from nexus_assets.disk import whole_file
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.sources.s3 import KeptListing, StoredObject


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that takes what is written and has no room for it in the end, as a network's has."""

    def no_room(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)


WRITERS: dict[str, Callable[[Path], None]] = {
    "rejects export": lambda file: _save(file, b"new"),
    "plan": lambda file: _write_private(file, "new"),
}


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_full_disk_is_a_sentence_that_names_the_folder_and_leaves_nothing(
    write: Callable[[Path], None], tmp_path: Path
) -> None:
    with pytest.raises(NexusAssetsError, match=f"The folder {tmp_path} is full") as refused:
        write(tmp_path / "file")
    assert refused.value.remedy.startswith("Nothing was written")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("full")
def test_what_was_there_before_a_disk_was_full_is_there(tmp_path: Path) -> None:
    (tmp_path / "plan").write_text("old")
    with pytest.raises(NexusAssetsError):
        _write_private(tmp_path / "plan", "new")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("plan", "old")]


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("nowhere/file", "No such file or directory"),
        ("taken/file", "Not a directory"),
        ("x" * 300, "File name too long"),
    ],
)
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_place_that_can_t_be_written_to_is_named(
    write: Callable[[Path], None], place: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(NexusAssetsError, match=f"can't be written to: {told}"):
        write(tmp_path / place)
    assert [file.name for file in tmp_path.iterdir()] == ["taken"]


def test_a_limit_of_the_system_is_a_sentence_too(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path; from nexus_assets.disk import whole_file\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "with whole_file(Path(sys.argv[1])) as out: out.write(b'x' * 100_000)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "file")], capture_output=True, text=True, check=False
    )
    assert f"NexusAssetsError: The folder {tmp_path} can't be written to: File too large." in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_its_owner_s_alone_and_replaces_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "plan").write_text("old and longer")
    (tmp_path / "plan").chmod(0o644)
    _write_private(tmp_path / "plan", "new")
    assert (tmp_path / "plan").read_text() == "new"
    assert (tmp_path / "plan").stat().st_mode & 0o777 == 0o600
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_that_is_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "plan").symlink_to("there/plan")
    _write_private(tmp_path / "plan", "new")
    assert (tmp_path / "plan").is_symlink()
    assert (tmp_path / "there/plan").read_text() == "new"


def test_what_is_no_file_is_written_to_directly(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    _write_private(tmp_path / "pipe", "new")
    assert os.read(reader, 10) == b"new"
    os.close(reader)
    assert [file.name for file in tmp_path.iterdir()] == ["pipe"]


def test_a_workbook_that_somebody_works_in_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "mend.xlsx").write_text("work")
    with pytest.raises(SheetError, match="is there already"):
        _save(tmp_path / "mend.xlsx", b"new")
    with pytest.raises(FileExistsError), whole_file(tmp_path / "mend.xlsx", replaces=False) as out:
        out.write(b"made in between")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("mend.xlsx", "work")]


def test_an_error_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "file") as out:
        out.write(b"half" * (1 // 0))
    assert list(tmp_path.iterdir()) == []


def test_a_backup_is_read_with_a_sentence_where_the_temporary_folder_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", no_room)
    monkeypatch.setattr(dump, "_pg_restore", lambda: "/bin/true")
    with pytest.raises(NexusAssetsError, match=r"The temporary folder .* is full"):
        list(dump.dumped_rows(tmp_path / "backup", [ENTITIES["patients"]]))


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_is_killed_while_it_keeps_a_listing_leaves_nothing_temporary(
    by: signal.Signals, tmp_path: Path
) -> None:
    child, far = killed_in_the_middle(lambda reached: KeptListing(objects(reached)), tmp_path, by)
    assert far == b"far"
    assert os.WTERMSIG(child) == by
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_is_killed_while_it_reads_a_kept_listing_leaves_nothing_temporary(
    by: signal.Signals, tmp_path: Path
) -> None:
    def read(reached: Callable[[], None]) -> None:
        for number, _ in enumerate(KeptListing(objects(lambda: None))):
            if number == 5_000:
                reached()

    child, far = killed_in_the_middle(read, tmp_path, by)
    assert far == b"far"
    assert os.WTERMSIG(child) == by
    assert list(tmp_path.iterdir()) == []


def objects(reached: Callable[[], None]) -> Iterator[StoredObject]:
    for number in range(20_000):
        yield StoredObject(f"images/{number:06}.jpg", 7, "e", str(number))
    reached()


def killed_in_the_middle(
    work: Callable[[Callable[[], None]], object], temporary: Path, by: signal.Signals
) -> tuple[int, bytes]:
    """Works in a process of its own until it says how far it is, and kills it there; its status, and what it said."""
    reader, writer = os.pipe()

    def reached() -> None:
        assert os.readlink(f"/proc/self/fd/{_temporary_file()}").endswith("(deleted)")
        os.write(writer, b"far")
        time.sleep(60)

    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            tempfile.tempdir = str(temporary)
            work(reached)
        finally:
            os.write(writer, b"not")
            os._exit(1)
    os.close(writer)
    far = os.read(reader, 3)
    os.close(reader)
    os.kill(child, by)
    _, status = os.waitpid(child, 0)
    return status, far


def _temporary_file() -> int:
    """The descriptor of the open file of the temporary folder."""
    for name in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the one by which they were listed is closed
            if str(tempfile.gettempdir()) in os.readlink(f"/proc/self/fd/{name}"):
                return int(name)
    raise FileNotFoundError
