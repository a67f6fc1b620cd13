"""A Django project over the tables of Nexus, with models of its own: makes them as Django does, and reads what was loaded.

`python project.py` answers each line of JSON, the name of a database beside that of NEXUS_DATABASE_URL and one of the COMMANDS
with its arguments, by a line of JSON. Each is carried out in a process of its own that Django has been set up in.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings

APPS = (
    *("settings", "clinicians", "patients", "appointments", "notes", "documents", "images", "contacts", "reminders"),
    *("companies", "referrers"),
)
DJANGOS = ("admin", "auth", "contenttypes", "messages", "sessions")


def configure() -> None:
    sys.path.insert(0, str(Path(__file__).parent))
    url = urlsplit(os.environ["NEXUS_DATABASE_URL"])
    settings.configure(
        INSTALLED_APPS=[*(f"django.contrib.{name}" for name in DJANGOS), *APPS],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "HOST": url.hostname,
                "PORT": url.port,
                "NAME": url.path.removeprefix("/"),
                "USER": url.username,
                "PASSWORD": url.password,
            }
        },
        USE_TZ=True,
        TIME_ZONE="Australia/Sydney",
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    )
    django.setup()


def create() -> None:
    """Makes every table the way Django makes them, and the content types with them."""
    from django.core.management import call_command

    # Apps without migrations are made before those that have some, on which they may depend.
    call_command("migrate", "auth", verbosity=0)
    call_command("migrate", run_syncdb=True, verbosity=0)


def models() -> dict[str, list[str]]:
    """(`app_label`, `model`) of every model by its table."""
    from django.apps import apps

    return {model._meta.db_table: model._meta.label_lower.split(".") for model in apps.get_models()}


def read() -> dict[str, Any]:
    """Reads every row of every model: how many, what Django would refuse on a later edit, and where generic keys lead."""
    from django.apps import apps
    from django.core.exceptions import ValidationError
    from images.models import ImageBatch

    told: dict[str, Any] = {"rows": {}, "refused": [], "leads_to": {}, "leads_nowhere": 0}
    for label in APPS:
        for model in apps.get_app_config(label).get_models():
            rows = list(model.objects.all())
            if rows:
                told["rows"][model._meta.label_lower] = len(rows)
            for row in rows:
                try:
                    row.full_clean()
                except ValidationError as error:
                    told["refused"].append({model._meta.label_lower: error.message_dict})
                if hasattr(row, "content_type_id") and row.object_id is not None:
                    target = row.content_object
                    told["leads_nowhere"] += target is None
                    if target is not None:
                        name = f"{model._meta.label_lower} -> {target._meta.label_lower}"
                        told["leads_to"][name] = told["leads_to"].get(name, 0) + 1
    # What the front end does: a patient's batches, newest first, and their images in order.
    told["albums"] = [
        [
            str(batch.content_object),
            batch.name,
            batch.image_count,
            [image.order for image in batch.images.order_by("order")],
        ]
        for batch in ImageBatch.objects.order_by("-uploaded_at", "object_id")
    ]
    return told


def delete(filemaker_id: str) -> dict[str, int]:
    """Deletes a person as the Nexus app does: appointments protect, notes go with them, generic keys stay behind."""
    from appointments.models import Appointment
    from django.db.models import ProtectedError
    from patients.models import Patient

    patient = Patient.objects.get(filemaker_metadata__filemaker_id=filemaker_id)
    protected = 0
    try:
        patient.delete()
    except ProtectedError as error:
        protected = len(error.protected_objects)
    Appointment.objects.filter(patient=patient).delete()
    deleted = patient.delete()[1]
    return {**deleted, "protected": protected}


def delete_under_guard(filemaker_id: str, order: str) -> dict[str, Any]:
    """Deletes a person and all that is theirs in one transaction: the person first or last, or them alone.

    Tells what was deleted, or the constraint by which the database refused.
    """
    from appointments.models import Appointment
    from django.contrib.contenttypes.models import ContentType
    from django.db import IntegrityError, transaction
    from documents.models import Document
    from images.models import ImageBatch
    from patients.models import Patient

    patient = Patient.objects.get(filemaker_metadata__filemaker_id=filemaker_id)
    key = {"content_type": ContentType.objects.get_for_model(Patient), "object_id": patient.pk}
    belongings = [] if order == "alone" else [model.objects.filter(**key) for model in (ImageBatch, Document)]
    deleted: dict[str, int] = {}
    try:
        with transaction.atomic():
            # PROTECT is Django's own: it looks before it deletes, so what protects goes first.
            Appointment.objects.filter(patient=patient).delete()
            for rows in [patient, *belongings] if order == "person first" else [*belongings, patient]:
                deleted.update(rows.delete()[1])
    except IntegrityError as error:
        return {"refused": error.__cause__.diag.constraint_name}  # type: ignore[union-attr]
    return {"deleted": deleted}


def relink(filemaker_id: str, other: str) -> int:
    """Gives a person's documents to somebody else, by the field that Django makes over both halves; returns how many."""
    from documents.models import Document
    from patients.models import Patient

    patient, somebody = (Patient.objects.get(filemaker_metadata__filemaker_id=each) for each in (filemaker_id, other))
    documents = Document.objects.filter(object_id=patient.pk)
    for document in documents:
        document.content_object = somebody
        document.save()
    return Document.objects.filter(object_id=somebody.pk).count()


