"""Nothing that stands in a file is repeated when it is read, however it is damaged."""

from __future__ import annotations

import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.load.sources import headings
from nexus_assets.sources.filemaker import ReadSettings, find_export, open_export
from nexus_assets_tests.canaries import CANARY, Planter, canaries, put_files
from nexus_assets_tests.load.clinic import HEADINGS

pytestmark = pytest.mark.extended

FILES_A_SEED = 40


def said_of(folder: Path, export: str) -> Iterator[str]:
    """All that reading an export says: of itself where it can be read, else the error as Dagster keeps it, with its causes."""
    entity = next(each for each in ENTITIES.values() if export in each.exports)
    wanted, optional = headings(entity)
    try:
        found = find_export(str(folder), export)
        assert found is not None
        yield f"{found.location} {found.version} {found.passed_over}"
        opened = open_export(found, wanted=wanted, optional=optional, settings=ReadSettings())
        yield repr(opened.facts)
        for _ in opened.blocks():
            pass
        yield repr(asdict(opened.facts))
        yield str(opened.explain(2, "missing data for column"))
    except NexusAssetsError as error:
        yield "".join(traceback.format_exception(error))


@pytest.mark.attack("A damaged file whose cells, member names and encoding are marked", each=FILES_A_SEED)
@pytest.mark.parametrize("seed", range(20))
def test_no_damaged_file_is_repeated(seed: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    outcomes: Counter[bool] = Counter()
    for number in range(FILES_A_SEED):
        planter = Planter(1000 * seed + number)
        export = planter.random.choice(sorted(HEADINGS))
        for old in tmp_path.iterdir():
            old.unlink()
        put_files(tmp_path, planter, export)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            said = [*said_of(tmp_path, export)]
        found = canaries(
            "\n".join([*said, *(str(each.message) for each in warned), *capfd.readouterr()]), str(tmp_path)
        )
        assert not found, f"{planter.how}: {found} in {said[-1]}"
        outcomes["Traceback" in said[-1]] += 1
    assert min(outcomes[True], outcomes[False]) > 0, f"both damaged and readable files were tried: {outcomes}"


def test_a_planted_word_is_found() -> None:
    planter = Planter(0)
    assert all(CANARY.search(planter.cell()) for _ in range(100))
    assert not CANARY.search(
        "column 'nameLast' of Contacts.xlsx, Image_dataV9.csv: exactly, quotation, export; 2026-11-28"
    )
