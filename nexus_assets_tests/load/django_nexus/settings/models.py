"""What a clinic sets up once: who pays."""

import uuid

from django.db import models
from naming import table


class FundingSource(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = table("funding_sources")
