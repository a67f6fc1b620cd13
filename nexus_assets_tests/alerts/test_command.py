"""`nexus-assets alert` says by its exit code whether everything was delivered."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from nexus_assets import cli
from nexus_assets.alerts import cycle
from nexus_assets.alerts.delivery import DeliveryError
from nexus_assets_tests.alerts.receivers import Webhook


@pytest.mark.parametrize(("down", "code"), [(False, 0), (True, 1)])
def test_a_test_message_that_is_not_taken_is_told_by_the_exit_code(
    down: bool, code: int, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.down = down
    monkeypatch.setenv("NEXUS_ALERT_URLS", f"{hook.url} {hook.url}")
    done = CliRunner().invoke(cli.nexus_assets, ["alert", "--test"])
    assert (done.exit_code, done.output.count("refused" if down else "taken")) == (code, 2)


def test_a_round_that_delivers_nothing_is_told_by_the_exit_code(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise DeliveryError("Nobody took it.")

    monkeypatch.setattr(cycle, "make_round", refused)
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    settings = {
        "DAGSTER_HOME": tmp_path,
        "NEXUS_DATABASE_URL": database,
        "NEXUS_EXPORTS": tmp_path,
        "NEXUS_S3_BUCKET": "b",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, str(value))
    done = CliRunner().invoke(cli.nexus_assets, ["alert"])
    assert "Nobody took it." in done.output
    assert done.exit_code == 1
