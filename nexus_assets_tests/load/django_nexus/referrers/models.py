"""Who refers patients, what they practise, and the links to companies and patients."""

import uuid

from companies.models import Company
from django.db import models
from naming import table
from patients.models import Patient

STATUSES = ("ACTIVE", "INACTIVE", "PENDING")


class Specialty(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=100, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = table("specialties")


class Referrer(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    title = models.CharField(max_length=10, null=True, blank=True)
    first_name = models.CharField(max_length=100)
    last_name = models.CharField(max_length=100)
    specialty = models.ForeignKey(Specialty, models.SET_NULL, null=True, blank=True)
    contact_json = models.JSONField(default=dict, null=True, blank=True)
    address_json = models.JSONField(default=dict, null=True, blank=True)
    practice_name = models.CharField(max_length=200, null=True, blank=True)
    company = models.ForeignKey(Company, models.SET_NULL, null=True, blank=True)
    notes = models.TextField(null=True, blank=True)
    filemaker_id = models.UUIDField(null=True, blank=True, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = table("referrers")


class ReferrerCompany(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    referrer = models.ForeignKey(Referrer, models.CASCADE)
    company = models.ForeignKey(Company, models.CASCADE)
    position = models.CharField(max_length=100, null=True, blank=True)
    is_primary = models.BooleanField(default=False)
    filemaker_id = models.UUIDField(null=True, blank=True, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = table("referrer_companies")
        unique_together = (("referrer", "company"),)


class PatientReferrer(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    patient = models.ForeignKey(Patient, models.CASCADE)
    referrer = models.ForeignKey(Referrer, models.CASCADE)
    referral_date = models.DateField(null=True, blank=True)
    referral_reason = models.TextField(null=True, blank=True)
    status = models.CharField(max_length=20, default=STATUSES[0], choices=[(name, name) for name in STATUSES])
    is_primary = models.BooleanField(default=False)
    filemaker_id = models.UUIDField(null=True, blank=True, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = table("patient_referrers")
        unique_together = (("patient", "referrer"),)
