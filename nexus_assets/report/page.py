"""A report as one HTML page that needs nothing outside itself, and as JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from markupsafe import Markup

from nexus_assets.asset_keys import asset_address
from nexus_assets.checks import USUAL
from nexus_assets.entities import ENTITIES
from nexus_assets.mapping.reasons import ALL_ROWS_OF_A_KEY, NOTICES, ONE_ROW_OF_A_KEY, REASONS
from nexus_assets.plan.words import ADOPTION, HEALED
from nexus_assets.report import pictures
from nexus_assets.report.facts import CheckHistory, Load, Report, Source
from nexus_assets.wire import pages_address
from nexus_assets.wording import counted


@dataclass(frozen=True)
class Verdict:
    """How something went, in words; `kind` is its colour, `mark` says the same without colour."""

    kind: str
    mark: str
    words: str


def totals(report: Report) -> dict[str, float]:
    """The sums over all entities, and the success rate of all rows together."""
    source_rows = sum(load.source_rows for load in report.loads)
    loaded = sum(load.loaded for load in report.loads)
    return {
        "source_rows": source_rows,
        "loaded": loaded,
        "rejected": sum(load.rejects for load in report.loads),
        "success_rate": loaded / source_rows if source_rows else 1.0,
        "seconds": round(sum(load.seconds for load in report.loads), 2),
    }


def verdict(report: Report) -> Verdict:
    """The first sentence that a person reads. A rejected row is no broken record, and no loaded one either: it is said."""
    if report.errors:
        return Verdict("bad", "✗", f"Something is wrong: {counted(len(report.errors), 'check')} failed.")
    if report.never_loaded:
        return Verdict("bad", "✗", "Not everything was loaded.")
    rejected, rows = (int(totals(report)[name]) for name in ("rejected", "source_rows"))
    said = ["Every loaded record is whole"]
    if rejected:
        said.append(f"{rejected:,} of {rows:,} source rows were rejected, each with its reason")
    if report.failed:
        said.append(f"{counted(len(report.failed), 'warning')} to look at")
    kind, mark = ("odd", "!") if report.failed else ("good", "✓")
    return Verdict(kind, mark, f"{'; '.join(said)}.")


def _status(report: Report, load: Load) -> Verdict:
    """How an entity's load went. Many rejects are well only where they were as many in the load before, and that is said."""
    if any(each.check.asset == load.entity for each in report.errors):
        return Verdict("bad", "✗", "a check failed")
    if not load.rejects:
        return Verdict("good", "✓", "loaded completely")
    share = load.rejects / load.source_rows
    if share <= USUAL.share:
        return Verdict("good", "✓", "loaded, few rejects")
    before = load.trend[-2].share_rejected if len(load.trend) > 1 else None
    if before is not None and share - before <= USUAL.share:
        return Verdict("good", "✓", f"loaded; {share * 100:.0f} % rejected, as before")
    return Verdict("odd", "!", f"loaded; {share * 100:.0f} % rejected")


def _bars(numbers: Sequence[int]) -> list[float]:
    """The heights of bars in percent of the highest; what is not nothing can be seen."""
    most = max(1, *numbers)
    return [max(6.0, 100 * number / most) if number else 0.0 for number in numbers]


def _page_of(asset: str, check: str = "") -> str:
    """The address of an asset's page among Dagster's, or of one of its checks."""
    address = f"{pages_address()}/assets/{asset_address(asset)}"
    return f"{address}?view=checks&checkDetail={check}" if check else address


def _sources(report: Report) -> list[Source]:
    """Every source once, however many entities read it."""
    return list({source.name: source for load in report.loads for source in load.sources}.values())


def _healed_rows(report: Report) -> Iterator[dict[str, Any]]:
    for load in report.loads:
        if load.in_this_run:
            for code, rows in load.healed.items():
                if code == "counted" and load.outcomes.get("inserted"):
                    continue  # the count of a batch that got images is new, not corrected
                yield {"entity": load.entity, "code": code, "rows": rows, "meaning": HEALED.get(code, "")}
            for what, columns in load.adoption.items():
                if columns:
                    meaning = f"{ADOPTION[what]} By column: {', '.join(f'{name} {rows:,}' for name, rows in columns.items())}."
                    yield {"entity": load.entity, "code": what, "rows": sum(columns.values()), "meaning": meaning}


def _healed_picture(report: Report) -> str:
    changes = [
        (f"{each.check.asset}: {each.check.name}", each.before.violators, each.last.violators)
        for each in report.healed
        if each.before and each.last
    ]
    return pictures.before_after(changes) if changes else ""


