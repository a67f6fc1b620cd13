"""Step 3, second half: which Nexus row each accepted source row is: one that the ledger knows, one adopted, or a new one."""

from __future__ import annotations

from functools import partial, singledispatch

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.entities import ENTITIES
from nexus_assets.ledger import shared
from nexus_assets.ledger.before_values import noted_sql, removed_sql, updated_sql
from nexus_assets.ledger.schema import base_column
from nexus_assets.ledger.tables import identity_table, ledger_table
from nexus_assets.load import deletions
from nexus_assets.load.adoption import declared_column, is_text, left_in_sql
from nexus_assets.load.incoming import LoadContext, carried_id_sql, filemaker_id_sql, hash_sql, incoming_column
from nexus_assets.load.parents import made_at_sql
from nexus_assets.load.planner import without_nested_loops
from nexus_assets.mapping.entity import ByChildren, ByContent, ByFileMakerId, ByHost, Recognition
from nexus_assets.mapping.parse import Field, call
from nexus_assets.nexus import queries
from nexus_assets.nexus.catalog import Target
from nexus_assets.nexus.references import is_referenced_sql


def made_by_importer_sql(target: Target, alias: str) -> Composable:
    """Whether the row was made by an importer, this one or an earlier one."""
    made = target.entity.made_by_importer
    if made is None:
        return SQL("TRUE")
    by_name = SQL("{}.{} LIKE {}").format(Identifier(alias), Identifier(made.column), Literal(made.like))
    if made.unless not in target.columns:
        return by_name
    return SQL("({} AND {}.{} IS NULL)").format(by_name, Identifier(alias), Identifier(made.unless))


def _unclaimed_target_sql(context: LoadContext) -> Composable:
    """Rows of Nexus that no FileMaker id is known to own."""
    return SQL("""
        SELECT t.* FROM {target} AS t
        WHERE NOT EXISTS (SELECT FROM {ledger} AS l WHERE l.nexus_id = t.id)
          AND NOT EXISTS (SELECT FROM {recognised} AS r WHERE r.nexus_id = t.id)
    """).format(target=context.target.table, ledger=context.ledger, recognised=context.work("recognised"))


def _unmatched_source_sql(context: LoadContext) -> Composable:
    """Accepted source rows that have no live row in Nexus yet."""
    return SQL("""
        SELECT i.* FROM {incoming} AS i WHERE i.reason IS NULL AND NOT i.is_live
          AND NOT EXISTS (SELECT FROM {recognised} AS r WHERE r.source_id = i.source_id)
    """).format(incoming=context.work("incoming"), recognised=context.work("recognised"))


def _minted_pairs_sql(context: LoadContext) -> Composable:
    """A row that carries the very id we would give it is ours, even where the ledger was lost."""
    return SQL("""
        SELECT i.source_id, t.id AS nexus_id FROM ({homeless}) AS i JOIN ({free}) AS t
        ON t.id = nexus_assets.minted_id({entity}, i.source_id::text)
    """).format(
        homeless=_unmatched_source_sql(context),
        free=_unclaimed_target_sql(context),
        entity=Literal(context.entity.name),
    )


@singledispatch
def pairs_sql(rule: Recognition, context: LoadContext, cursor: Cursor) -> Composable:
    """Rows (source_id, nexus_id), at most one per id on either side, that the rule takes for the same."""
    raise NotImplementedError(rule)


@pairs_sql.register
def _by_filemaker_id(rule: ByFileMakerId, context: LoadContext, cursor: Cursor) -> Composable:
    """Where several rows carry one id, the newest that something refers to; the others stay as they are (a check tells)."""
    return SQL("""
        SELECT DISTINCT ON (source_id) source_id, nexus_id FROM (
          SELECT i.source_id, t.id AS nexus_id, {made_at} AS made_at,
                 CASE WHEN count(*) OVER (PARTITION BY i.source_id) > 1 THEN {is_referenced} END AS is_referenced
          FROM ({homeless}) AS i JOIN ({free}) AS t ON {carried} = i.source_id
        ) AS candidates ORDER BY source_id, is_referenced DESC NULLS LAST, made_at DESC NULLS LAST, nexus_id
    """).format(
        made_at=made_at_sql(context.target, "t"),
        is_referenced=is_referenced_sql(cursor, context.target, "t"),
        homeless=_unmatched_source_sql(context),
        free=_unclaimed_target_sql(context),
        carried=filemaker_id_sql(rule),
    )


