"""Every setting: its name in the environment, what it means, its default. Read where it is used, never at import."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

from nexus_assets.errors import CLINIC_VARIABLE, NexusAssetsError


@dataclass(frozen=True)
class Setting:
    """A setting as docs/settings.md and .env.example show it; an empty default means: see `meaning`."""

    name: str
    meaning: str
    default: str = ""

    def value(self) -> str:
        """What the environment says, else the default."""
        return os.environ.get(self.name, "").strip() or self.default

    def number(self) -> int:
        """The same as a number from 0. Raises NexusAssetsError where it is none."""
        if not self.value().isdecimal():
            raise NexusAssetsError(
                f"{self.name} is not a number.", remedy=f"Set it to a number, such as {self.default}."
            )
        return int(self.value())


DATABASE_URL = Setting("NEXUS_DATABASE_URL", "The Nexus database: postgresql://user:password@host:5432/database.")
EXPORTS = Setting("NEXUS_EXPORTS", "The folder or s3://bucket/prefix with FileMaker's exports.")
BUCKET = Setting("NEXUS_S3_BUCKET", "The bucket with the clinic's images and documents.")
ENDPOINT_URL = Setting("NEXUS_S3_ENDPOINT_URL", "The S3 server's address, where it is not AWS.")
FILEMAKER_URL = Setting(
    "NEXUS_FILEMAKER_URL",
    "The FileMaker Server, https://…, where its tables are read straight from it (Data API) in place of NEXUS_EXPORTS.",
)
FILEMAKER_DATABASE = Setting("NEXUS_FILEMAKER_DATABASE", "The database on that server.")
FILEMAKER_USER = Setting("NEXUS_FILEMAKER_USER", "An account that may read it, with the extended privilege fmrest.")
FILEMAKER_PASSWORD = Setting("NEXUS_FILEMAKER_PASSWORD", "The account's password.")
FILEMAKER_LAYOUTS = Setting(
    "NEXUS_FILEMAKER_LAYOUTS",
    "The layouts whose names are not those of the exports: Contacts=Contacts for Nexus; Notes=All notes.",
)
IMAGES_PREFIX = Setting(
    "NEXUS_IMAGES_PREFIX", "Where the image files lie in the bucket.", "filemaker-import/images-bulk-dump/"
)
DOCUMENTS_PREFIX = Setting(
    "NEXUS_DOCUMENTS_PREFIX", "Where the document files lie in the bucket.", "patients/filemaker-import/documents/"
)
TIME_ZONE = Setting("NEXUS_TIME_ZONE", "The clinic's time zone; FileMaker's times are local.", "Australia/Sydney")
DATE_ORDER = Setting(
    "NEXUS_DATE_ORDER", "mdy or dmy: the order of day and month where a column's dates all read both ways.", "mdy"
)
ENCODING = Setting(
    "NEXUS_EXPORT_ENCODING",
    "The encoding of text exports, in place of what the files themselves show (utf-8, utf-16, mac-roman, cp1252 …).",
)
ALLOW_UNVERIFIED = Setting(
    "NEXUS_ALLOW_UNVERIFIED",
    "Which connections to other machines may go without verified TLS: database, s3, filemaker, apart by blanks. `status` shows it.",
)
ALERT_URLS = Setting(
    "NEXUS_ALERT_URLS",
    "Where alerts are sent: Apprise addresses (mail, Slack, Teams, webhook …) apart by blanks, each with an optional"
    " rule before it: ERROR=mailto://…, ERROR:images|documents=slack://… .",
)
HEARTBEAT_URL = Setting("NEXUS_HEARTBEAT_URL", "Called after every good look for alerts, so that silence is noticed.")
DAGSTER_URL = Setting(
    "NEXUS_DAGSTER_URL", "Where Dagster's pages are, for the links in alerts.", "http://127.0.0.1:3000"
)
DAGSTER_PASSWORD = Setting(
    "NEXUS_DAGSTER_PASSWORD", "A password for Dagster's pages, whatever the user name; empty: they ask for none."
)
IMPORT_SCHEDULE = Setting(
    "NEXUS_IMPORT_SCHEDULE",
    "When the schedule imports everything, once it is turned on: cron, local time.",
    "0 5 * * *",
)
EXECUTOR = Setting(
    "NEXUS_EXECUTOR",
    "Which of Dagster's executors carries out the steps of a run: docs/deploying.md lists them.",
    "dagster.in_process_executor",
)

EXECUTOR_CONFIG = Setting("NEXUS_EXECUTOR_CONFIG", "That executor's own settings, as JSON or YAML.", "{}")

RETENTION_DAYS = Setting(
    "NEXUS_RETENTION_DAYS",
    "For how many days what is over is kept: loads, results of checks, resolved rejects and conflicts, alerts, Dagster's runs,"
    " reports. What is open, and the last of each, always stays.",
    "365",
)

REPORTS = Setting("NEXUS_REPORTS", "The folder of the import reports; `reports` in the local home where it is not set.")
REPORTS_URL = Setting(
    "NEXUS_REPORTS_URL",
    "Where another web server shows that folder, for the links to the reports; not set: Dagster's pages show them.",
)

CLINIC = Setting(
    CLINIC_VARIABLE,
    "The clinic's short name (lower case), where several clinics share Dagster: it stands before its assets and in its alerts,"
    " and its settings are those of clinics/NAME.env where there is such a file.",
)

UNDOABLE_LOADS = Setting(
    "NEXUS_UNDOABLE_LOADS",
    "How many of the last loads that changed something can be undone, of each table: what rows were before is kept in the ledger.",
    "10",
)

SETTINGS = tuple(each for each in [*globals().values()] if isinstance(each, Setting))
"""All of them, in the order of this file, in which docs/settings.md lists them. AWS's own (AWS_ACCESS_KEY_ID …) are read by its library."""


