"""The import reports, shown by the web server of Dagster's pages: on a laptop the link of `import_report` opens like any other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from nexus_assets.report.write import PAGES, REPORT_NAME

GONE = "This report is not here: it was removed after NEXUS_RETENTION_DAYS, or written into another folder (NEXUS_REPORTS)."
TYPES = {"html": "text/html", "json": "application/json"}


class ReportPages:
    """ASGI middleware that answers what lies under /reports/ from these folders, and passes everything else on.

    Only files that are named as reports are shown, whatever else a folder holds. A name carries the id of its run: it is
    the same report in whichever folder it lies.
    """

    def __init__(self, app: ASGIApp, folders: Sequence[Path]) -> None:
        self.app = app
        self.folders = folders

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        if scope["type"] == "http" and path.startswith(PAGES):
            await self._answer(path.removeprefix(PAGES))(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _answer(self, name: str) -> Response:
        match = re.fullmatch(REPORT_NAME, name)
        found = [folder / name for folder in self.folders if (folder / name).is_file()] if match else []
        if match is None or not found:
            return PlainTextResponse(GONE, 404)
        return FileResponse(found[0], media_type=TYPES[match["ending"]], headers={"Cache-Control": "no-store"})