def _content(context: LoadContext, name: str, value: Composable, *, ignoring_case: bool = False) -> Composable:
    """A value in the form in which contents are compared: text without the blanks around it, and where asked without case."""
    if not is_text(context.target, name):
        return value
    return call("comparable" if ignoring_case else "read_text", value)


def _said_sql(name: str) -> Composable:
    return SQL("i.{}").format(incoming_column(name))


def _left_sql(rule: ByContent, context: LoadContext, name: str) -> Composable:
    """What the row `t` of Nexus has in a column, also where an importer spread FileMaker's text over several."""
    declared = declared_column(context.entity, name)
    if not rule.spread_over or declared is None:
        return Identifier("t", name)
    text = SQL("concat_ws(' ', {})").format(SQL(", ").join(Identifier("t", each) for each in rule.spread_over))
    return declared.parser.value([Field(text)], context.reading)


@pairs_sql.register
def _by_content(rule: ByContent, context: LoadContext, _: Cursor) -> Composable:
    mine, theirs = (
        [_content(context, name, value(name), ignoring_case=rule.ignoring_case) for name in rule.columns]
        for value in (_said_sql, partial(_left_sql, rule, context))
    )
    conditions: list[Composable] = [SQL("TRUE")]
    if rule.unless:
        conditions.append(SQL("t.{} IS NULL").format(Identifier(rule.unless)))
    if rule.left_in:
        conditions.append(left_in_sql(context.target, rule.left_in))
    if rule.made_by_importer:
        conditions.append(made_by_importer_sql(context.target, "t"))
    if rule.of:
        conditions.append(shared.brought_by_sql(rule.of, SQL("t.id")))
    return SQL("""
        SELECT m.source_id, o.nexus_id FROM (
          SELECT i.source_id, {mine} AS content, row_number() OVER (PARTITION BY {mine} ORDER BY i.row_number) AS k
          FROM ({homeless}) AS i
        ) AS m JOIN (
          SELECT t.id AS nexus_id, {theirs} AS content,
                 row_number() OVER (PARTITION BY {theirs} ORDER BY {made_at}, t.id) AS k
          FROM ({free}) AS t WHERE {conditions}
        ) AS o USING (content, k)
    """).format(
        mine=SQL("hash_record_extended(ROW({}), 0)").format(SQL(", ").join(mine)),
        theirs=SQL("hash_record_extended(ROW({}), 0)").format(SQL(", ").join(theirs)),
        made_at=made_at_sql(context.target, "t"),
        homeless=_unmatched_source_sql(context),
        free=_unclaimed_target_sql(context),
        conditions=SQL(" AND ").join(conditions),
    )


@pairs_sql.register
def _by_host(_: ByHost, context: LoadContext, __: Cursor) -> Composable:
    assert context.entity.shares is not None
    return SQL("""
        SELECT i.source_id, t.id AS nexus_id FROM ({homeless}) AS i
        JOIN {host} AS h ON h.source_id = i.source_id JOIN ({free}) AS t ON t.id = h.nexus_id
    """).format(
        homeless=_unmatched_source_sql(context),
        host=identity_table(context.entity.shares.name),
        free=_unclaimed_target_sql(context),
    )


