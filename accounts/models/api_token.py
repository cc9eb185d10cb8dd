"""API tokens: long-lived, shown once, for programs (DESIGN 2, "Tokens")."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from clients.models import Client
from usermgmt.rows import ListedQuerySet

NAME_MAX_LENGTH = 255


class State(models.TextChoices):
    """What a token is good for now. ended: it died with every other token of its owner."""

    ALIVE = "alive", "alive"
    REVOKED = "revoked", "revoked"
    ENDED = "ended", "ended"
    EXPIRED = "expired", "expired"


class ApiTokenQuerySet(ListedQuerySet["ApiToken"]):
    """Queries on API tokens."""

    def alive(self, now: datetime | None = None) -> "ApiTokenQuerySet":
        """Those that open calls now: neither revoked nor past, their owner active and not signed out since."""
        return self.in_state(State.ALIVE, now)

    def in_state(self, state: str, now: datetime | None = None) -> "ApiTokenQuerySet":
        """Those of one state; see `ApiToken.state`."""
        if state == State.REVOKED:
            return self.exclude(revoked_at=None)
        unrevoked = self.filter(revoked_at=None)
        current = Q(user__is_active=True, version=F("user__token_version"))
        if state == State.ENDED:
            return unrevoked.filter(~current)
        future = Q(expires_at=None) | Q(expires_at__gt=now or timezone.now())
        return unrevoked.filter(current, future if state == State.ALIVE else ~future)

    def of_programs(self) -> "ApiTokenQuerySet":
        """Those that the native contract takes, lists and revokes."""
        return self.filter(kind=ApiToken.Kind.API)


ApiTokenManager = models.Manager.from_queryset(ApiTokenQuerySet)


class ApiToken(models.Model):
    """A token of one user; what the user may not do, it may not either.

    lookup: its public part, by which the row is found. digest: of the secret part, keyed. client: the one
    that it is bound to; None: to none. version: the owner's token version at the time it was made.
    """

    class Kind(models.TextChoices):
        """What it was made for."""

        API = "api", "API"
        LOGIN = "login", "login"  # of a contract whose sign-in gives long-lived tokens

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    client = models.ForeignKey(Client, on_delete=models.CASCADE, null=True, blank=True, related_name="api_tokens")
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.API)
    name = models.CharField(max_length=NAME_MAX_LENGTH)
    lookup = models.CharField(max_length=32, unique=True)
    digest = models.CharField(max_length=64)
    read_only = models.BooleanField(default=False)
    version = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True, db_index=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects: ClassVar[ApiTokenManager] = ApiTokenManager()  # type: ignore[type-arg]

    class Meta:
        verbose_name = "API token"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(name__regex=r"\S"), name="api_token_name_not_blank", violation_error_code="blank"
            ),
            models.CheckConstraint(
                condition=Q(digest__regex=r"^[0-9a-f]{64}$"),
                name="api_token_digest_form",
                violation_error_code="invalid",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> str:
        """In a word, whether it opens calls, and if not, why; asks the owner's row."""
        if self.revoked_at is not None:
            return State.REVOKED
        if self.version != self.user.token_version or not self.user.is_active:
            return State.ENDED
        if self.expires_at is not None and self.expires_at <= timezone.now():
            return State.EXPIRED
        return State.ALIVE
