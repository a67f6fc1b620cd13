"""Did every row of the export end somewhere, and is it still there? The last load's figures, the ledger and the table compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from psycopg2.sql import SQL, Composable, Literal

from nexus_assets.checks.check import CheckContext, Finding, loading, never_loaded, violators
from nexus_assets.ledger.loads import LastLoad, last_load
from nexus_assets.ledger.tables import identity_table
from nexus_assets.load.deletions import by_a_person_sql
from nexus_assets.load.incoming import filemaker_id_sql
from nexus_assets.load.parents import there_sql
from nexus_assets.mapping.entity import ByFileMakerId, Entity
from nexus_assets.wording import counted

ID_CHANGED = "filemaker_id_changed"

REASON_NO_LONGER_TRUE = "reason_no_longer_true"
"""What a check reports of a row that is rejected because what it names is unknown, though it is in Nexus."""


NOTHING_LOST = SQL("SELECT NULL::text AS source_id, NULL::text AS nexus_id, NULL::text AS reason WHERE FALSE")


def every_row_accounted(entity: Entity, context: CheckContext) -> Finding:
    """The last load's figures add up, agree with the ledger and the list of rejects, the rows are where it left them, and what
    is rejected because something is unknown still is."""
    last = last_load(context.cursor, entity.name) if context.has_ledger else None
    if last is None:
        return never_loaded(entity)
    figures = {"source_rows": last.source_rows, **last.outcomes, "rejected": last.rejected}
    differences = {name: number for name, number in _differences(context, entity, last).items() if number}
    # A row that another entity brought is lost once: that one's check reports it.
    lost = [_lost_sql(context, entity)] if entity.adds_rows else [NOTHING_LOST]
    query = SQL(" UNION ALL ").join([*lost, *_untrue_rejects_sql(context, entity)])
    found = violators(context, query, loading(entity.name), figures)
    breakdown = {**differences, **found.breakdown}
    cause = ""
    if found.breakdown.get("under_another_id"):
        cause = (
            counted(found.breakdown["under_another_id"], "row is", "rows are")
            + " there again under other ids: another tool imported them again."
        )
    return Finding(
        sum(breakdown.values()),
        breakdown,
        found.sample,
        {**figures, "lost": found.count - found.breakdown.get(REASON_NO_LONGER_TRUE, 0)},
        _next_step(entity.name, breakdown) if breakdown else "",
        cause,
    )


def _next_step(entity: str, reasons: Mapping[str, int]) -> str:
    """A load; but it keeps an id that a person changed, as every value."""
    if ID_CHANGED not in reasons:
        return loading(entity)
    return (
        f"{loading(entity)}; where an id stays changed, nexus-assets kept decide filemaker ID, which the next load writes,"
        f" or correct it in Nexus: nexus-assets check --select {entity}/every_row_accounted --json names the rows"
    )


def _differences(context: CheckContext, entity: Entity, last: LastLoad) -> dict[str, int]:
    """How many rows the figures of the last load, its rejects and its ledger differ by."""
    (in_ledger,) = context.row(
        SQL("SELECT count(*) FROM {} WHERE vanished_load IS NULL AND row_hash IS NOT NULL").format(
            identity_table(entity.name)
        )
    )
    open_rejects = dict(
        context.rows(
            SQL(
                "SELECT reason, count(*) FROM nexus_assets.reject WHERE entity = {} AND resolved_load IS NULL GROUP BY 1"
            ).format(Literal(entity.name))
        )
    )
    loaded = sum(number for name, number in last.outcomes.items() if name != "collapsed")
    return {
        "rows_unaccounted": abs(last.source_rows - sum(last.outcomes.values()) - last.rejected),
        "rejects_not_kept": sum(
            abs(last.rejected_by_reason.get(name, 0) - open_rejects.get(name, 0))
            for name in {*last.rejected_by_reason, *open_rejects}
        ),
        # A known row that is rejected today stays in the ledger, so the ledger may hold more than was loaded, never less.
        "ledger_too_small": max(0, loaded - in_ledger),
    }


def _untrue_rejects_sql(context: CheckContext, entity: Entity) -> Iterator[Composable]:
    """Rows (source_id, nexus_id, reason) that are rejected because what they name is unknown, though it is in Nexus."""
    for link in entity.references:
        if link.unknown:
            yield SQL("""
                SELECT nexus_assets.read_uuid(r.source_id)::text, NULL, {reason}
                FROM nexus_assets.reject AS r
                WHERE r.entity = {entity} AND r.resolved_load IS NULL AND r.reason = {unknown}
                  AND nexus_assets.read_uuid(r.payload ->> {field}) IN (SELECT named FROM ({there}) AS p)
            """).format(
                reason=Literal(REASON_NO_LONGER_TRUE),
                entity=Literal(entity.name),
                unknown=Literal(link.unknown),
                field=Literal(link.field),
                there=there_sql(context.table(link.to)),
            )


def _kept_another_sql(entity: Entity, carried: ByFileMakerId) -> Composable:
    """Whether an adopted row kept another id that it had: told as what it is, a conflict."""
    if carried.key is not None:
        return SQL("FALSE")
    return SQL("""EXISTS (
        SELECT FROM nexus_assets.conflict AS c WHERE c.entity = {} AND c.source_id = l.source_id AND c.cause = 'adopted'
          AND c.column_name = {} AND c.resolved_load IS NULL)""").format(Literal(entity.name), Literal(carried.column))


def _lost_sql(context: CheckContext, entity: Entity) -> Composable:
    """Rows (source_id, nexus_id, reason) of the ledger whose row is gone, came back under another id, or has lost its own."""
    target, rule = context.table(entity.name), entity.filemaker_id
    changed: Composable = SQL("FALSE")
    elsewhere: Composable = SQL("(SELECT NULL::uuid AS id, NULL::uuid AS source_id)")
    if rule is not None:
        carried = filemaker_id_sql(rule)
        changed = SQL("({} IS DISTINCT FROM l.source_id AND NOT {})").format(carried, _kept_another_sql(entity, rule))
        elsewhere = SQL("(SELECT DISTINCT ON (2) t.id, {} AS source_id FROM {} AS t)").format(carried, target.table)
    joins: Composable = SQL("")
    deleted: Composable = SQL("FALSE")
    if entity.people_delete:
        # The next load finds out whether FileMaker has changed them; until then there is nothing to repair.
        joins, deleted = by_a_person_sql(entity, {link.to: context.table(link.to) for link in entity.references})
    return SQL("""
        SELECT l.source_id::text AS source_id, l.nexus_id::text AS nexus_id,
               CASE WHEN t.id IS NOT NULL THEN {id_changed} WHEN other.id IS NOT NULL THEN 'under_another_id'
                    ELSE 'row_lost' END AS reason
        FROM {ledger} AS l LEFT JOIN {target} AS t ON t.id = l.nexus_id
        LEFT JOIN {elsewhere} AS other ON t.id IS NULL AND other.source_id = l.source_id {joins}
        WHERE l.vanished_load IS NULL AND l.row_hash IS NOT NULL AND (t.id IS NULL AND NOT {deleted} OR {changed})
    """).format(
        id_changed=Literal(ID_CHANGED),
        joins=joins,
        deleted=deleted,
        ledger=identity_table(entity.name),
        target=target.table,
        elsewhere=elsewhere,
        changed=changed,
    )
