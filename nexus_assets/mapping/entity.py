"""The words in which a table's import is declared: entity, source, column, reference, how existing rows are recognised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from nexus_assets.mapping.parse import Parser

Listing = Literal["images", "documents"]


@dataclass(frozen=True)
class Model:
    """A Django model of Nexus: `label` is (app_label, model) joined by a dot, `tables` its table's names, today's first."""

    label: str
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Key:
    """A field that a row has beside its headings: an id made of `parts`, each of them the first of its headings that is not blank.

    Parts are compared without case and blanks, ids in any spelling. A row in which all parts are blank has no such id. Where it
    is the id of the entity, the rows of one key are one row: the one with the latest date under the heading `latest`, of those
    the first in the export; the others are counted as collapsed. `means`: whatever the parts say, they name the one thing that
    this text names. `owners`: the key is the FileMaker id of a row of one of these entities, whose tables others share: each
    loads the rows of its own owners, and the one that shares the first one's table reports those that have none.
    """

    name: str
    parts: tuple[tuple[str, ...], ...]
    latest: str | None = None
    means: str | None = None
    owners: tuple[str, ...] = ()

    @property
    def headings(self) -> tuple[str, ...]:
        """Every heading that is read to make the field and to choose among the rows of one key."""
        return (*(heading for part in self.parts for heading in part), *filter(None, (self.latest,)))


@dataclass(frozen=True)
class Gathered:
    """A field that a row has of all rows of its key: a JSON list of what `parser` makes of the `fields` of each, in the order of
    the export. A row of which it makes nothing is left out, and counted under the parser's notices."""

    name: str
    fields: tuple[str, ...]
    parser: Parser


@dataclass(frozen=True)
class ExportRows:
    """Source rows are the rows of one FileMaker export; `companion_exports` are optional exports that lookups go through.

    `keys` are fields that are made of several headings, or of one that names a thing instead of holding its id. `only_with`:
    rows in which this heading is blank are not among the source rows. `gathered`: a field that is made of all rows of a key.
    """

    export: str
    optional_headings: tuple[str, ...] = ()
    companion_exports: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    only_with: str | None = None
    gathered: Gathered | None = None

    def headings(self, fields: Iterable[str]) -> tuple[str, ...]:
        """The headings of which these fields are made, each once."""
        made = {key.name: key.headings for key in self.keys}
        if self.gathered is not None:
            made[self.gathered.name] = self.gathered.fields
        return tuple(dict.fromkeys(heading for name in fields for heading in made.get(name, (name,))))


@dataclass(frozen=True)
class FileRecords:
    """Source rows are the files of a bucket listing, each with the export row whose `on` equals the file's record key.

    Beside the export's headings a row has the fields `key`, `file_name`, `url`, `bucket`, `size`, `mime_type`,
    `thumbnail_key`, `thumbnail_size`; with `grouped_by` also `group_id` (the batch) and `position` in it, from 0. A file whose
    row has no `own_id`, or one that another has too, makes no group: it will be rejected.
    """

    listing: Listing
    export: str
    on: str
    record_required: bool = False
    grouped_by: tuple[str, str] | None = None
    own_id: str | None = None


@dataclass(frozen=True)
class RecordGroups:
    """Source rows are the groups (contact, date) of file records: fields `group_id`, the contact's heading, `group_date`."""

    of: FileRecords


Source = ExportRows | FileRecords | RecordGroups


@dataclass(frozen=True)
class Placeholder:
    """What importers put into a column where they know nothing better, as patterns of ILIKE."""

    patterns: tuple[str, ...]


@dataclass(frozen=True)
class AsInFileMaker:
    """The text as FileMaker has it, which Nexus writes otherwise: the column's own parser makes FileMaker's value of it."""


@dataclass(frozen=True)
class SameAs:
    """The value of another column; of a path, the name behind its last slash."""

    column: str


@dataclass(frozen=True)
class ListsOfImporter:
    """A jsonb object with one of these lists, which importers write and no page does, and beside them nothing but `texts`."""

    lists: tuple[str, ...]
    texts: tuple[str, ...] = ()