@pairs_sql.register
def _by_children(rule: ByChildren, context: LoadContext, _: Cursor) -> Composable:
    """An importer's batch before a person's; then the one that shows most of the group's files, the best described, the oldest.

    Where a file lies with the very person whose FileMaker said it was, and FileMaker says now that it is somebody else's, the
    file has moved and the batch has not: it is no sign that the batch is the other person's.
    """
    child = context.children[rule.child]
    # Materialized: looked up again for each row, it would be joined again for each row.
    return SQL("""
        WITH said AS MATERIALIZED ({said})
        SELECT DISTINCT ON (nexus_id) source_id, nexus_id FROM (
          SELECT DISTINCT ON (source_id) source_id, nexus_id, files FROM (
            SELECT i.source_id, t.id AS nexus_id, {made_by_importer} AS made, {made_at} AS made_at, count(*) AS files,
                   count(*) FILTER (WHERE c.caption <> '' OR c.s3_thumbnail_key <> '') AS described
            FROM ({homeless}) AS i
            JOIN {records} AS r ON r.group_id = i.source_id::text
            JOIN {child} AS c ON c.{key} = r.key
            JOIN ({free}) AS t ON t.id = c.{parent}
            WHERE ({made_by_importer} OR t.{belongs} = i.{new_belongs})
              AND NOT EXISTS (SELECT FROM said AS s
                              WHERE s.key_hash = {key_hash} AND s.belongs = t.{belongs} AND t.{belongs} <> i.{new_belongs})
            GROUP BY i.source_id, t.id, 3, 4
          ) AS candidates ORDER BY source_id, made DESC, files DESC, described DESC, made_at, nexus_id
        ) AS best ORDER BY nexus_id, files DESC, source_id
    """).format(
        homeless=_unmatched_source_sql(context),
        records=context.work("records"),
        child=child.table,
        key=Identifier(rule.child_key),
        parent=Identifier(rule.child_column),
        free=_unclaimed_target_sql(context),
        belongs=Identifier(rule.belongs),
        new_belongs=incoming_column(rule.belongs),
        made_by_importer=made_by_importer_sql(context.target, "t"),
        made_at=made_at_sql(context.target, "t"),
        said=_last_said_sql(rule, context),
        key_hash=hash_sql(Identifier("c", rule.child_key)),
    )


def _last_said_sql(rule: ByChildren, context: LoadContext) -> Composable:
    """Rows (key_hash, belongs): whose each file was by what FileMaker said last, by the ids that all have now."""
    belongs_to = next(link.to for link in context.entity.generic_references if link.id_column == rule.belongs)
    return SQL("""
        SELECT f.{base_key} AS key_hash, owner.current_id AS belongs
        FROM {child_ledger} AS f
        JOIN ({batches}) AS batch ON batch.hash = f.{base_parent}
        JOIN {ledger} AS l ON l.nexus_id = batch.current_id
        JOIN ({owners}) AS owner ON owner.hash = l.{base_belongs}
    """).format(
        base_key=base_column(rule.child_key),
        child_ledger=identity_table(rule.child),
        batches=ids_by_hash_sql(context.entity.name),
        base_parent=base_column(rule.child_column),
        ledger=context.ledger,
        owners=ids_by_hash_sql(belongs_to),
        base_belongs=base_column(rule.belongs),
    )


def ids_by_hash_sql(entity: str) -> Composable:
    """Rows (hash, current_id) of every id that a row of the entity has or had: the ledger keeps of a reference only its hash."""
    return SQL("""
        SELECT {own_hash} AS hash, l.nexus_id AS current_id FROM {ledger} AS l
        UNION ALL
        SELECT {old_hash}, s.current_id FROM nexus_assets.superseded AS s WHERE s.entity = {entity}
    """).format(
        own_hash=hash_sql(SQL("l.nexus_id")),
        ledger=identity_table(entity),
        old_hash=hash_sql(SQL("s.nexus_id")),
        entity=Literal(entity),
    )


def is_known_sql(entity: str, id_: Composable) -> Composable:
    """Whether a row of the entity has the id, or had it: a link to it is somebody's, also while that row is gone."""
    return SQL("""(EXISTS (SELECT FROM {ledger} AS k WHERE k.nexus_id = {id})
            OR EXISTS (SELECT FROM nexus_assets.superseded AS s WHERE s.entity = {entity} AND s.nexus_id = {id}))""").format(
        ledger=identity_table(entity), id=id_, entity=Literal(entity)
    )


def resolve(cursor: Cursor, context: LoadContext) -> None:
    """Makes the table `decided`: what each accepted source row is in Nexus, and what happens to it."""
    _recognise(cursor, context)
    cursor.execute(_decide_sql(context))
    cursor.execute(SQL("ANALYZE {}").format(context.work("decided")))


def _recognise(cursor: Cursor, context: LoadContext) -> None:
    """Finds live rows for accepted source rows that have none, rule by rule."""
    recognised = context.work("recognised")
    cursor.execute(SQL("CREATE UNLOGGED TABLE {} (source_id uuid NOT NULL, nexus_id uuid NOT NULL)").format(recognised))
    for rule in (None, *context.entity.recognised_by):
        left = SQL("SELECT EXISTS ({}) AND EXISTS ({})").format(
            _unmatched_source_sql(context), _unclaimed_target_sql(context)
        )
        if not queries.yes(cursor, left):
            break
        pairs = _minted_pairs_sql(context) if rule is None else pairs_sql(rule, context, cursor)
        # A table that is known to be empty makes all that is not in it seem to be one row.
        with without_nested_loops(cursor):
            cursor.execute(SQL("INSERT INTO {} {}").format(recognised, pairs))
        # Without statistics the question above is answered row by row: in minutes instead of a moment.
        cursor.execute(SQL("ANALYZE {}").format(recognised))
    cursor.execute(SQL("ANALYZE {}").format(recognised))


