"""Appointments and their types."""

import uuid

from clinicians.models import Clinic, Clinician
from django.db import models
from naming import table
from patients.models import Patient

STATUSES = [(status, status) for status in ("scheduled", "checked_in", "completed", "cancelled", "no_show")]


class AppointmentType(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=100, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = table("appointment_types")


class Appointment(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    filemaker_event_id = models.UUIDField(null=True, blank=True, unique=True)
    clinic = models.ForeignKey(Clinic, models.PROTECT, null=True, blank=True)
    patient = models.ForeignKey(Patient, models.PROTECT, null=True, blank=True)
    clinician = models.ForeignKey(Clinician, models.SET_NULL, null=True, blank=True)
    appointment_type = models.ForeignKey(AppointmentType, models.SET_NULL, null=True, blank=True)
    start_time = models.DateTimeField()
    end_time = models.DateTimeField(null=True)
    status = models.CharField(max_length=20, default="scheduled", choices=STATUSES)
    notes = models.TextField(null=True, blank=True)
    needs_followup_reminder = models.BooleanField(default=False)
    followup_scheduled = models.BooleanField(default=False)
    is_recurring = models.BooleanField(default=False)
    invoice_contact_type = models.CharField(max_length=20, default="patient")
    billing_notes = models.TextField(blank=True)
    sms_confirmed = models.BooleanField(default=False)
    sms_cancelled = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = table("appointments")