Leaving = Placeholder | AsInFileMaker | SameAs | ListsOfImporter
"""How a value is known to be an earlier importer's and nobody's edit: what FileMaker says takes its place on adoption."""


@dataclass(frozen=True)
class Column:
    """A target column read from source fields.

    `required` is the reject reason where the value is empty. Text that can't be read rejects the row, unless `unreadable`
    names the notice under which it is counted instead. `fill_only`: written where Nexus has nothing, never over a value that is
    not FileMaker's (the id columns, also when adopting). `keep_if_blank`: nothing never takes the place of a value that Nexus made.
    `left_by_importers`: values that an adopted row has from its importer, and nobody's edits.
    `insert_only`: written with a new row, never compared afterwards. A column that the entity also has in `on_insert` takes that
    default where FileMaker says nothing, and is then left to Nexus.
    """

    name: str
    fields: tuple[str, ...]
    parser: Parser
    required: str | None = None
    unreadable: str | None = None
    fill_only: bool = False
    insert_only: bool = False
    keep_if_blank: bool = False
    left_by_importers: tuple[Leaving, ...] = ()

    @property
    def merged_keys(self) -> tuple[str, ...]:
        """The keys of a jsonb column that are ours; the others belong to Nexus. Empty for an ordinary column."""
        return self.parser.keys


@dataclass(frozen=True)
class Reference:
    """A foreign key, by FileMaker id, to a row of another entity; `column` None only demands that the row exists.

    `missing` and `unknown` are reject reasons for a blank id and for one that leads to no row; without them the column
    stays empty. `heals` links away from rows that an importer made and no source row stands for (duplicate batches).
    """

    column: str | None
    field: str
    to: str
    missing: str | None = None
    unknown: str | None = None
    heals: bool = False


@dataclass(frozen=True)
class GenericReference:
    """A Django generic foreign key (no constraint guards it), by FileMaker id, to a row of another entity.

    Where neither `missing` nor `unknown` rejects, a row without a known target has both halves NULL, counted under `notice`.
    """

    type_column: str
    id_column: str
    field: str
    to: str
    missing: str | None = None
    unknown: str | None = None
    notice: str | None = None


@dataclass(frozen=True)
class Match:
    """Finds the row of a small Nexus table whose `column` equals a source field, ignoring case and blanks.

    `through` = (export, its id heading, its name heading): the field holds an id of that optional export, whose name is compared.
    """

    tables: tuple[str, ...]
    column: str
    field: str
    through: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class Lookup:
    """A foreign key to a small table that Nexus keeps (clinics …): the first match, else `fallback` (a column of the
    referenced row), else NULL, and the rows that named something unknown are counted under `notice`."""

    column: str
    matches: tuple[Match, ...]
    notice: str
    fallback: tuple[str, str] | None = None


@dataclass(frozen=True)
class ByFileMakerId:
    """An existing row is recognised by the FileMaker id it carries: in `column`, or under a key of a jsonb column."""

    column: str
    key: str | None = None


@dataclass(frozen=True)
class ByContent:
    """An existing row without a FileMaker id is recognised by equal values in `columns`; equal ones pair k-th to k-th.

    `unless` names a FileMaker id column: rows that have one are not candidates. `made_by_importer`: only such rows are.
    `left_in`: only rows in which this column is empty, or holds what importers leave there (a placeholder or another column's).
    `ignoring_case`: texts that differ only in case or in blanks are equal. `of`: only rows that a load of this entity brought,
    which has the same table. `spread_over`: importers left FileMaker's one text in these columns, the one word in the first, the
    others in the next; it is read as the export's is.
    """

    columns: tuple[str, ...]
    unless: str | None = None
    made_by_importer: bool = False
    left_in: str | None = None
    ignoring_case: bool = False
    of: str | None = None
    spread_over: tuple[str, ...] = ()


