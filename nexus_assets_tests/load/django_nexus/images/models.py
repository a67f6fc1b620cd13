"""Image batches, of whatever they are linked to, and their images."""

import uuid

from django.contrib.auth.models import User
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from naming import table


class ImageBatch(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.UUIDField()
    content_object = GenericForeignKey()
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    uploaded_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True)
    uploaded_at = models.DateTimeField(auto_now_add=True)
    image_count = models.IntegerField(default=0)

    class Meta:
        db_table = table("images_batch")
        indexes = [models.Index(fields=["content_type", "object_id"])]  # noqa: RUF012 - Django's form


class Image(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    batch = models.ForeignKey(ImageBatch, models.CASCADE, related_name="images")
    s3_key = models.CharField(max_length=500)
    s3_thumbnail_key = models.CharField(max_length=500, blank=True)
    original_name = models.CharField(max_length=255)
    file_size = models.IntegerField()
    thumbnail_size = models.IntegerField(null=True, blank=True)
    mime_type = models.CharField(max_length=100, default="image/jpeg")
    category = models.CharField(max_length=100, blank=True)
    caption = models.TextField(blank=True)
    date_taken = models.DateField(null=True, blank=True)
    uploaded_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True)
    uploaded_at = models.DateTimeField(auto_now_add=True)
    filemaker_id = models.UUIDField(null=True, blank=True, unique=True)
    order = models.IntegerField(default=0)
