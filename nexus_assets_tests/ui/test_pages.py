"""Dagster's pages over the demo clinic, in a real browser: look, click, see green, break, see red, heal, see green."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from nexus_assets.checks import CHECKS
from nexus_assets.entities import ENTITIES
from nexus_assets.graph.plan_job import PlanConfig
from nexus_assets.local.ui import GRAPH
from nexus_assets_tests.local.test_demo import Demo
from nexus_assets_tests.ui.conftest import PATIENCE_MS, Pages, Shoot

pytestmark = [pytest.mark.slow, pytest.mark.timeout(560)]

SETTLED_MS = 4000
"""Dagster draws its graphs and fetches their states one after the other."""

NAVIGATION, TOP, ZOOM, MARGIN = 68, 162, 70, 130
"""Pixels of Dagster's pages beside the graph: left, above, and the buttons right of it; and the height of a table in it."""

MOST_STEPS = 15

WALL = {"width": 1900, "height": 3300}
"""A window in which the whole graph has room with its details: in a smaller one Dagster shows the names alone."""


def _click_materialize(page: Page, pages: Pages, asset: str) -> str:
    """Materialises an asset as a person does; returns how the run ended."""
    before, _ = pages.last_run()
    page.goto(f"{pages.address}/assets/{asset}")
    page.get_by_role("button", name="Materialize").first.click()
    expect(page.get_by_text("Launched run").first).to_be_visible()
    return pages.wait_for_run_after(before)


def _click_execute_checks(page: Page, pages: Pages, asset: str) -> str:
    before, _ = pages.last_run()
    page.goto(f"{pages.address}/assets/{asset}?view=checks")
    page.get_by_role("button", name="Execute all").click()
    return pages.wait_for_run_after(before)


def _states(page: Page, pages: Pages, asset: str) -> dict[str, str]:
    """What the page of the asset's checks says of each."""
    page.goto(f"{pages.address}/assets/{asset}?view=checks")
    names = [check.name for check in CHECKS if check.asset == asset]
    for name in names:
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    states: dict[str, str] = {}
    for _ in range(PATIENCE_MS // SETTLED_MS):
        said = page.locator("body").inner_text().splitlines()
        # The list has each name twice, once for those who can't see it, and then its state.
        states = {name: next(line for line in said[said.index(name) :] if line != name) for name in names}
        if {*states.values()} <= {"Succeeded", "Failed"}:
            break
        page.wait_for_timeout(SETTLED_MS)
    return states


def _zoom_out_until_seen(page: Page, names: Iterable[str]) -> None:
    """Makes the graph smaller until it shows all of these, wherever they stand in it."""
    for _ in range(MOST_STEPS):
        # What lies outside of the window Dagster does not draw.
        boxes = [[place.bounding_box() for place in page.get_by_text(name, exact=True).all()] for name in names]
        if all(found and all(box and TOP < box["y"] < WALL["height"] - MARGIN for box in found) for found in boxes):
            return
        page.get_by_role("button", name="zoom_out").click()
    raise AssertionError(f"the graph does not show all of {', '.join(names)}")


def test_graph_shows_every_table_with_its_checks(page: Page, pages: Pages, shoot: Shoot) -> None:
    page.set_viewport_size(WALL)
    page.goto(f"{pages.address}{GRAPH}")
    for name in ENTITIES:
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    number = len([check for check in CHECKS if check.asset == "patients"])
    expect(page.get_by_text(f"{number} / {number} Passed").first).to_be_visible()
    page.get_by_text("Hide navigation").click()
    page.reload()
    expect(page.get_by_text(f"{number} / {number} Passed").first).to_be_visible()
    _zoom_out_until_seen(page, ENTITIES)
    expect(page.get_by_text("Loading...", exact=True)).to_have_count(0)
    page.wait_for_timeout(SETTLED_MS)
    shoot(
        page,
        "graph",
        clip={
            "x": NAVIGATION,
            "y": TOP,
            "width": WALL["width"] - NAVIGATION - ZOOM,
            "height": WALL["height"] - TOP,
        },
    )


def test_graph_reads_from_left_to_right(page: Page, pages: Pages) -> None:
    page.goto(f"{pages.address}{GRAPH}")
    order = []
    for name in ("contacts_export", "patients", "images", "import_report"):
        box = page.locator("svg").get_by_text(name, exact=True).first.bounding_box()
        assert box is not None
        order.append(box["x"])
    assert order == sorted(order)


def test_clicking_materialize_loads_images_and_their_checks_are_green(page: Page, pages: Pages, shoot: Shoot) -> None:
    assert _click_materialize(page, pages, "images") == "SUCCESS"
    assert set(_states(page, pages, "images").values()) == {"Succeeded"}
    page.goto(f"{pages.address}/assets/images")
    expect(page.get_by_text("rejected_by_reason")).to_be_attached()
    page.wait_for_timeout(SETTLED_MS)
    shoot(page, "asset")


def test_columns_say_where_they_come_from(page: Page, pages: Pages) -> None:
    page.goto(f"{pages.address}/assets/patients")
    expect(page.get_by_text("of Contacts.").first).to_be_visible()


def test_launchpad_explains_every_field(page: Page, pages: Pages, shoot: Shoot) -> None:
    page.goto(f"{pages.address}/locations/nexus_assets/jobs/plan_import/playground")
    expect(page.get_by_text("Launch Run").first).to_be_visible()
    page.get_by_text("select", exact=True).first.click()
    for declared in PlanConfig.model_fields.values():
        # The column beside the config breaks its lines; the start of a sentence is enough.
        expect(page.get_by_text(" ".join(str(declared.description).split()[:3])).first).to_be_visible()
    page.wait_for_timeout(SETTLED_MS)
    shoot(page, "launchpad")


def test_report_is_linked_from_its_asset(page: Page, pages: Pages) -> None:
    page.goto(f"{pages.address}/assets/import_report")
    expect(page.get_by_text("/reports/import-").first).to_be_visible()
    expect(page.get_by_text("Every loaded record is whole").first).to_be_visible()


def test_broken_link_is_red_and_healed_by_a_click(page: Page, pages: Pages, demo: Demo, shoot: Shoot) -> None:
    demo.rows("UPDATE images_batch SET object_id = gen_random_uuid()")
    assert _click_execute_checks(page, pages, "image_batches") == "FAILURE"
    states = _states(page, pages, "image_batches")
    assert states["no_orphaned_references"] == "Failed"
    page.goto(f"{pages.address}/assets/image_batches?view=checks&checkDetail={quote('no_orphaned_references')}")
    expect(page.get_by_text("target_missing").first).to_be_attached()
    page.wait_for_timeout(SETTLED_MS)
    shoot(page, "red")
    assert _click_materialize(page, pages, "image_batches") == "SUCCESS"
    assert _states(page, pages, "image_batches")["no_orphaned_references"] == "Succeeded"
    ((orphans,),) = demo.rows(
        "SELECT count(*) FROM images_batch AS b LEFT JOIN patients AS p ON p.id = b.object_id WHERE p.id IS NULL"
    )
    assert orphans == 0
