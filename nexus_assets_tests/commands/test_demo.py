"""What the demo says at its end: of a run that failed no report, for the page there is would be an earlier run's."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from nexus_assets.commands import demo
from nexus_assets.settings import SETTINGS


@pytest.mark.parametrize("has_page", [True, False])
@pytest.mark.parametrize("succeeded", [True, False])
def test_the_report_is_named_where_this_run_made_it(
    succeeded: bool, has_page: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_DISABLE_TELEMETRY", "1")
    services = SimpleNamespace(home=tmp_path)
    seen = (
        {"entities": {}, "failed_checks": [], "warnings": []},
        {("images", "every_image_visible"): SimpleNamespace(figures={})},
    )
    for place, result in {
        "nexus_assets.local.services.connect": services,
        "nexus_assets.local.dagster_home.prepare": tmp_path,
        "nexus_assets.local.demo.prepare": None,
        "nexus_assets.commands.materialize.materialize": succeeded,
        "nexus_assets.report.write.latest": tmp_path / "page.html" if has_page else None,
        "nexus_assets.commands.demo.look": seen,
        "nexus_assets.commands.demo.tell_summary": None,
    }.items():
        monkeypatch.setattr(place, lambda *_, result=result, **__: result)
    ended = CliRunner().invoke(demo.command)
    assert (ended.exit_code, "Report: file://" in ended.output) == (0 if succeeded else 1, succeeded and has_page)
    assert ("This run failed" in ended.output) is not succeeded
