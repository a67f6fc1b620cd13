"""Making a report: asking what was not asked yet, reading the ledger, and writing the page and its JSON into the folder."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from nexus_assets import clinics, settings
from nexus_assets.checks.run import ask_all, stored_files
from nexus_assets.disk import room, whole_file
from nexus_assets.errors import NexusAssetsError, unforeseen_errors_told_by_kind
from nexus_assets.ledger.schema import install, is_installed
from nexus_assets.local.home import local_home, make_private
from nexus_assets.nexus.connection import transaction
from nexus_assets.report.facts import Report, checks_without_result, read_report
from nexus_assets.resources import ClinicBucket, NexusDatabase
from nexus_assets.wire import shown_address

PAGES = "/reports/"
"""Where the web server of Dagster's pages shows reports."""

REPORT_NAME = r"import-\d{8}-\d{6}-[\w-]{1,8}\.(?P<ending>html|json)"
"""The name of a report's page, and of the JSON beside it."""


@dataclass(frozen=True)
class WrittenReport:
    """A report and where its page is: the file, the address for a terminal, and the link for Dagster's pages."""

    report: Report
    page: Path

    @property
    def address(self) -> str:
        """Where a browser finds the page: on the web server that is set, else in the file."""
        return self._served() or self.page.as_uri()

    @property
    def link(self) -> str:
        """The same for a reader of Dagster's pages: without another web server, these show the report, on whatever port."""
        return self._served() or f"{PAGES}{self.page.name}"

    def _served(self) -> str:
        at = settings.REPORTS_URL.value()
        return at and f"{shown_address(at)}/{self.page.name}"


def folder() -> Path:
    """The folder of the reports."""
    named = settings.REPORTS.value()
    return Path(named).expanduser().absolute() if named else local_home() / "reports"


def _remove_old(reports: Path, days: int) -> None:
    """Removes the reports that were written more than so many days ago."""
    before = time.time() - days * 24 * 3600
    for file in (*reports.glob("import-*.html"), *reports.glob("import-*.json")):
        if file.stat().st_mtime < before:
            file.unlink(missing_ok=True)


def latest() -> Path | None:
    """The page of the newest report in the folder, None where there is none."""
    # Two runs may end in one second: their names tell no order.
    return max(folder().glob("import-*.html"), key=lambda page: page.stat().st_mtime_ns, default=None)


@unforeseen_errors_told_by_kind()
def write_report(database: NexusDatabase, bucket: ClinicBucket, run_id: str) -> WrittenReport:
    """Writes the report of a run: of what it loaded, and of the last load of everything else.

    Raises NexusAssetsError where nothing was ever loaded, or where it can't look or write.
    """
    # Both take a second to import, and only a report needs them.
    from nexus_assets.report.page import to_html, to_json

    engine = database.engine()
    with transaction(engine, commit=False) as cursor:
        if not is_installed(cursor):
            raise NexusAssetsError(
                "Nothing was ever loaded into this database.",
                remedy=f"Run `{clinics.materialize_command('*')}`, then this again.",
            )
        missing = checks_without_result(cursor, run_id)
    answers = dict(ask_all(missing, engine, stored_files(bucket, run_id))) if missing else {}
    with transaction(engine, commit=False) as cursor:
        # A ledger of an earlier version may lack a column; whatever this adds is taken back with the transaction.
        install(cursor)
        report = read_report(cursor, run_id, engine.url.database or "", answers)
    name = f"import-{report.made_at:%Y%m%d-%H%M%S}-{run_id[:8]}"
    page, beside = folder() / f"{name}.html", folder() / f"{name}.json"
    remedy = f"No report was written. Free some space, or set {settings.REPORTS.name} to a folder that this user may write to."
    with room(folder(), remedy):
        # A folder that is set is one that a web server shows.
        if not settings.REPORTS.value():
            make_private(local_home())
        folder().mkdir(parents=True, exist_ok=True)
        with (
            whole_file(beside, remedy=remedy, mode=0o666) as data,
            whole_file(page, remedy=remedy, mode=0o666) as shown,
        ):
            data.write(to_json(report).encode())
            shown.write(to_html(report, settings.TIME_ZONE.value(), beside.name).encode())
        _remove_old(folder(), settings.RETENTION_DAYS.number())
    return WrittenReport(report, page)
