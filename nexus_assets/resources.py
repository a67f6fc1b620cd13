"""The outside world: the Nexus database, FileMaker's exports, the clinic's bucket. What they connect to comes from the settings
alone (law 8).

This module does not import Dagster, which takes half of the time of a command like `status`; `graph.resources` makes Dagster's
resources of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, wait
from functools import cache
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from nexus_assets import clinics, settings
from nexus_assets.errors import NexusAssetsError
from nexus_assets.local.home import is_demo, local_home
from nexus_assets.log_redaction import silence_libraries

if TYPE_CHECKING:
    import sqlalchemy

    from nexus_assets.alerts.delivery import Sender
    from nexus_assets.mapping.entity import Listing
    from nexus_assets.sources.data_api import HostedLayout
    from nexus_assets.sources.data_api_session import FileMakerServer
    from nexus_assets.sources.filemaker import ExportFile, OpenExport
    from nexus_assets.sources.s3 import KeptListing, StoredObject

    Table = ExportFile | HostedLayout
    """What holds one of FileMaker's tables."""

ATTEMPTS = 4
"""How often a throttled or failed S3 request is tried, with growing pauses, before the load gives up."""

MAKES_CLIENT = Lock()
"""Held while boto3 makes a client, which it does not do safely in two threads at once."""

CONNECT_SECONDS, READ_SECONDS = 10, 60
"""How long one of these requests may wait for a connection, and for each part of the answer: a page that hangs is given up."""


class NexusDatabase:
    """The Nexus database."""

    def engine(self) -> sqlalchemy.Engine:
        """An engine for the database; connects to nothing yet."""
        from nexus_assets.nexus.connection import make_engine

        return make_engine(the_clinic().database_url)


def the_clinic() -> settings.Clinic:
    """The clinic that the settings name; the local demo clinic, its servers started if need be, where none is named.

    Raises NexusAssetsError where only a part is set, or the demo is not installed.
    """
    return settings.clinic() or _local_clinic()


def _local_clinic() -> settings.Clinic:
    unset = f"{settings.DATABASE_URL.name}, {settings.EXPORTS.name} and {settings.BUCKET.name} are not set, and the local demo clinic"
    try:
        from nexus_assets.local.services import connect
    except ImportError as error:
        raise NexusAssetsError(
            f"{unset} is not installed ({error.name} is missing).",
            remedy="Set them in the environment or in .env, or run `pip install 'nexus-assets[local]'`.",
        ) from None
    if not is_demo(local_home()):
        if (names := clinics.names()) and not settings.clinic_name():
            raise NexusAssetsError(
                f"The settings are those of several clinics ({', '.join(names)}), and none of them is named.",
                remedy=f"Name one: `nexus-assets --clinic {names[0]} …`, or {settings.CLINIC.name}={names[0]} before a command of"
                " Dagster's.",
            )
        raise NexusAssetsError(
            f"{unset} is not made yet.",
            remedy="Set them in the environment or in .env of this folder; or make it: `nexus-assets demo` (in a checkout"
            " `python3 dev.py demo`).",
        )
    services = connect()
    return settings.Clinic(
        services.database_url,
        str(services.exports),
        services.bucket,
        services.s3_endpoint_url,
        services.s3_access_key_id,
        services.s3_secret_access_key,
        "us-east-1",
    )


@cache
def _service_models() -> Any:
    """What botocore knows of S3, read once by a process: nine tenths of the 100 ms that a client takes."""
    import botocore.session

    return botocore.session.get_session().get_component("data_loader")


def _client(clinic: settings.Clinic, *, with_times: bool = True) -> Any:
    """A boto3 S3 client, with time limits; `with_times=False` leaves out when each object was last changed: nothing asks for
    it in a listing of the bucket, and botocore takes longer to read it than all the rest."""
    import boto3
    import botocore.session
    from botocore.config import Config

    from nexus_assets.sources.s3_causes import made_client
    from nexus_assets.sources.s3_pages import refuse_portals

    silence_libraries()
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"max_attempts": ATTEMPTS - 1, "mode": "standard"},  # those after the first
        # boto3 still presigns for some servers in a way that newer ones refuse.
        signature_version="s3v4",
    )

    def make() -> Any:
        session = botocore.session.get_session()
        session.register_component("data_loader", _service_models())
        if not with_times:
            session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=str)
        return boto3.Session(clinic.access_key_id, clinic.secret_access_key, botocore_session=session).client(
            "s3", endpoint_url=clinic.endpoint_url, region_name=clinic.region, config=config
        )

    return refuse_portals(made_client(make, clinic.bucket))