def _decide_sql(context: LoadContext) -> Composable:
    """What happens to every accepted row: `compare` with its live row, `adopt` one, `restore` a lost one, `insert` a new one, or
    leave it `deleted` by a person.

    A live row whose id the ledger only learned (from a backup, or from the row itself) was never compared with FileMaker: it
    is adopted.
    """
    joins: Composable = SQL("")
    deleted: Composable = SQL("")
    if context.entity.people_delete:
        joins, stays = deletions.stays_deleted_sql(context)
        deleted = SQL("WHEN i.known_id IS NOT NULL AND {} THEN 'deleted'").format(stays)
    return SQL("""
        CREATE UNLOGGED TABLE {decided} AS
        SELECT i.row_number, i.source_id, i.known_id,
               CASE WHEN i.is_live THEN i.known_id
                    ELSE coalesce(r.nexus_id, i.known_id, {minted}) END AS nexus_id,
               CASE WHEN i.is_live AND l.last_load IS NOT NULL THEN 'compare'
                    WHEN i.is_live OR r.nexus_id IS NOT NULL THEN 'adopt' {deleted}
                    WHEN i.known_id IS NOT NULL THEN 'restore' ELSE 'insert' END AS action
        FROM {incoming} AS i LEFT JOIN {recognised} AS r ON r.source_id = i.source_id
        LEFT JOIN {ledger} AS l ON l.source_id = i.source_id {joins}
        WHERE i.reason IS NULL
    """).format(
        joins=joins,
        deleted=deleted,
        decided=context.work("decided"),
        ledger=context.ledger,
        minted=_free_id_sql(context),
        incoming=context.work("incoming"),
        recognised=context.work("recognised"),
    )


def _free_id_sql(context: LoadContext) -> Composable:
    """The id of a new row: the minted one. Where a row with that id was adopted as another record's (the ledger was lost, and the
    record had another FileMaker id then), the first of those minted for `id/1`, `id/2`, …, that is nobody's."""
    return SQL("""
        CASE WHEN EXISTS (SELECT FROM {ledger} AS k WHERE k.nexus_id = nexus_assets.minted_id({entity}, i.source_id::text))
             THEN (SELECT other.id FROM generate_series(1, 99) AS n,
                     LATERAL (SELECT nexus_assets.minted_id({entity}, concat_ws('/', i.source_id, n)) AS id) AS other
                   WHERE NOT EXISTS (SELECT FROM {ledger} AS k WHERE k.nexus_id = other.id)
                     AND NOT EXISTS (SELECT FROM {target} AS t WHERE t.id = other.id) ORDER BY n LIMIT 1)
             ELSE nexus_assets.minted_id({entity}, i.source_id::text) END
    """).format(ledger=context.ledger, entity=Literal(context.entity.name), target=context.target.table)


def decided_rows_sql(context: LoadContext) -> Composable:
    """The FROM clause of the accepted rows: `d`, what each is in Nexus and what is done, and `i`, what it says."""
    if not context.is_first:
        return SQL("{} AS d JOIN {} AS i USING (row_number)").format(context.work("decided"), context.work("incoming"))
    return SQL("""{} AS i CROSS JOIN LATERAL
          (SELECT i.row_number, i.nexus_id, 'insert'::text AS action WHERE i.reason IS NULL) AS d""").format(
        context.work("incoming")
    )


def undecided_sql(context: LoadContext, rejected: str) -> Composable:
    """A further part of a WITH clause: takes the rows of its part `rejected` out of `decided`, which a first load does not have."""
    if context.is_first:
        return SQL("")
    return SQL(", undecided AS (DELETE FROM {} AS d USING {} AS r WHERE d.row_number = r.row_number)").format(
        context.work("decided"), Identifier(rejected)
    )


