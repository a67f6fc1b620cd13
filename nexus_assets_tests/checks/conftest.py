"""What the tests of checks share: a loaded clinic, its bucket as a dictionary, and every check asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy

from nexus_assets.local import nexus_schema
from nexus_assets_tests.checks.clinic import CheckedClinic, furnish_for_checks
from nexus_assets_tests.conftest import Bucket
from nexus_assets_tests.load.conftest import one_connection

__all__ = ["one_connection"]


@pytest.fixture(scope="session")
def checked_template(kept_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database that holds a small clinic, loaded, with some rows of its own in Nexus."""
    url = kept_database()
    with closing(furnish_for_checks(CheckedClinic(url, tmp_path_factory.mktemp("checked")))) as clinic:
        with clinic.engine.begin() as connection:
            nexus_schema.create(connection)
            nexus_schema.seed(connection)
        clinic.load()
        clinic.add_native_rows()
    return str(sqlalchemy.make_url(url).database)


@pytest.fixture
def clinic(new_database: Callable[..., str], checked_template: str, tmp_path: Path) -> Iterator[CheckedClinic]:
    """A small clinic, loaded, in which nothing is wrong."""
    with closing(furnish_for_checks(CheckedClinic(new_database(checked_template), tmp_path))) as clinic:
        clinic.own_ledger()
        yield clinic


@pytest.fixture
def settled(clinic: CheckedClinic, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> CheckedClinic:
    """The clinic with its files in a real bucket, and both where the settings say."""
    clinic.place(bucket)
    for name, value in {
        "NEXUS_DATABASE_URL": clinic.url,
        "NEXUS_EXPORTS": str(clinic.folder),
        "NEXUS_S3_BUCKET": bucket.name,
        "NEXUS_S3_ENDPOINT_URL": bucket.endpoint_url,
        "AWS_ACCESS_KEY_ID": bucket.access_key_id,
        "AWS_SECRET_ACCESS_KEY": bucket.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    return clinic
