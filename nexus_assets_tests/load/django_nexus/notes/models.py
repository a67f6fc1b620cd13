"""Clinical notes."""

import uuid

from django.db import models
from naming import table
from patients.models import Patient

TYPES = (
    *("clinical_notes", "clinic_dates", "order_notes", "admin_notes"),
    *("referral", "3d_scan_data", "workshop_note", "other"),
)


class Note(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    patient = models.ForeignKey(Patient, models.CASCADE)
    note_type = models.CharField(max_length=50, default="clinical_notes", choices=[(name, name) for name in TYPES])
    content = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    created_by = models.CharField(max_length=100, null=True, blank=True)

    class Meta:
        db_table = table("notes")