def count_resembling(cursor: Cursor, context: LoadContext) -> int:
    """How many new rows look like one of Nexus that no FileMaker id owns: they may be the same, made twice."""
    if not context.entity.resembles:
        return 0
    new = SQL("SELECT FROM {} WHERE action = 'insert'").format(context.work("decided"))
    if not queries.yes(cursor, SQL("SELECT EXISTS ({}) AND EXISTS ({})").format(new, _unclaimed_target_sql(context))):
        return 0
    mine, theirs = (
        hash_sql(
            *(
                _content(context, name, SQL("{}.{}").format(Identifier(alias), column(name)))
                for name in context.entity.resembles
            )
        )
        for alias, column in (("i", incoming_column), ("t", Identifier))
    )
    return queries.number(
        cursor,
        SQL("""
            SELECT count(*) FROM {decided} AS d JOIN {incoming} AS i USING (row_number)
            WHERE d.action = 'insert' AND {mine} IN (SELECT {theirs} FROM ({free}) AS t)
        """).format(
            decided=context.work("decided"),
            incoming=context.work("incoming"),
            mine=mine,
            theirs=theirs,
            free=_unclaimed_target_sql(context),
        ),
    )


def supersede(cursor: Cursor, context: LoadContext) -> int:
    """Keeps the earlier ids of rows that another tool recreated under a new one; returns how many are new."""
    cursor.execute(
        SQL("""
            CREATE UNLOGGED TABLE {followed} AS
            SELECT source_id, known_id AS old_id, nexus_id AS new_id FROM {decided}
            WHERE action = 'adopt' AND known_id <> nexus_id
        """).format(followed=context.work("followed"), decided=context.work("decided"))
    )
    followed = int(cursor.rowcount) + _follow_the_unseen(cursor, context)
    if followed:
        # What pointed at an id that was superseded before follows to the current one; an id that came back is current again.
        names = {
            "followed": context.work("followed"),
            "entity": Literal(context.entity.name),
            "load": Literal(context.load_id),
        }
        superseded = ledger_table("superseded"), "s", ("entity", "nexus_id")
        statements = (
            updated_sql(
                context.kept_for,
                SQL("""
                    INSERT INTO nexus_assets.superseded AS s (entity, nexus_id, source_id, current_id, load_id)
                    SELECT {entity}, old_id, source_id, new_id, {load} FROM {followed}
                    ON CONFLICT (entity, nexus_id) DO UPDATE SET current_id = excluded.current_id, load_id = excluded.load_id
                """).format(**names),
                *superseded,
                is_insert=True,
            ),
            removed_sql(
                context.kept_for,
                SQL("""
                    DELETE FROM nexus_assets.superseded AS s USING {followed} AS f
                    WHERE s.entity = {entity} AND s.nexus_id = f.new_id
                """).format(**names),
                *superseded,
            ),
            updated_sql(
                context.kept_for,
                SQL("""
                    UPDATE nexus_assets.superseded AS s SET current_id = f.new_id FROM {followed} AS f
                    WHERE s.entity = {entity} AND s.source_id = f.source_id AND s.current_id <> f.new_id
                """).format(**names),
                *superseded,
            ),
        )
        cursor.execute(SQL(";").join(statements))
    return followed


def _follow_the_unseen(cursor: Cursor, context: LoadContext) -> int:
    """Follows rows that another tool recreated though this source does not have them, or not readably; returns how many.

    A person who vanished from FileMaker is still one person, and what belongs to them must not be orphaned.
    """
    carried = carried_id_sql(context.entity)
    if carried is None:
        return 0
    names = {"ledger": context.ledger, "target": context.target.table, "lost": context.work("lost")}
    cursor.execute(
        SQL("""
            CREATE UNLOGGED TABLE {lost} AS SELECT l.source_id, l.nexus_id FROM {ledger} AS l
            WHERE NOT EXISTS (SELECT FROM {target} AS t WHERE t.id = l.nexus_id)
              AND NOT EXISTS (SELECT FROM {decided} AS d WHERE d.source_id = l.source_id)
        """).format(**names, decided=context.work("decided"))
    )
    if not cursor.rowcount:
        return 0
    cursor.execute(
        SQL("""
            WITH found AS (
              SELECT DISTINCT ON (l.source_id) l.source_id, l.nexus_id AS old_id, t.id AS new_id
              FROM {lost} AS l JOIN {target} AS t ON {carried} = l.source_id
              WHERE NOT EXISTS (SELECT FROM {ledger} AS k WHERE k.nexus_id = t.id)
              ORDER BY l.source_id, {is_referenced} DESC, {made_at} DESC NULLS LAST, t.id
            ), remembered AS (
              UPDATE {ledger} AS l SET nexus_id = f.new_id FROM found AS f WHERE f.source_id = l.source_id
            )
            {kept}
            INSERT INTO {followed} SELECT source_id, old_id, new_id FROM found
        """).format(
            **names,
            kept=_kept_unseen_sql(context),
            followed=context.work("followed"),
            carried=carried,
            is_referenced=is_referenced_sql(cursor, context.target, "t"),
            made_at=made_at_sql(context.target, "t"),
        )
    )
    return int(cursor.rowcount)


