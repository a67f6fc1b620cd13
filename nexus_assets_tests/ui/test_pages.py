"""Dagster's pages over the demo clinic, in a real browser: look, click, see green, break, see red, heal, see green."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from nexus_assets.checks import CHECKS
from nexus_assets_tests.local.test_demo import Demo
from nexus_assets_tests.ui.conftest import Pages, Shoot

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ui"), pytest.mark.timeout(900)]

SETTLED_MS = 4000
"""Dagster draws its graphs and fetches their states one after the other."""


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
    page.wait_for_timeout(SETTLED_MS)
    said = page.locator("body").inner_text().splitlines()
    return {name: said[said.index(name) + 1] for name in names}


def test_graph_shows_every_table_with_its_checks(page: Page, pages: Pages, shoot: Shoot) -> None:
    page.goto(f"{pages.address}/locations/nexus_assets/asset-groups/nexus/lineage")
    for name in ("patients", "appointments", "notes", "documents", "image_batches", "images"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    number = len([check for check in CHECKS if check.asset == "patients"])
    expect(page.get_by_text(f"{number} / {number} Passed").first).to_be_visible()
    page.get_by_text("Hide navigation").click()
    page.wait_for_timeout(SETTLED_MS)
    shoot(page, "graph")


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


def test_launchpad_explains_every_field(page: Page, pages: Pages) -> None:
    page.goto(f"{pages.address}/locations/nexus_assets/jobs/plan_import/launchpad")
    expect(page.get_by_text("Launch Run").first).to_be_visible()


def test_report_is_linked_from_its_asset(page: Page, pages: Pages) -> None:
    page.goto(f"{pages.address}/assets/import_report")
    expect(page.get_by_text("/reports/import-").first).to_be_visible()
    expect(page.get_by_text("Every record is whole").first).to_be_visible()


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
