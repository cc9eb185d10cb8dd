"""Definitions of custom fields: what staff want to know of users beyond the directory's own columns."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from usermgmt.text import IDENTIFIER

NAME_MAX_LENGTH = 64


class CustomField(models.Model):
    """One definition. Without any, users hold whatever object is sent; with some, only what they allow.

    options: of a select field, the values that it takes. public: whether other users may see it, too.
    """

    class Kind(models.TextChoices):
        """What the values are."""

        TEXT = "text", "text"
        SELECT = "select", "select"

    name = models.CharField(max_length=NAME_MAX_LENGTH)
    kind = models.CharField("type", max_length=16, choices=Kind, default=Kind.TEXT)
    required = models.BooleanField(default=False)
    min_length = models.PositiveIntegerField(null=True, blank=True)  # characters
    max_length = models.PositiveIntegerField(null=True, blank=True)  # characters
    options = models.JSONField(default=list, blank=True)  # texts
    public = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1, editable=False)  # raised by every write
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["id"]  # the order in which their faults are told
        constraints = [
            models.UniqueConstraint(fields=["name"], name="custom_field_name_unique", violation_error_code="taken"),
            models.CheckConstraint(
                condition=Q(name__regex=IDENTIFIER),
                name="custom_field_name_form",
                violation_error_code="invalid",
            ),
            models.CheckConstraint(
                condition=Q(min_length=None) | Q(max_length=None) | Q(min_length__lte=models.F("max_length")),
                name="custom_field_lengths",
                violation_error_code="invalid",
            ),
        ]

    def __str__(self) -> str:
        return self.name
