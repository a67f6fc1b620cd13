"""A report says what the database holds, adds up, stands by itself, and tells nothing of anybody."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from datetime import date, datetime, timezone
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest
from click.testing import CliRunner

from nexus_assets import cli
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.mapping.reasons import NOTICES
from nexus_assets.plan.words import ADOPTION
from nexus_assets.report import pictures
from nexus_assets.report.facts import OUTCOMES, Load, Report
from nexus_assets.report.page import _bars, verdict
from nexus_assets.report.write import REPORT_NAME, write_report
from nexus_assets.resources import ClinicBucket, NexusDatabase
from nexus_assets_tests.graph.conftest import Graph
from nexus_assets_tests.load.clinic import FURNISHED, LOADED_BY_A_RUN
from nexus_assets_tests.load.importer_in_use import degrade
from nexus_assets_tests.report.conftest import Made, materialize_with_report

Make = Callable[..., Made]
IMAGES = ("patients", "image_batches", "images")


def test_figures_are_those_of_the_database(first: tuple[Graph, Made]) -> None:
    graph, made = first
    for name in FURNISHED:
        entity = ENTITIES[name]
        table = next(t for t in entity.model.tables if graph.clinic.value("SELECT to_regclass(%s)::text", t))
        named = f"id IN (SELECT nexus_id FROM nexus_assets.identity_{name})" if entity.shares else "TRUE"
        rows = graph.clinic.value(f"SELECT count(*) FROM {table} WHERE {named}")
        rejected = dict(
            graph.clinic.rows("SELECT reason, count(*) FROM nexus_assets.reject WHERE entity = %s GROUP BY 1", name)
        )
        told = made.figures["entities"][name]
        assert (told["rows"], told["rejected_by_reason"]) == (rows, rejected)
        assert made.on_page("rows", name) == [rows]
        for reason, number in rejected.items():
            assert made.on_page(f"rejected.{reason}", name) == [number]
    assert made.figures["totals"]["rejected"] == 2
    visible = graph.clinic.value("SELECT sum(image_count) FROM images_batch")
    assert made.figures["images_visible"] == {"visible": visible, "total": visible}
    assert made.on_page("images_visible") == [visible]


def test_every_row_of_every_source_is_accounted_for(first: tuple[Graph, Made]) -> None:
    _, made = first
    for name, told in made.figures["entities"].items():
        assert told["source_rows"] == sum(told[outcome] for outcome in (*OUTCOMES, "rejected")), name
        assert made.on_page("source_rows", name) == [told["source_rows"]]


def test_second_report_says_that_nothing_changed(reported: Graph, tmp_path: Path) -> None:
    made = materialize_with_report(reported, tmp_path)
    for told in made.figures["entities"].values():
        assert (told["inserted"], told["updated"]) == (0, 0)
        assert told["unchanged"] == told["source_rows"] - told["rejected"]
    assert all(len(check["history"]) == 2 for check in made.figures["checks"])


def test_what_was_healed_is_shown_as_it_was_and_as_it_is(graph: Graph, report: Make) -> None:
    report("patients", "documents")
    graph.clinic.execute("UPDATE patients SET id = gen_random_uuid()")
    CliRunner().invoke(cli.nexus_assets, ["check"])
    made = report("patients", "documents")
    (documents,) = (
        check
        for check in made.figures["checks"]
        if (check["asset"], check["check"]) == ("documents", "no_orphaned_references")
    )
    assert (documents["before"], documents["violators"], documents["history"]) == (2, 0, [0, 2, 0])
    assert made.figures["superseded"] == {"patients": 2}
    assert "What was healed" in made.page
    assert "documents: no_orphaned_references: 2 before, 0 after" in made.page


def test_what_was_adopted_is_shown_as_filled_replaced_and_kept(reported: Graph, tmp_path: Path) -> None:
    degrade(reported.clinic.url)
    reported.clinic.execute("UPDATE patients SET first_name = 'Theirs' WHERE last_name = 'Wattle'")
    reported.clinic.execute("UPDATE notes SET created_by = 'Dr Banksia', created_at = now()")
    page = materialize_with_report(reported, tmp_path).page
    for what, meaning in ADOPTION.items():
        assert html.escape(meaning) in page.replace("&#39;", "&#x27;"), what
    assert "By column: first_name 1." in page
    assert html.escape(NOTICES["looks_like_an_existing_row"]) in page.replace("&#39;", "&#x27;")


def test_months_of_images_are_listed_from_the_first_to_the_last(graph: Graph, report: Make) -> None:
    contact = graph.clinic.exports["Contacts"][0]["id"]
    for day in ("6/7/2024", "1/5/2023"):
        graph.clinic.image(contact, day)
    graph.place()
    assert [*report(*IMAGES).figures["images_by_month"].items()] == [("2023-01", 1), ("2024-03", 4), ("2024-06", 1)]


def test_failing_check_is_the_first_thing_said_and_says_what_to_do_and_links_to_its_page(
    graph: Graph, report: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXUS_DAGSTER_URL", "https://dagster.clinic.example/")
    (graph.bucket.folder / min(graph.clinic.documents)).write_bytes(b"")
    made = report()
    assert not made.figures["well"]
    assert re.search(r'class="verdict bad">✗ Something is wrong: \d+ checks? failed', made.page)
    told = made.page[made.page.index("What needs somebody") : made.page.index("What became of every row")]
    assert re.search(r"documents<br><a [^>]*><code>objects_exist", told)
    checks = "https://dagster.clinic.example/assets/documents?view=checks&amp;checkDetail=objects_exist"
    assert f'href="{checks}"' in made.page
    (step,) = graph.clinic.rows(
        "SELECT next_step FROM nexus_assets.check_result WHERE (asset, check_name) = ('documents', 'objects_exist')"
        " ORDER BY id DESC LIMIT 1"
    )
    assert step[0]
    assert f"Run next: <code>{html.escape(step[0])}</code>" in made.page.replace("&#39;", "&#x27;")


def test_last_loads_are_shown_beside_each_other(first: tuple[Graph, Made], graph: Graph, report: Make) -> None:
    assert "The last loads" not in first[1].page
    report("patients", "notes")
    graph.clinic.note(graph.clinic.exports["Contacts"][0]["id"], text="One more")
    graph.place()
    made = report("patients", "notes")
    before = made.figures["entities"]["notes"]["source_rows"] - 1
    assert f'aria-label="source rows of the last 2 loads: {before}, {before + 1}"' in made.page
    assert f'{before + 1} <span class="soft">was {before}</span>' in made.page
    assert f'aria-label="written of the last 2 loads: {before}, 1"' in made.page


def test_first_sentence_names_the_rejected_rows() -> None:
    now = datetime.now(timezone.utc)
    sentences = []
    for rejected in ({}, {"empty_note": 198}):
        outcomes = {"inserted": 11408 - sum(rejected.values())}
        load = Load("notes", 1, "run", now, now, 11408, outcomes, rejected, {}, {}, {}, [], 11210, in_this_run=True)
        sentences.append(verdict(Report("run", now, "nexus", [load], [], {}, {})).words)
    assert sentences == [
        "Every loaded record is whole.",
        "Every loaded record is whole; 198 of 11,408 source rows were rejected, each with its reason.",
    ]


def test_many_rejects_are_green_only_where_there_were_as_many_before(graph: Graph, report: Make) -> None:
    graph.clinic.note(graph.clinic.exports["Contacts"][0]["id"], text="")
    graph.place()
    number = len(graph.clinic.exports["Notes"])
    said = f"loaded; {100 / number:.0f} % rejected"
    page = report("patients", "notes").page
    assert f'class="wide odd"><span>! {said}</span>' in page
    assert f'class="wide good"><span>✓ {said}, as before</span>' in report("patients", "notes").page


def test_nobody_is_named(first: tuple[Graph, Made]) -> None:
    _, made = first
    for text in (made.page, made.file.with_suffix(".json").read_text("utf-8")):
        assert [word for word in ("Wattle", "Banksia", "Wren", "Seen today", "1950", "1981") if word in text] == []


def test_page_needs_nothing_outside_itself(first: tuple[Graph, Made]) -> None:
    page = re.sub(r"url\(data:font/woff2;base64,[^)]*\)", "", first[1].page)
    # A link asks nobody before a person follows it.
    names = r"\bxmlns(:\w+)?=\"[^\"]*\"|<a href=\"[^\"]*\">"
    assert re.findall(r"(?:https?:)?//[\w.]+", re.sub(names, "", page)) == []
    assert "<script" not in page
    assert set(re.findall(r"<link[^>]*>", page)) == {'<link rel="icon" href="data:,">'}


def test_ids_on_the_page_are_all_different(first: tuple[Graph, Made]) -> None:
    found = re.findall(r'\bid="([^"]+)"', first[1].page)
    assert len(found) == len(set(found))


def test_asset_links_to_its_page(first: tuple[Graph, Made]) -> None:
    graph, made = first
    event = graph.instance.get_latest_materialization_event(dg.AssetKey("import_report"))
    assert event is not None
    metadata = event.asset_materialization.metadata
    assert metadata["report"].value == f"/reports/{made.file.name}"
    assert metadata["file"].value == str(made.file)
    assert metadata["loaded"].value == made.figures["totals"]["loaded"]


def test_link_is_to_the_web_server_that_shows_the_folder(
    graph: Graph, report: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXUS_REPORTS_URL", "https://clinic.example/reports/")
    made = report("patients")
    event = graph.instance.get_latest_materialization_event(dg.AssetKey("import_report"))
    assert event is not None
    assert event.asset_materialization.metadata["report"].value == f"https://clinic.example/reports/{made.file.name}"


def test_name_of_a_report_is_one_that_the_pages_show(first: tuple[Graph, Made]) -> None:
    _, made = first
    for file in (made.file, made.file.with_suffix(".json")):
        assert re.fullmatch(REPORT_NAME, file.name)


def test_images_are_loaded_without_a_report(graph: Graph, report: Make) -> None:
    folder = report(*IMAGES).file.parent
    before = set(folder.iterdir())
    assert graph.materialize("images").success
    assert set(folder.iterdir()) == before


def test_report_of_loads_of_an_earlier_run_says_so(first: tuple[Graph, Made]) -> None:
    graph, made = first
    before = set(made.file.parent.glob("*.html"))
    assert graph.materialize("import_report").success
    (page,) = set(made.file.parent.glob("*.html")) - before
    assert page.read_text("utf-8").count("last on ") == len(LOADED_BY_A_RUN)


@pytest.mark.usefixtures("graph")
def test_nothing_loaded_is_an_error_and_no_report() -> None:
    with pytest.raises(NexusAssetsError, match="Nothing was ever loaded"):
        write_report(NexusDatabase(), ClinicBucket(), "run")


@pytest.mark.usefixtures("first")
def test_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NEXUS_REPORTS", str(tmp_path / "file" / "reports"))
    with pytest.raises(NexusAssetsError, match="NEXUS_REPORTS"):
        write_report(NexusDatabase(), ClinicBucket(), "run")


def test_command_tells_where_the_report_is_and_how_things_are(first: tuple[Graph, Made]) -> None:
    _, made = first
    result = CliRunner().invoke(cli.nexus_assets, ["report"])
    page = Path(result.stdout.strip().removeprefix("file://"))
    assert page.parent == made.file.parent
    assert result.exit_code == (0 if json.loads(page.with_suffix(".json").read_text())["well"] else 1)


@pytest.mark.parametrize(("never_loaded", "code"), [([], 0), (["notes"], 1)])
@pytest.mark.usefixtures("first")
def test_what_was_never_loaded_is_told_by_the_exit_code(
    never_loaded: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Report("run", datetime.now(timezone.utc), "nexus", [], [], {}, {}, never_loaded=never_loaded)
    written = SimpleNamespace(address="", report=told)
    monkeypatch.setattr("nexus_assets.report.write.write_report", lambda *_: written)
    assert CliRunner().invoke(cli.nexus_assets, ["report"]).exit_code == code


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_picture_tells_its_numbers_in_words() -> None:
    picture = pictures.accounting("images", 6490, {"inserted": 6489, "updated": 0, "rejected": 1})
    assert 'aria-label="6,490 source rows of images: 6,489 inserted, 1 rejected"' in picture
    assert "6,489 + 1 = 6,490</text>" in picture


def test_numbers_of_outcomes_that_are_few_stand_below_each_other() -> None:
    picture = pictures.accounting("images", 6490, {"unchanged": 6476, "kept": 13, "rejected": 1})
    heights = [float(height) for height in re.findall(r'<text x="189.0" y="([\d.]+)"', picture)]
    assert len(heights) == 3
    assert all(lower - upper >= pictures.LINE - 0.1 for upper, lower in pairwise(heights))


def test_every_outcome_has_a_look_of_its_own() -> None:
    assert set(pictures.LOOKS) == {*OUTCOMES, "rejected"}
    assert len({colour for colour, _ in pictures.LOOKS.values()}) == len(pictures.LOOKS)


def test_bars_are_in_percent_of_the_highest_and_what_is_not_nothing_can_be_seen() -> None:
    assert _bars([50, 200, 1, 0]) == [25.0, 100.0, 6.0, 0.0]
    assert _bars([0, 0]) == [0.0, 0.0]


def test_source_without_rows_has_a_picture() -> None:
    assert "0 = 0" in pictures.accounting("notes", 0, {"inserted": 0})


def test_months_without_images_are_not_left_out() -> None:
    months = [date(2024, 11, 1), date(2024, 12, 1), date(2025, 1, 1), date(2025, 2, 1)]
    counts = {months[3]: 4, None: 5, months[0]: 3}
    assert list(pictures.by_month(counts).items()) == list(zip(months, [3, 0, 0, 4], strict=True))


@pytest.mark.parametrize("counts", [{}, {None: 3}, {date(2024, 11, 1): 3}], ids=["nothing", "undated", "one month"])
def test_few_images_have_a_picture(counts: dict[date | None, int]) -> None:
    assert "<svg" in pictures.images_per_month(counts)