def migrate(name: str) -> dict[str, str]:
    """Runs the operations of one of Django's migrations, as `manage.py migrate` does: all in one transaction."""
    from django.apps import apps
    from django.contrib.contenttypes.management import RenameContentType
    from django.db import connection, migrations, models
    from django.db.migrations.state import ProjectState

    def new_key() -> list[tuple[str, Any]]:
        return [
            (
                "content_type",
                models.ForeignKey("contenttypes.ContentType", models.CASCADE, null=True, related_name="+"),
            ),
            ("object_id", models.UUIDField(null=True)),
        ]

    wider = migrations.AlterField("imagebatch", "object_id", models.CharField(max_length=40))
    renamed = migrations.RenameField("imagebatch", "object_id", "subject_id")
    sketch = [("id", models.UUIDField(primary_key=True)), *new_key()]
    # name: each operation with its app
    operations: dict[str, list[tuple[str, Any]]] = {
        "AlterField": [("images", wider)],
        "RenameField": [("images", renamed)],
        "AlterModelTable": [("images", migrations.AlterModelTable("imagebatch", "albums"))],
        "RemoveField": [("documents", migrations.RemoveField("document", "object_id"))],
        "DeleteModel": [("documents", migrations.DeleteModel("Document"))],
        "RenameModel": [
            ("images", migrations.RenameModel("ImageBatch", "Album")),
            ("images", RenameContentType("images", "imagebatch", "album")),
        ],
        "AlterField of the key referred to": [
            ("patients", migrations.AlterField("patient", "id", models.CharField(max_length=40, primary_key=True)))
        ],
        "CreateModel with a generic key": [("images", migrations.CreateModel("Sketch", sketch))],
        "AddField of a generic key": [
            ("reminders", migrations.AddField("reminder", *field)) for field in new_key()
        ],
        "RunPython and AlterField": [("images", migrations.RunPython(_relink_every_batch)), ("images", wider)],
        "RunPython and RenameField": [("images", migrations.RunPython(_relink_every_batch)), ("images", renamed)],
        "squashed": [
            ("images", migrations.RunPython(_relink_every_batch)),
            ("images", migrations.AddField("imagebatch", "shelf", models.TextField(default="", blank=True))),
            ("images", renamed),
            ("images", migrations.AlterModelTable("imagebatch", "albums")),
        ],
        "AddField": [("images", migrations.AddField("imagebatch", "shelf", models.TextField(default="", blank=True)))],
        "RunPython": [("images", migrations.RunPython(_change_every_batch))],
        "RunPython and AddField": [
            ("images", migrations.RunPython(_relink_every_batch)),
            ("images", migrations.AddField("imagebatch", "shelf", models.TextField(default="", blank=True))),
        ],
        "deleted rows and AddField": [
            ("documents", migrations.RunPython(_delete_every_document)),
            ("documents", migrations.AddField("document", "shelf", models.TextField(default="", blank=True))),
        ],
    }  # fmt: skip
    state = ProjectState.from_apps(apps)
    with connection.schema_editor(atomic=True) as editor:
        for app, operation in operations[name]:
            then = state.clone()
            operation.state_forwards(app, then)
            operation.database_forwards(app, editor, state, then)
            state = then
    return {"migrated": name}


def _change_every_batch(apps: Any, _: Any) -> None:
    for batch in apps.get_model("images", "ImageBatch").objects.all():
        batch.description = "changed"
        batch.save()


def _relink_every_batch(apps: Any, _: Any) -> None:
    """Gives every batch to the next patient: links change, and each leads to somebody."""
    patients = list(apps.get_model("patients", "Patient").objects.order_by("id"))
    following = {one.pk: other.pk for one, other in zip(patients, [*patients[1:], patients[0]], strict=True)}
    for batch in apps.get_model("images", "ImageBatch").objects.all():
        batch.object_id = following[batch.object_id]
        batch.save()


def _delete_every_document(apps: Any, _: Any) -> None:
    apps.get_model("documents", "Document").objects.all().delete()


COMMANDS: dict[str, Callable[..., Any]] = {
    "create": create,
    "models": models,
    "read": read,
    "delete": delete,
    "delete_under_guard": delete_under_guard,
    "relink": relink,
    "migrate": migrate,
}


def answer(database: str, command: str, *arguments: str) -> Any:
    from django.db import connection

    connection.settings_dict["NAME"] = database
    try:
        return {"told": COMMANDS[command](*arguments)}
    except Exception:
        return {"error": traceback.format_exc()}


if __name__ == "__main__":
    configure()
    for line in sys.stdin:
        if os.fork() == 0:
            sys.stdout.write(json.dumps(answer(*json.loads(line))) + "\n")
            sys.stdout.flush()
            os._exit(0)
        os.wait()
