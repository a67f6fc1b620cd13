"""The join of bucket files with the export rows that describe them, and their grouping into batches, as SQL."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.mapping.entity import FileRecords

FILE_FIELDS = ("key", "file_name", "url", "size", "mime_type", "record_key", "thumbnail_key", "thumbnail_size")
"""Fields of a file record that come from the bucket."""

_NAMED_BY_RECORD = r"(?i)((?:[0-9]+|[0-9a-f-]{36})\.[a-z0-9]{1,5}(?:/[0-9a-f-]{36}\.[a-z0-9]{1,5})?)$"

GROUP_FIELDS = ("group_id", "position")
"""Fields of a file record that come from its place in its group."""


def export_headings(source: FileRecords, fields: Iterable[str]) -> tuple[str, ...]:
    """The headings that the export must have for these source fields, each once."""
    own = (*FILE_FIELDS, "bucket", *GROUP_FIELDS)
    wanted = dict.fromkeys((source.on, *(source.grouped_by or ()), *((source.own_id,) if source.own_id else ())))
    wanted.update(dict.fromkeys(name for name in fields if name not in own))
    return tuple(wanted)


def _described_sql(export: Composable, headings: dict[str, Composable], on: str) -> Composable:
    """One row per record key: the export's, with the number of different rows that claim the key."""
    named = SQL(", ").join(SQL("{} AS {}").format(column, Identifier(name)) for name, column in headings.items())
    grouped = SQL(", ").join(Identifier(name) for name in headings)
    # OFFSET 0: a key is made once, not where it is grouped, sorted and joined by.
    return SQL("""
        SELECT DISTINCT ON (record_key) * FROM (
          SELECT *, count(*) OVER (PARTITION BY record_key) AS variants FROM (
            SELECT nexus_assets.comparable({on}) AS record_key, min(row_number) AS export_row, {grouped}
            FROM (SELECT row_number, {named} FROM {export} OFFSET 0) AS rows GROUP BY {grouped} OFFSET 0
          ) AS keyed
        ) AS claims ORDER BY record_key, export_row
    """).format(on=Identifier(on), named=named, export=export, grouped=grouped)


def _rivals_sql(listing: Composable, loaded: Composable | None) -> Composable:
    """The keys of files that share their record with another file, but for the one of them that is loaded; and all their names.

    A name is given where it is the record's number or id: any other text, as that of a folder, may be a person's.
    """
    # Joined as wholes: asked of each file by itself, the loaded one is looked for in the whole listing, once a file. Names are
    # looked at only of files that share a record: matching them takes longer than the rest of the join.
    kept: Composable = SQL("''")
    joined: Composable = SQL("")
    if loaded is not None:
        kept = SQL("coalesce(kept.key, '')")
        joined = SQL("""
            LEFT JOIN (SELECT o.record_key, min(o.key) AS key FROM {listing} AS o JOIN {loaded} AS t ON t.s3_key = o.key
                       WHERE NOT o.is_thumbnail GROUP BY 1) AS kept USING (record_key)
        """).format(listing=listing, loaded=loaded)
    return SQL(r"""
        WITH several AS MATERIALIZED (SELECT record_key FROM {listing} WHERE NOT is_thumbnail GROUP BY 1 HAVING count(*) > 1)
        SELECT f.key, shared.names FROM {listing} AS f JOIN (
          SELECT record_key, string_agg(coalesce(substring(key FROM {ours}), '…'), ', ' ORDER BY key)
            || CASE WHEN count(DISTINCT substring(key FROM '[^/]+$')) < count(*) THEN ' (in different folders)' ELSE '' END AS names
          FROM {listing} JOIN several USING (record_key) WHERE NOT is_thumbnail GROUP BY 1) AS shared USING (record_key)
        {joined}
        WHERE NOT f.is_thumbnail AND f.key <> {kept}
    """).format(listing=listing, joined=joined, kept=kept, ours=Literal(_NAMED_BY_RECORD))