def clinic_name() -> str:
    """The clinic's short name; empty where none is set. Raises NexusAssetsError for one that can't stand in a key."""
    name = CLINIC.value()
    if name and not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise NexusAssetsError(
            f"{CLINIC.name} is not a name of lower-case letters, digits and underscores that begins with a letter.",
            remedy="Set it to a short name such as north.",
        )
    return name


@dataclass(frozen=True)
class Hosted:
    """The database on a FileMaker Server that is read in place of exports."""

    url: str
    database: str
    user: str
    password: str = field(repr=False)
    layouts: str = ""


@dataclass(frozen=True)
class Clinic:
    """Where one clinic's data comes from and goes to. Keys are empty where AWS's library finds them on its own.

    `exports` is empty where the tables are read from a FileMaker Server, `hosted`.
    """

    database_url: str = field(repr=False)
    exports: str
    bucket: str
    endpoint_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    region: str | None = None
    hosted: Hosted | None = None


def clinic() -> Clinic | None:
    """The clinic that the settings name; None where they name none, which means the local demo clinic.

    Raises NexusAssetsError where only a part is set: half a clinic would mix its data with the demo's.
    """
    tables = FILEMAKER_URL if FILEMAKER_URL.value() else EXPORTS
    if tables is FILEMAKER_URL and EXPORTS.value():
        raise NexusAssetsError(
            f"{EXPORTS.name} and {FILEMAKER_URL.name} are both set: it is unclear which of them has the clinic's tables.",
            remedy="Set one of them.",
        )
    account = (FILEMAKER_DATABASE, FILEMAKER_USER, FILEMAKER_PASSWORD) if tables is FILEMAKER_URL else ()
    needed = (DATABASE_URL, tables, *account, BUCKET)
    missing = [setting.name for setting in needed if not setting.value()]
    if not missing:
        _refuse_credentials()
        return Clinic(
            DATABASE_URL.value(), EXPORTS.value(), BUCKET.value(), ENDPOINT_URL.value() or None, hosted=_hosted()
        )
    if len(missing) < len(needed):
        present = [setting.name for setting in needed if setting.value()]
        raise NexusAssetsError(
            f"{' and '.join(present)} {'is' if len(present) == 1 else 'are'} set, {' and '.join(missing)}"
            f" {'is' if len(missing) == 1 else 'are'} not.",
            remedy="Set all of them (a real clinic) or none (the local demo clinic).",
        )
    return None


def _refuse_credentials() -> None:
    """Raises NexusAssetsError, without the value, where a bucket or a place of exports is an address that may hold a password:
    both are named in messages, in the ledger and in Nexus's rows."""
    if re.search(r"[@?#]", BUCKET.value()):
        raise NexusAssetsError(
            f"{BUCKET.name} is not the name of a bucket.", remedy="Write the name alone, without address or folder."
        )
    if "://" in EXPORTS.value() and not re.fullmatch(r"s3://[\w.-]+(/[^@?#]*)?", EXPORTS.value()):
        raise NexusAssetsError(
            f"{EXPORTS.name} is neither a folder nor a place in a bucket.",
            remedy="Write a path, or s3://bucket/prefix without user, password or query.",
        )


def _hosted() -> Hosted | None:
    said = (FILEMAKER_URL, FILEMAKER_DATABASE, FILEMAKER_USER, FILEMAKER_PASSWORD, FILEMAKER_LAYOUTS)
    return Hosted(*(setting.value() for setting in said)) if FILEMAKER_URL.value() else None
