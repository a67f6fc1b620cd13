"""Step 2, before anything is staged: whether anything can have changed since the last load. If not, there is nothing to do."""

from __future__ import annotations

from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Literal

from nexus_assets.ledger.loads import LastLoad
from nexus_assets.load import corrections
from nexus_assets.load.account import Account
from nexus_assets.load.dates import follows_setting
from nexus_assets.load.identity import unnoted_sql
from nexus_assets.load.incoming import LoadContext, as_left_sql, hashed_rows_sql
from nexus_assets.load.sources import Inputs
from nexus_assets.mapping.entity import Entity, FileRecords
from nexus_assets.mapping.reasons import DECIDED_BY_NEXUS, OF_NEW_ROWS
from nexus_assets.nexus import queries
from nexus_assets.sources.s3 import ListingDigest


def sources_now(entity: Entity, inputs: Inputs) -> dict[str, dict[str, Any]] | None:
    """The hash of each source as it is now, under its name in the ledger; None where a source can't tell without being read.

    Raises ExportError and BucketError as staging would.
    """
    if inputs.digest is None:
        return None
    source = entity.rows_of
    found: dict[str, dict[str, Any]] = {}
    for name in (source.export, *entity.companion_exports):
        digest = inputs.digest(name, name == source.export)
        if digest is not None:
            found[name] = {**inputs.describe(name), "sha256": digest}
    if isinstance(source, FileRecords):
        listed = ListingDigest()
        for item in inputs.objects(source.listing):
            listed.add(item)
        found[f"s3/{source.listing}"] = {
            "bucket": inputs.bucket,
            "objects": listed.objects,
            "sha256": listed.hexdigest(),
        }
    return found


def unchanged_account(
    cursor: Cursor, context: LoadContext, last: LastLoad, now: dict[str, dict[str, Any]]
) -> Account | None:
    """The account of a load that would find every row as the last one left it; None where something may be different.

    Nothing is different where the sources have the hashes that they had, nobody corrected a row since, the mapping, its lookups
    and settings are the same, each parent is in the state that the last load saw (else a row that was rejected or unlinked
    might find its patient now), no row was rejected for what Nexus has or demands, nothing was kept that FileMaker is to win
    by setting or by decision, or that a constraint refused, no earlier load was undone, and every row of Nexus that the ledger answers for
    is there, as the last load left it, its generic links leading to rows that exist: the same questions that are asked of each
    row otherwise, without reading the export.
    """
    if (
        last.mapping_version != str(context.seed)
        or context.filemaker_wins
        or context.retried_columns
        or last.undone_since
        or not DECIDED_BY_NEXUS.isdisjoint(last.rejected_by_reason)
    ):
        return None
    if follows_setting(last.date_orders) and last.date_orders["order"] != context.settings.date_order:
        return None
    if {name: source["sha256"] for name, source in now.items()} != {
        name: source.get("sha256") for name, source in last.sources.items()
    }:
        return None
    export = context.entity.rows_of.export
    if corrections.state(cursor, export) != last.sources[export].get("corrected", ""):
        return None
    if context.parent_states != last.parents:
        return None
    differs, all_are_known = queries.row(cursor, _compared_sql(context))
    if differs:
        return None
    unnoted = None if all_are_known else unnoted_sql(cursor, context.target)
    if unnoted is not None and queries.yes(cursor, SQL("SELECT EXISTS ({})").format(unnoted)):
        return None
    kept = queries.number(
        cursor,
        SQL(
            "SELECT count(*) FROM {} AS l WHERE vanished_load IS NULL AND EXISTS (SELECT FROM nexus_assets.conflict AS c"
            " WHERE c.entity = {} AND c.source_id = l.source_id AND c.resolved_load IS NULL)"
        ).format(context.ledger, Literal(context.entity.name)),
    )
    loaded = sum(number for name, number in last.outcomes.items() if name != "collapsed")
    return Account(
        source_rows=last.source_rows,
        unchanged=loaded - kept,
        kept=kept,
        collapsed=last.outcomes["collapsed"],
        rejected=dict(last.rejected_by_reason),
        notices={code: rows for code, rows in last.notices.items() if code not in OF_NEW_ROWS},
    )


def _compared_sql(context: LoadContext) -> Composable:
    """Whether any row that the ledger answers for is gone, is not as the last load left it, or has a dangling link; and whether
    the ledger knows every row of the table."""
    links, as_left = as_left_sql(context)
    # Counted: for EXISTS the planner hopes to find one soon, and takes twice the time where there is none, as usual.
    return SQL("""
        SELECT count(*) FILTER (WHERE CASE
                 WHEN l.vanished_load IS NULL AND l.row_hash IS NOT NULL THEN NOT coalesce({as_left}, false)
                 ELSE {recognisable} AND t.id IS NULL END) > 0,
               -- An id of Nexus stands in the ledger once.
               count(t.id) = (SELECT count(*) FROM {target})
        FROM {ledger} AS l LEFT JOIN {rows} AS t ON t.id = l.nexus_id {links}
    """).format(
        ledger=context.ledger,
        target=context.target.table,
        rows=hashed_rows_sql(context.target),
        links=links,
        as_left=as_left,
        # Of what FileMaker no longer has only this counts: that it is gone, and may have been recreated under another id.
        recognisable=SQL("TRUE" if context.entity.filemaker_id else "FALSE"),
    )
