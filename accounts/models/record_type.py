"""Types of the records that users have: which profiles, relationships and transactables there are (DESIGN 2)."""

import re

from django.db import models
from django.db.models import Q
from django.utils import timezone

from usermgmt.columns import OrderedJSONField

NAME_MAX_LENGTH = 64
NAME_FORM = r"\A[0-9A-Za-z_-]+\Z"  # no dot: paths to properties have them

_NAME = re.compile(NAME_FORM)


def is_name(text: str) -> bool:
    """Whether a type, or a property that it defines, can be called that."""
    return len(text) <= NAME_MAX_LENGTH and _NAME.match(text) is not None


class RecordType(models.Model):
    """One type, which staff define.

    properties: the definitions of what its records hold, each name with `{"type": ...}`, one of `PropertyType`;
    without any, records of the type hold whatever properties are sent.
    """

    class Kind(models.TextChoices):
        """What its records are."""

        PROFILE = "profile", "profile"
        RELATIONSHIP = "relationship", "relationship"
        TRANSACTABLE = "transactable", "transactable"

    class PropertyType(models.TextChoices):
        """What the values of a property are."""

        TEXT = "text", "text"
        INTEGER = "integer", "whole number"
        NUMBER = "number", "number"
        BOOLEAN = "boolean", "yes or no"
        DATE = "date", "date"  # RFC 3339, full-date
        DATETIME = "datetime", "moment"  # RFC 3339
        LIST = "list", "list"
        OBJECT = "object", "object"

    kind = models.CharField(max_length=16, choices=Kind)
    name = models.CharField(max_length=NAME_MAX_LENGTH)
    properties = OrderedJSONField(default=dict, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)  # raised by every write
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["kind", "name"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "name"], name="record_type_unique", violation_error_code="taken"),
            models.CheckConstraint(
                condition=Q(name__regex=NAME_FORM),
                name="record_type_name_form",
                violation_error_code="invalid",
            ),
        ]

    def __str__(self) -> str:
        return self.name