class FileMakerExports:
    """FileMaker's tables: exports in a folder or under an s3:// prefix, found by name, or the layouts of a hosted database."""

    def server(self) -> FileMakerServer | None:
        """The FileMaker Server that is read in place of exports, where one is set. Raises NexusAssetsError."""
        if (hosted := the_clinic().hosted) is None:
            return None
        from nexus_assets.sources.data_api_session import FileMakerServer, layouts_by_export

        layouts = layouts_by_export(hosted.layouts)
        return FileMakerServer(hosted.url, hosted.database, hosted.user, hosted.password, layouts)

    def find(self, name: str, *, required: bool = True) -> Table | None:
        """The newest export of that name, or its layout; None where there is none and none is required. Raises ExportError."""
        if (server := self.server()) is not None:
            from nexus_assets.sources.data_api import find_layout

            return find_layout(server, name, required=required)
        from nexus_assets.sources.filemaker import find_export

        clinic = the_clinic()
        location = clinic.exports
        client = _client(clinic) if location.startswith("s3://") else None
        return find_export(location, name, s3_client=client, required=required)

    def open(self, found: Table, wanted: tuple[str, ...], optional: tuple[str, ...]) -> OpenExport:
        """The table with its header read, ready to be streamed. Raises ExportError."""
        from nexus_assets.sources.filemaker import ExportFile, ReadSettings, open_export

        if not isinstance(found, ExportFile):
            from nexus_assets.sources.data_api import open_layout

            return open_layout(found, wanted=wanted, optional=optional)
        read = ReadSettings(encoding=settings.ENCODING.value() or None)
        return open_export(found, wanted=wanted, optional=optional, settings=read)


class ClinicBucket:
    """The bucket with the clinic's image and document files."""

    def __init__(self) -> None:
        self._listed: dict[tuple[str, str], Future[KeptListing]] = {}
        self._made_client: Any = None

    def name(self) -> str:
        """The bucket's name."""
        return the_clinic().bucket

    def client(self) -> Any:
        """A boto3 S3 client that retries what is throttled; made once, as making one takes longer than many a request."""
        with MAKES_CLIENT:
            if self._made_client is None:
                self._made_client = _client(the_clinic(), with_times=False)
        return self._made_client

    def address(self, seconds: int) -> Callable[[str], str]:
        """Makes the address of a file as the front end makes it: presigned, good for so many seconds."""
        client, name = self.client(), self.name()
        return lambda key: str(
            client.generate_presigned_url("get_object", Params={"Bucket": name, "Key": key}, ExpiresIn=seconds)
        )

    def prefix(self, listing: Listing) -> str:
        """Where the files of a listing lie."""
        if listing == "images":
            return settings.IMAGES_PREFIX.value()
        return settings.DOCUMENTS_PREFIX.value()

    def list_ahead(self, listings: Iterable[Listing], run_id: str) -> None:
        """Begins to list these, all at once, and returns: a run can load meanwhile what needs no files. One that was begun
        and did not fail is not begun again; a failure shows where the listing is read."""
        for listing in listings:
            begun = self._listed.get((run_id, listing))
            if begun is None or (begun.done() and begun.exception() is not None):
                self._begin(listing, run_id)

    def list_first(self, listings: Iterable[Listing], run_id: str) -> None:
        """Lists these now, before a transaction is begun that would be idle meanwhile; a failure shows where a listing is read."""
        wanted = tuple(listings)
        self.list_ahead(wanted, run_id)
        wait([self._listed[run_id, listing] for listing in wanted])

    def objects(self, listing: Listing, run_id: str) -> Iterator[StoredObject]:
        """Every file of a listing. Listed once a run, kept in a temporary file: loads and checks of a run see the same.

        Raises BucketError where the bucket can't be listed.
        """
        yield from (self._listed.get((run_id, listing)) or self._begin(listing, run_id)).result()

    def _begin(self, listing: Listing, run_id: str) -> Future[KeptListing]:
        listed: Future[KeptListing] = Future()
        self._listed[run_id, listing] = listed
        # Nobody waits for it where the run ends without having read it.
        Thread(target=self._list, args=(listing, listed), daemon=True).start()
        return listed

    def _list(self, listing: Listing, listed: Future[KeptListing]) -> None:
        from nexus_assets.sources.s3 import KeptListing, list_objects

        try:
            listed.set_result(KeptListing(list_objects(self.client(), self.name(), self.prefix(listing), listing)))
        except BaseException as error:
            listed.set_exception(error)


class Notifier:
    """Where alerts are sent. Addresses hold passwords: they are read from the environment, and shown nowhere."""

    def sender(self) -> Sender:
        """What sends to the destinations that are set. Raises NexusAssetsError for an address that can't be read."""
        from nexus_assets.alerts.delivery import Sender
        from nexus_assets.alerts.policy import destinations

        return Sender(destinations(settings.ALERT_URLS.value()), settings.HEARTBEAT_URL.value())


def content_hash(found: Table) -> str:
    """The SHA-256 of the file's bytes, or of a layout's records: its data version. Raises ExportError."""
    from nexus_assets.sources.filemaker import ExportFile

    if not isinstance(found, ExportFile):
        return found.content_hash()
    digest = hashlib.sha256()
    with found.open() as content:
        while block := content.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def describe(found: Table) -> Mapping[str, Any]:
    """What the ledger and the metadata keep of an export: its file name, time and version; never its folder or server."""
    from nexus_assets.sources.filemaker import ExportFile

    if not isinstance(found, ExportFile):
        return {"file": found.described, "modified": found.modified.isoformat(), "version": None}
    return {"file": Path(found.location).name, "modified": found.modified.isoformat(), "version": found.version}
