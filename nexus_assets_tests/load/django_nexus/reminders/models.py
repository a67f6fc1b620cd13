"""Reminders: made by people, gone with their patient."""

import uuid

from django.db import models
from naming import table
from patients.models import Patient


class Reminder(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    patient = models.ForeignKey(Patient, models.CASCADE)
    note = models.TextField()
    status = models.CharField(max_length=20, default="pending")
    appointment_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = table("reminders")