@dataclass(frozen=True)
class ByChildren:
    """An existing batch is recognised by the files its images show (most, then best described).

    One that an importer made comes first; one that a person made or renamed must belong to the same row (`belongs`). A file that
    FileMaker has given to another person since the last load says nothing of the batch that it lies in.
    """

    belongs: str
    child: str
    child_column: str
    child_key: str


@dataclass(frozen=True)
class ByHost:
    """The existing row is the one that the entity has whose table is shared, under the same FileMaker id. No row is inserted."""


Recognition = ByFileMakerId | ByContent | ByChildren | ByHost


@dataclass(frozen=True)
class TrueCount:
    """After the load `column` of the parent table holds the number of rows that point at it by `reference`."""

    parent: str
    column: str
    reference: str


@dataclass(frozen=True)
class MergeDuplicates:
    """After the load the rows of a duplicate that an importer made are in the parent's row that a source row stands for.

    Duplicates are equal in the columns `same`.
    """

    parent: str
    reference: str
    same: tuple[str, ...]


@dataclass(frozen=True)
class RemoveEmptied:
    """After the load the parent's rows that an importer made, that hold nothing and that no source row stands for, go."""

    parent: str
    reference: str


Tidy = TrueCount | MergeDuplicates | RemoveEmptied


@dataclass(frozen=True)
class MadeByImporter:
    """How a row is known to come from an importer, this one or an earlier one: a column and the values it then has.

    A row with a value in `unless` is a person's all the same.
    """

    column: str
    like: str
    unless: str


@dataclass(frozen=True)
class Archive:
    """How a row is archived that FileMaker no longer has: the columns for whether, when and by whom, and who we are."""

    flag: str
    at: str
    by: str
    name: str


@dataclass(frozen=True)
class End:
    """What FileMaker says of a row by naming it no more: `column` takes `value`, as if an export had said so.

    Where the entity whose table it is names the row later, and tracks the column, that has what the other one's new rows have.
    """

    column: str
    value: str


@dataclass(frozen=True)
class Now:
    """The transaction's time, as a default for a NOT NULL column."""


