"""One-time tokens: what a link in a mail is good for (native contract 7)."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Purpose(models.TextChoices):
    """What a token lets its holder do; it is good for nothing else."""

    PASSWORD_RESET = "password_reset", "password reset"
    EMAIL_VERIFICATION = "email_verification", "e-mail verification"
    INVITATION = "invitation", "invitation"


class OneTimeTokenQuerySet(models.QuerySet["OneTimeToken"]):
    """Queries on one-time tokens."""

    def alive(self) -> "OneTimeTokenQuerySet":
        """Those that are not past."""
        return self.filter(expires_at__gt=timezone.now())


OneTimeTokenManager = models.Manager.from_queryset(OneTimeTokenQuerySet)


class OneTimeToken(models.Model):
    """256 random bits that went out in a mail; only their digest is here. Using one deletes its row.

    Bound to its user, its purpose, the address that it was sent to and the password of that time: a new
    address or password makes it worthless.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="one_time_tokens")
    purpose = models.CharField(max_length=32, choices=Purpose)
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the token, hexadecimal
    address = models.CharField(max_length=255)  # the canonical address that it was sent to
    password_version = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    objects: ClassVar[OneTimeTokenManager] = OneTimeTokenManager()  # type: ignore[type-arg]

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(purpose__in=Purpose.values),
                name="one_time_token_purpose_known",
                violation_error_code="invalid",
            ),
        ]

    def __str__(self) -> str:
        return f"one-time token {self.pk}"