@dataclass
class _CheckGroup:
    """One question with the entities that it is asked of."""

    name: str
    description: str
    checks: list[CheckHistory]


def _check_groups(report: Report) -> list[_CheckGroup]:
    """The checks, those that ask the same of several entities together."""
    groups: dict[tuple[str, str], _CheckGroup] = {}
    for each in report.checks:
        said = each.check.description.replace(f" of {each.check.asset} ", " ")
        group = groups.setdefault((each.check.name, said), _CheckGroup(each.check.name, said, []))
        group.checks.append(each)
    return list(groups.values())


def _filters(zone: tzinfo) -> dict[str, Callable[[Any], str]]:
    def moment(when: datetime) -> str:
        return f"{when.astimezone(zone):%-d %b %Y, %H:%M}"

    def duration(seconds: float) -> str:
        return f"{seconds:.1f} s" if seconds < 90 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"

    def percent(share: float) -> str:
        # 99.98 % is not all of it: never rounded up to 100.
        return "100 %" if share == 1 else f"{min(share * 100, 99.9):.1f} %"

    return {"moment": moment, "duration": duration, "percent": percent, "number": lambda value: f"{value:,.0f}"}


def _file(name: str) -> bytes:
    return files("nexus_assets.report").joinpath(name).read_bytes()


def render(template: str, time_zone: str, **values: Any) -> str:
    """A page made of this folder's template, with the typeface that all of them bring along."""
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        loader=jinja2.FunctionLoader(lambda name: _file(name).decode()),
    )
    environment.filters |= _filters(ZoneInfo(time_zone))
    typeface = base64.b64encode(_file("inter.woff2")).decode()
    return environment.get_template(template).render(typeface=typeface, zone=time_zone, **values)


def to_html(report: Report, time_zone: str, beside: str) -> str:
    """The report's page. `beside` is the name of the file with its JSON."""
    undated = report.images_by_month.get(None, 0)
    return render(
        "page.html.j2",
        time_zone,
        report=report,
        verdict=verdict(report),
        total=totals(report),
        statuses={load.entity: _status(report, load) for load in report.loads},
        pictures={
            load.entity: Markup(pictures.accounting(load.entity, load.source_rows, load.accounting()))
            for load in report.loads
        },
        months_picture=Markup(pictures.images_per_month(report.images_by_month)),
        dated=sum(report.images_by_month.values()) - undated,
        undated=undated,
        healed_picture=Markup(_healed_picture(report)),
        healed_rows=list(_healed_rows(report)),
        sources=_sources(report),
        reasons=REASONS,
        notices=NOTICES,
        collapsed={
            name: ALL_ROWS_OF_A_KEY if entity.owners else ONE_ROW_OF_A_KEY
            for name, entity in ENTITIES.items()
            if entity.key
        },
        check_groups=_check_groups(report),
        bars=_bars,
        page_of=_page_of,
        checked_before=any(len(each.results) > 1 for each in report.checks),
        beside=beside,
    )


def to_json(report: Report) -> str:
    """The report's figures, for programs."""
    said = verdict(report)
    return json.dumps(
        {
            "run_id": report.run_id,
            "made_at": report.made_at.isoformat(),
            "database": report.database,
            "verdict": said.words,
            "well": said.kind != "bad",
            "totals": totals(report),
            "images_visible": report.images_visible
            and dict(zip(("visible", "total"), report.images_visible, strict=True)),
            "entities": {
                load.entity: {
                    "load_id": load.load_id,
                    "in_this_run": load.in_this_run,
                    "started_at": load.started_at.isoformat(),
                    "seconds": round(load.seconds, 2),
                    "source_rows": load.source_rows,
                    **load.accounting(),
                    "rejected_by_reason": dict(load.rejected),
                    "notices": dict(load.notices),
                    "healed": dict(load.healed),
                    "adoption": {what: dict(columns) for what, columns in load.adoption.items()},
                    "rows": load.rows,
                    "success_rate": round(load.success_rate, 6),
                }
                for load in report.loads
            },
            "checks": [
                {
                    "asset": each.check.asset,
                    "check": each.check.name,
                    "severity": each.check.severity,
                    "passed": each.passed,
                    "violators": each.last.violators if each.last else None,
                    "breakdown": dict(each.last.breakdown) if each.last else {},
                    "before": each.before.violators if each.before else None,
                    "history": [result.violators for result in each.results],
                }
                for each in report.checks
            ],
            "not_exported": list(report.not_exported),
            "superseded": dict(report.superseded),
            "images_by_month": {
                "undated" if month is None else f"{month:%Y-%m}": number
                for month, number in report.images_by_month.items()
            },
        },
        indent=2,
    )
