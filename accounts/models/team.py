"""Teams: groups of users of one client."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from clients.models import Client
from usermgmt.actor import Actor
from usermgmt.columns import FoldedField, FoldsColumns, fold
from usermgmt.rows import ListedQuerySet

NAME_MAX_LENGTH = 255


class TeamQuerySet(ListedQuerySet["Team"]):
    """Queries on teams."""

    def in_scope_of(self, actor: Actor | None) -> "TeamQuerySet":
        """The teams that are there for `actor` at all: those of one client, if the token at hand is bound to it."""
        return self if actor is None or actor.scope_id is None else self.filter(client_id=actor.scope_id)

    def joined_by_default(self) -> "TeamQuerySet":
        """Those that every new user of their client joins."""
        return self.filter(join_by_default=True)

    def matching(self, text: str) -> "TeamQuerySet":
        """Teams with `text` in any part of the name, without regard to case."""
        return self.filter(name_folded__contains=fold(text))


TeamManager = models.Manager.from_queryset(TeamQuerySet)


class Team(FoldsColumns):
    """Some users of a client. join_by_default: every new user of the client joins, unless the call says otherwise."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=NAME_MAX_LENGTH)
    name_folded = FoldedField(sources=["name"])
    join_by_default = models.BooleanField(default=False)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="accounts.Membership", related_name="teams")
    version = models.PositiveIntegerField(default=1, editable=False)  # raised by every write
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[TeamManager] = TeamManager()  # type: ignore[type-arg]

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["client", "name_folded"], name="team_name_unique", violation_error_code="taken"
            ),
            models.CheckConstraint(
                condition=Q(name__regex=r"\S"), name="team_name_not_blank", violation_error_code="blank"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """That a user is in a team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], name="membership_unique", violation_error_code="taken")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.team_id}"
