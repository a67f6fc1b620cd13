"""How people are related: a generic key on either side."""

import uuid

from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from naming import table


class ContactRelationship(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    from_content_type = models.ForeignKey(ContentType, models.CASCADE, related_name="+")
    from_object_id = models.UUIDField()
    from_object = GenericForeignKey("from_content_type", "from_object_id")
    to_content_type = models.ForeignKey(ContentType, models.CASCADE, related_name="+")
    to_object_id = models.UUIDField()
    to_object = GenericForeignKey("to_content_type", "to_object_id")
    relationship_type = models.CharField(max_length=50)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = table("contact_relationships")