def file_records_sql(
    source: FileRecords,
    listing: Composable,
    bucket: str,
    export: Composable,
    headings: dict[str, Composable],
    dates: Composable,
    loaded: Composable | None,
) -> Composable:
    """Rows (row_number, flaw, export_row, the file's fields, the export's headings, the group's fields) per file.

    `flaw` is the reject reason of a file whose record is missing or ambiguous. `dates` is the dictionary of date texts. Of several
    files of one record the one that is in `loaded`, Nexus's table of files, has it; the others have none.
    """
    headings = {**headings, source.on: SQL("nexus_assets.plain_number({})").format(headings[source.on])}
    flaws = [
        SQL("WHEN rival.key IS NOT NULL THEN 'ambiguous_file'"),
        SQL("WHEN x.variants > 1 THEN 'ambiguous_record'"),
        SQL("WHEN x.record_key IS NULL THEN 'no_record'") if source.record_required else SQL(""),
        SQL("WHEN f.size = 0 THEN 'empty_file'") if source.record_required else SQL(""),
    ]
    named = SQL(", ").join(Identifier("x", name) for name in headings)
    rows = SQL("""
        SELECT f.row_number, CASE {flaws} END AS flaw, x.export_row, f.key, f.file_name, f.size::text AS size, f.mime_type,
               {bucket}::text AS bucket, 's3://' || {bucket} || '/' || f.key AS url,
               CASE WHEN rival.key IS NULL THEN f.record_key END AS record_key, rival.names AS claimed_by,
               t.key AS thumbnail_key, t.size::text AS thumbnail_size, {named}
        FROM {listing} AS f
        LEFT JOIN ({rivals}) AS rival ON rival.key = f.key
        LEFT JOIN ({described}) AS x ON x.record_key = f.record_key AND rival.key IS NULL
        LEFT JOIN (SELECT DISTINCT ON (record_key) record_key, key, size FROM {listing} WHERE is_thumbnail
                   ORDER BY record_key, key) AS t ON t.record_key = f.record_key
        WHERE NOT f.is_thumbnail
    """).format(
        flaws=SQL(" ").join(flaws),
        bucket=Literal(bucket),
        named=named,
        listing=listing,
        rivals=_rivals_sql(listing, loaded),
        described=_described_sql(export, headings, source.on),
    )
    if source.grouped_by is None:
        return rows
    contact, date = (Identifier(name) for name in source.grouped_by)
    return SQL("""
        SELECT r.*, CASE WHEN who IS NOT NULL AND (d.raw IS NULL OR d.value IS NOT NULL) THEN
                 nexus_assets.minted_id('group', who::text || '/' || coalesce(d.value::text, 'undated'))::text END AS group_id,
               (row_number() OVER (PARTITION BY who, d.value ORDER BY length({on}), {on}, r.key) - 1)::text AS position,
               who AS contact, d.value AS group_date
        FROM ({rows}) AS r
        CROSS JOIN LATERAL (SELECT nexus_assets.read_uuid(r.{contact}) AS who) AS named
        LEFT JOIN {dates} AS d ON d.field = {date_name} AND d.raw = r.{date}
    """).format(
        rows=rows,
        on=Identifier(source.on),
        contact=contact,
        date=date,
        dates=dates,
        date_name=Literal(source.grouped_by[1]),
    )


def record_groups_sql(source: FileRecords, records: Composable) -> Composable:
    """Rows (row_number, flaw, group_id, the contact, the date as ISO text) per group of good file records."""
    assert source.grouped_by is not None
    assert source.own_id is not None
    contact, date = (Identifier(name) for name in source.grouped_by)
    return SQL("""
        SELECT min(row_number) AS row_number, NULL::text AS flaw, group_id, contact::text AS {contact},
               group_date::text AS {date}
        FROM (SELECT r.*, {own} AS own, count(*) OVER (PARTITION BY {own}) AS of_the_id FROM {records} AS r) AS records
        WHERE flaw IS NULL AND group_id IS NOT NULL AND own IS NOT NULL AND of_the_id = 1
        GROUP BY group_id, contact, group_date
    """).format(
        contact=contact,
        date=date,
        own=SQL("nexus_assets.read_uuid(r.{})").format(Identifier(source.own_id)),
        records=records,
    )


def rows_without_file_sql(listing: Composable, export: Composable, on: Composable) -> Composable:
    """The number of export rows whose file is not in the bucket."""
    return SQL("""
        SELECT count(*) FROM (SELECT nexus_assets.plain_number({on}) AS key FROM {export} OFFSET 0) AS x WHERE NOT EXISTS
          (SELECT FROM {listing} AS f WHERE NOT f.is_thumbnail AND f.record_key = nexus_assets.comparable(x.key))
    """).format(export=export, listing=listing, on=on)
