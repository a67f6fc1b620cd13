"""The report of the demo clinic in a real browser, on a desk and on a phone: whole, quiet, readable, and true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from nexus_assets import entities
from nexus_assets_tests.local.test_demo import TABLES, Demo
from nexus_assets_tests.ui.conftest import Shoot, Window, window

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SIZES = {"desktop": (1200, 1350), "phone": (360, 780)}
PAPER = {"width": 688, "height": 1000}
"""A4 without its margins, in CSS pixels."""

ENTITIES = ("patients", "appointments", "notes", "documents", "image_batches", "images")


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(browser: Browser, demo: Demo, size: str) -> Iterator[Window]:
    """The report that `demo` printed, in a window of this size."""
    (address,) = re.findall(r"Report: (file://\S+)", "".join(demo.said))
    with window(browser, address, *SIZES[size]) as opened:
        opened.page.goto(address)
        yield opened


def test_it_complains_of_nothing_and_asks_nobody(opened: Window, size: str, shoot: Shoot) -> None:
    opened.page.wait_for_load_state("networkidle")
    assert (opened.complaints, opened.asked_elsewhere) == ([], [])
    shoot(opened.page, "report" if size == "desktop" else "report-phone")


def test_nothing_is_wider_than_the_window(opened: Window, size: str) -> None:
    width = SIZES[size][0]
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    too_wide = opened.page.evaluate(
        "[...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
        ".map(e => e.tagName + '.' + e.className)"
    )
    assert too_wide == []


def test_summary_fits_with_the_longest_status(opened: Window) -> None:
    opened.page.evaluate(
        "document.querySelectorAll('tr[data-entity] td.wide > :first-child').forEach(e => e.append(', as before'))"
    )
    assert (
        opened.page.evaluate(
            "[...document.querySelectorAll('table')].filter(e => e.offsetWidth > e.parentElement.clientWidth + 1).length"
        )
        == 0
    )


def test_its_text_can_be_read(opened: Window) -> None:
    """At least 9 CSS pixels high, text in pictures included, in the typeface that the file brings along."""
    heights = opened.page.evaluate(
        "[...document.querySelectorAll('svg text')].map(e => e.getBoundingClientRect().height)"
    )
    assert heights
    assert min(heights) >= 9
    assert opened.page.evaluate("[...document.fonts].map(each => each.status)") == ["loaded"]


def test_its_numbers_are_those_of_the_database(opened: Window, demo: Demo) -> None:
    for entity, table in zip(ENTITIES, TABLES, strict=True):
        ((rows,),) = demo.rows(f"SELECT count(*) FROM {table}")
        shown = opened.page.locator(f"tr[data-entity={entity}] [data-figure=rows]").inner_text()
        assert shown.replace(",", "") == str(rows), entity
        rejected = demo.rows(
            f"SELECT reason, count(*) FROM nexus_assets.reject WHERE entity = '{entity}' AND resolved_load IS NULL GROUP BY 1"
        )
        for reason, number in rejected:
            shown = opened.page.locator(f"div[data-entity={entity}] [data-figure='rejected.{reason}']").inner_text()
            assert shown.replace(",", "") == str(number), (entity, reason)
    shown = opened.page.locator("[data-figure=images_visible]").inner_text()
    assert shown.split()[0] == "6,489"


def test_it_prints_on_paper(opened: Window, tmp_path: Path) -> None:
    """On half a page per table at most, nothing wider than the paper."""
    opened.page.emulate_media(media="print")
    opened.page.set_viewport_size(PAPER)
    assert opened.page.evaluate("document.documentElement.scrollWidth") == PAPER["width"]
    opened.page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert 2 <= (tmp_path / "report.pdf").read_bytes().count(b"/Type /Page\n") <= 1 + len(entities.ENTITIES) / 2
