"""Who is told: the reading of NEXUS_ALERT_URLS, in which no address may leak."""

from __future__ import annotations

import pytest

from nexus_assets.alerts.policy import PATIENCE, Destination, destinations
from nexus_assets.errors import NexusAssetsError

MAIL = "mailto://nexus:pa%3Dss@mail.clinic.invalid?to=a@clinic.invalid,b@clinic.invalid"
SLACK = "slack://T0/B0/s3cret/#clinic"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (MAIL, [("mailto 1", MAIL, ("ERROR", "WARN"), ())]),
        (f"{MAIL} {SLACK}", [("mailto 1", MAIL, ("ERROR", "WARN"), ()), ("slack 2", SLACK, ("ERROR", "WARN"), ())]),
        (f"{MAIL},{SLACK}", [("mailto 1", MAIL, ("ERROR", "WARN"), ()), ("slack 2", SLACK, ("ERROR", "WARN"), ())]),
        (f"ERROR={SLACK}", [("slack 1", SLACK, ("ERROR",), ())]),
        (f"WARN:images|documents={SLACK}", [("slack 1", SLACK, ("WARN",), ("images", "documents"))]),
        (
            f"\n {MAIL}\n *:patients={SLACK} \n",
            [("mailto 1", MAIL, ("ERROR", "WARN"), ()), ("slack 2", SLACK, ("ERROR", "WARN"), ("patients",))],
        ),
    ],
    ids=["none", "one", "blank", "comma", "errors only", "warnings of two", "lines"],
)
def test_addresses_and_their_rules(text: str, expected: list[tuple[object, ...]]) -> None:
    found = [(each.name, each.url, each.severities, each.assets) for each in destinations(text)]
    assert found == expected


def test_address_that_cannot_be_read_is_named_by_its_place_only() -> None:
    with pytest.raises(NexusAssetsError, match="number 1") as refused:
        destinations("nexus:hunter2@mail")
    assert "hunter2" not in str(refused.value)


def test_rule_for_an_asset_that_does_not_exist_is_refused() -> None:
    with pytest.raises(NexusAssetsError, match=r"number 2 .* imagse: there is no such asset") as refused:
        destinations(f"{MAIL} ERROR:images|imagse={SLACK}")
    assert "s3cret" not in str(refused.value)


def test_printed_destination_holds_no_address() -> None:
    assert "s3cret" not in repr(destinations(SLACK))


@pytest.mark.parametrize(
    ("destination", "severity", "asset", "wanted"),
    [
        (Destination("a", ""), "WARN", "images", True),
        (Destination("a", "", ("ERROR",)), "WARN", "images", False),
        (Destination("a", "", ("ERROR",), ("notes",)), "ERROR", "images", False),
        (Destination("a", "", ("ERROR",), ("notes",)), "ERROR", "", True),
    ],
    ids=["everything", "errors only", "another asset", "a failed run is everybody's"],
)
def test_who_wants_what(destination: Destination, severity: str, asset: str, wanted: bool) -> None:
    assert destination.wants(severity, asset) is wanted


@pytest.mark.parametrize(
    ("told", "now", "step"),
    [
        (1, 1, False),
        (1, 2, True),
        (10, 11, True),
        (100, 109, False),
        (100, 110, True),
        (100, 50, True),
        (3, None, True),
    ],
)
def test_what_counts_as_a_change(told: int, now: int | None, step: bool) -> None:
    assert PATIENCE["ERROR"].is_a_step(told, now) is step
