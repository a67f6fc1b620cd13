"""Patients."""

import uuid

from clinicians.models import Clinic
from django.db import models
from naming import table
from settings.models import FundingSource

TITLES = [(title, title) for title in ("Mr", "Mrs", "Ms", "Miss", "Dr", "Prof")]
SEXES = [("M", "Male"), ("F", "Female"), ("O", "Other")]


class Patient(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    mrn = models.CharField(max_length=50, null=True, blank=True, unique=True)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100)
    middle_names = models.CharField(max_length=100, null=True, blank=True)
    dob = models.DateField(null=True, blank=True)
    sex = models.CharField(max_length=20, null=True, blank=True, choices=SEXES)
    title = models.CharField(max_length=10, null=True, blank=True, choices=TITLES)
    health_number = models.CharField(max_length=50, null=True, blank=True)
    funding_type = models.ForeignKey(FundingSource, models.SET_NULL, null=True, blank=True)
    clinic = models.ForeignKey(Clinic, models.SET_NULL, null=True, blank=True)
    plan_dates_json = models.JSONField(null=True, blank=True, default=list)
    notes = models.TextField(null=True, blank=True)
    filemaker_metadata = models.JSONField(null=True, blank=True)
    archived = models.BooleanField(default=False)
    archived_at = models.DateTimeField(null=True, blank=True)
    archived_by = models.CharField(max_length=100, null=True, blank=True)
    contact_json = models.JSONField(null=True, blank=True, default=dict)
    address_json = models.JSONField(null=True, blank=True, default=dict)
    emergency_json = models.JSONField(null=True, blank=True, default=dict)
    flags_json = models.JSONField(null=True, blank=True, default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = table("patients")

    def __str__(self) -> str:
        return self.last_name