@dataclass(frozen=True)
class Entity:
    """How one FileMaker entity becomes one Nexus table. Everything about the table is here; nothing about it is elsewhere.

    `on_insert` fills the NOT NULL columns that Django fills in Python. `updated_at` is set to the time of every update.
    `insert_order` keeps index pages together. Rows equal in `identity_columns` under another FileMaker id are the same thing,
    which stops a load; so are those equal in the column `stable_key`, and the ledger follows them to their new ids.
    `archive` is used where the load's settings ask for it, `ends` always. A new row that equals one of Nexus's own in the columns
    `resembles` is counted: it may be there twice. `optional`: a clinic may have no such export; then nothing is loaded, and
    nothing is wrong. `people_delete`: people delete such rows in Nexus, and one that they deleted is not restored until FileMaker
    changes it. `shares`: the entity whose table this one adds rows to. A row that the other one's last load brought is left to
    it, in the columns that both write; and what has not the other's export is not loaded either.
    """

    name: str
    model: Model
    source: Source
    source_id: str
    columns: tuple[Column, ...]
    optional: bool = False
    people_delete: bool = False
    references: tuple[Reference | GenericReference, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    recognised_by: tuple[Recognition, ...] = ()
    on_insert: Mapping[str, str | int | bool | Now] = field(default_factory=dict)
    updated_at: str | None = None
    insert_order: tuple[str, ...] = ()
    made_by_importer: MadeByImporter | None = None
    identity_columns: tuple[str, ...] = ()
    stable_key: str | None = None
    archive: Archive | None = None
    ends: tuple[End, ...] = ()
    shares: Entity | None = None
    resembles: tuple[str, ...] = ()
    tidy: tuple[Tidy, ...] = ()
    description: str = ""

    @property
    def rows_of(self) -> ExportRows | FileRecords:
        """What is read: the source itself, or the file records that it groups."""
        return self.source.of if isinstance(self.source, RecordGroups) else self.source

    @property
    def exports(self) -> tuple[str, ...]:
        """The exports that must exist for this entity."""
        return (self.rows_of.export,)

    @property
    def needed_exports(self) -> tuple[str, ...]:
        """The exports without which an optional entity is not loaded."""
        return (*self.exports, *(self.shares.exports if self.shares else ()))

    @property
    def hosts(self) -> tuple[str, ...]:
        """The entity whose table this one shares, if any."""
        return (self.shares.name,) if self.shares else ()

    @property
    def keys(self) -> tuple[Key, ...]:
        """The fields of a row that are made of headings."""
        return self.source.keys if isinstance(self.source, ExportRows) else ()

    @property
    def made_fields(self) -> frozenset[str]:
        """The fields of a row that no heading has: they are made of what headings say."""
        gathered = self.source.gathered if isinstance(self.source, ExportRows) else None
        return frozenset([*(key.name for key in self.keys), *([gathered.name] if gathered else [])])

    @property
    def key(self) -> Key | None:
        """The key that is the id of the entity's rows; None where FileMaker has an id of its own for them."""
        return next((key for key in self.keys if key.name == self.source_id), None)

    @property
    def owners(self) -> tuple[str, ...]:
        """The entities among whose rows the entity's export divides its own, in the order of the key that names them."""
        return self.key.owners if self.key else ()

    @property
    def reports_unknown_owners(self) -> bool:
        """Whether rows of which nobody knows the owner are this entity's, and not another one's that reads them, too."""
        return self.owners[:1] == self.hosts[:1] != ()

    @property
    def after(self) -> tuple[str, ...]:
        """The entities that are loaded before this one where they are loaded at all: `upstream`, and all owners where it has to
        know whose a row is."""
        return tuple(dict.fromkeys([*self.upstream, *(self.owners if self.reports_unknown_owners else ())]))

    @property
    def adds_rows(self) -> bool:
        """Whether a load may insert rows; else it only writes columns of rows that another entity brought."""
        return not any(isinstance(rule, ByHost) for rule in self.recognised_by)

    @property
    def companion_exports(self) -> tuple[str, ...]:
        """The exports that are read where they are there."""
        return self.source.companion_exports if isinstance(self.source, ExportRows) else ()

    @property
    def listings(self) -> tuple[Listing, ...]:
        """The bucket listings that this entity reads."""
        return (self.rows_of.listing,) if isinstance(self.rows_of, FileRecords) else ()

    @property
    def generic_references(self) -> tuple[GenericReference, ...]:
        return tuple(link for link in self.references if isinstance(link, GenericReference))

    @property
    def upstream(self) -> tuple[str, ...]:
        """The entities that must be loaded before this one, in the order they are declared."""
        return tuple(dict.fromkeys([*self.hosts, *(link.to for link in self.references)]))

    @property
    def locks(self) -> tuple[str, ...]:
        """The entities whose rows a load of this one writes, in the order in which their locks are taken: parents first."""
        return tuple(dict.fromkeys([*(tidy.parent for tidy in self.tidy), *self.hosts, self.name]))

    @property
    def written_columns(self) -> tuple[str, ...]:
        """Every column of the table that a load may write, each once."""
        linked: list[str] = []
        for link in self.references:
            if isinstance(link, GenericReference):
                linked += [link.type_column, link.id_column]
            elif link.column:
                linked.append(link.column)
        looked_up = [lookup.column for lookup in self.lookups]
        return ("id", *linked, *looked_up, *(column.name for column in self.columns))

    @property
    def filemaker_id(self) -> ByFileMakerId | None:
        """Where a row of the table carries its FileMaker id; None where it has no place for one."""
        return next((rule for rule in self.recognised_by if isinstance(rule, ByFileMakerId)), None)

    def fields(self) -> Iterator[str]:
        """Every source field that the mapping reads, each once."""
        seen = dict.fromkeys([self.source_id])
        seen.update(dict.fromkeys(name for column in self.columns for name in column.fields))
        seen.update(dict.fromkeys(link.field for link in self.references))
        seen.update(dict.fromkeys(match.field for lookup in self.lookups for match in lookup.matches))
        return iter(seen)
