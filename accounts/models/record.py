"""Records that users have, each of a type that staff define (DESIGN 2)."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models.record_type import RecordType
from usermgmt.rows import ListedQuerySet

TITLE_MAX_LENGTH = 255
DESCRIPTION_MAX_LENGTH = 10_000
CURRENCY = "USD"  # where none is said


RecordManager = models.Manager.from_queryset(ListedQuerySet)


class Record(models.Model):
    """What all of them have. properties: as the type defines them."""

    type = models.ForeignKey(RecordType, on_delete=models.PROTECT, related_name="+")
    properties = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = RecordManager()

    class Meta:
        abstract = True


class UserProfile(Record):
    """The profile of a user, of one type."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="profiles")

    class Meta:
        verbose_name = "profile"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "type"], name="profile_unique", violation_error_code="taken")
        ]

    def __str__(self) -> str:
        return f"{self.type} of {self.user}"


class Relationship(Record):
    """That a user is related to another one of the same client, who need not be related back."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="relationships")
    related_user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="related_by")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "type", "related_user"], name="relationship_unique", violation_error_code="taken"
            ),
            models.CheckConstraint(
                condition=~Q(user=F("related_user")), name="relationship_of_two", violation_error_code="invalid"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.type} {self.related_user}"


class Transactable(Record):
    """An item that a user owns. currency: of its prices, ISO 4217."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="transactables")
    name = models.CharField(max_length=TITLE_MAX_LENGTH, blank=True)
    description = models.TextField(max_length=DESCRIPTION_MAX_LENGTH, blank=True)
    currency = models.CharField(max_length=3, default=CURRENCY)
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(currency__regex=r"\A[A-Z]{3}\Z"),
                name="transactable_currency_form",
                violation_error_code="invalid",
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.type} of {self.user}"
