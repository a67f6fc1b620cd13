"""How the rows of FileMaker's Coms become numbers and addresses as Nexus's pages read them: parsers over a group of such rows."""

from __future__ import annotations

from psycopg2.sql import SQL, Composable, Literal

from nexus_assets.mapping.parse import Conditions, Fields, Parser, Reading, call

TYPES = ("mobile", "phone", "fax", "email", "address")
"""FileMaker's types, in any case."""

CONTACT_LISTS = ("phones", "emails")
ADDRESS_LISTS = ("addresses",)
ADDRESS_TEXTS = ("street", "suburb", "state", "postcode")
ADDRESS_KEYS = (*ADDRESS_LISTS, *ADDRESS_TEXTS, "street2", "type", "default")
"""What is written into address_json: the list, and of its first entry what the pages of patients and of referrers show."""


def _entry_sql(fields: Fields, _: Reading) -> Composable:
    return call("communication", *(field.raw for field in fields))


def _notices(fields: Fields, _: Reading) -> Conditions:
    known = SQL("(coalesce({}, '') = ANY ({}))").format(fields[0].comparable, Literal([*TYPES]))
    return (
        ("entries_of_unknown_type", SQL("(NOT {})").format(known)),
        ("entries_without_value", known),
    )


entry = Parser("communication", _entry_sql, notices=_notices, makes="jsonb")
"""One row, as parse.sql says: fields (type, label, number or mail address, two other forms of the number, two lines, suburb, state,
post code, country, address in one line). NULL where it holds nothing: of such rows the notices say why."""


def contact(*keys: str, joined: bool = False, merged: bool = False) -> Parser:
    """These keys of what pages read of the numbers and mail addresses. `joined`: texts that have all of them (a page that reads no
    list). `merged`: the other keys of the column are Nexus's; without it a value with any other key is a person's."""

    def value(fields: Fields, _: Reading) -> Composable:
        made = call("contact_json", SQL("{}::jsonb").format(fields[0].raw), Literal(joined))
        return SQL(
            "(SELECT coalesce(jsonb_object_agg(key, value), '{{}}') FROM jsonb_each({}) WHERE key = ANY ({}))"
        ).format(made, Literal([*keys]))

    return Parser(f"contact({keys!r}, {joined!r})", value, makes="jsonb", keys=keys if merged else ())


def address(*, merged: bool = False) -> Parser:
    """What pages read of the addresses."""

    def value(fields: Fields, _: Reading) -> Composable:
        return call("address_json", SQL("{}::jsonb").format(fields[0].raw))

    return Parser("address()", value, makes="jsonb", keys=ADDRESS_KEYS if merged else ())