def _kept_unseen_sql(context: LoadContext) -> Composable:
    """The part of a statement that keeps which ids the entries in `found` had."""
    if context.kept_for is None:
        return SQL("")
    rows = SQL(
        "source_id::text, jsonb_build_object('nexus_id', old_id), jsonb_build_object('nexus_id', new_id) FROM found"
    )
    return SQL(", kept AS ({})").format(noted_sql(context.kept_for, context.ledger, rows))


def gone_sql(target: Target) -> Composable:
    """Rows (source_id, nexus_id) of the ledger that another tool deleted or recreated, and that a load of the entity would
    bring back, or follow to the current id."""
    ledger = identity_table(target.entity.name)
    carried = carried_id_sql(target.entity) or SQL("NULL::uuid")
    return SQL("""
        SELECT l.source_id, l.nexus_id FROM {ledger} AS l
        LEFT JOIN {target} AS living ON living.id = l.nexus_id
        LEFT JOIN (
          SELECT DISTINCT {carried} AS source_id FROM {target} AS t
          WHERE NOT EXISTS (SELECT FROM {ledger} AS k WHERE k.nexus_id = t.id)
        ) AS again ON again.source_id = l.source_id
        WHERE living.id IS NULL AND (again.source_id IS NOT NULL OR (
          l.last_load IS NOT NULL AND l.vanished_load IS NULL AND NOT EXISTS (
            SELECT FROM nexus_assets.reject AS r WHERE r.entity = {entity} AND r.resolved_load IS NULL
              AND nexus_assets.read_uuid(r.source_id) = l.source_id)))
    """).format(ledger=ledger, target=target.table, carried=carried, entity=Literal(target.entity.name))


def unnoted_sql(cursor: Cursor, target: Target) -> Composable | None:
    """Rows (source_id, nexus_id) of ids that live rows carry and that the ledger does not know, each once; None where nothing
    refers to the entity, so that nobody will ask whose an id was."""
    carried = carried_id_sql(target.entity)
    if carried is None or not any(target.entity.name in other.upstream for other in ENTITIES.values()):
        return None
    return SQL("""
        SELECT DISTINCT ON (source_id) source_id, nexus_id FROM (
          SELECT {carried} AS source_id, t.id AS nexus_id, {made_at} AS made_at, {is_referenced} AS is_referenced
          FROM {target} AS t WHERE NOT EXISTS (SELECT FROM {ledger} AS l WHERE l.nexus_id = t.id)
        ) AS living WHERE source_id IS NOT NULL AND NOT EXISTS (SELECT FROM {ledger} AS l WHERE l.source_id = living.source_id)
        ORDER BY source_id, is_referenced DESC, made_at DESC NULLS LAST, nexus_id
    """).format(
        carried=carried,
        made_at=made_at_sql(target, "t"),
        is_referenced=is_referenced_sql(cursor, target, "t"),
        target=target.table,
        ledger=identity_table(target.entity.name),
    )


def note_the_unseen(cursor: Cursor, context: LoadContext) -> None:
    """Notes the ids of people whom another importer brought and this source does not have, or not readably.

    Should another tool recreate them, what leads to the current ids can be moved.
    """
    unnoted = unnoted_sql(cursor, context.target)
    if unnoted is not None:
        cursor.execute(
            SQL(
                "INSERT INTO {} (source_id, nexus_id, origin, noted_load)"
                " SELECT source_id, nexus_id, 'learned', {} FROM ({}) AS u"
            ).format(context.ledger, Literal(context.load_id), unnoted)
        )
