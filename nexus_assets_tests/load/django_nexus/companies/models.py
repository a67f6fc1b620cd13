"""Companies that refer or pay."""

import uuid

from django.db import models
from naming import table

TYPES = ("MEDICAL_PRACTICE", "NDIS_PROVIDER", "OTHER")


class Company(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=200)
    abn = models.CharField(max_length=20, null=True, blank=True)
    contact_json = models.JSONField(default=dict, null=True, blank=True)
    address_json = models.JSONField(default=dict, null=True, blank=True)
    company_type = models.CharField(max_length=50, default=TYPES[0], choices=[(name, name) for name in TYPES])
    filemaker_id = models.UUIDField(null=True, blank=True, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = table("companies")
