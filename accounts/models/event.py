"""The audit trail: append-only rows of what happened (DESIGN 2, "Audit")."""

from typing import Any, ClassVar, NoReturn

from django.db import models
from django.db.models import Case, OuterRef, Q, Subquery, When
from django.utils import timezone

from accounts.models.team import Team
from accounts.models.user import User
from accounts.targets import TARGETS
from usermgmt.actor import Actor


class AppendOnly(TypeError):
    """Someone tried to change or delete a row of the audit trail."""

    def __init__(self) -> None:
        super().__init__("the audit trail is append-only")


class EventQuerySet(models.QuerySet["Event"]):
    def about(self, kind: str, pk: int) -> "EventQuerySet":
        """What happened to one target (`accounts.targets`), newest first."""
        return self.filter(target_kind=kind, target_id=pk).order_by("-id")

    def visible_to(self, actor: Actor) -> "EventQuerySet":
        """The rows that `actor` may read: an administrator all, bound to a client what is about it, its users and its
        teams; others what is about themselves."""
        if not actor.is_superuser:
            return self.filter(target_kind="user", target_id=actor.pk)
        if actor.scope_id is None:
            return self
        members = User.objects.in_scope_of(actor).values("pk")
        return self.filter(
            Q(target_kind="client", target_id=actor.scope_id)
            | Q(target_kind="user", target_id__in=members)
            | Q(target_kind="team", target_id__in=Team.objects.in_scope_of(actor).values("pk"))
        )

    def with_names(self, reader: Actor | None = None) -> "EventQuerySet":
        """With `actor_email` and `target_name`, as they are today; None of what is gone.

        reader: who reads them; then None, too, of an actor whom they may not see.
        """
        actors = User.objects.all() if reader is None else User.objects.visible_to(reader)
        return self.annotate(
            actor_email=Subquery(actors.filter(pk=OuterRef("actor_id")).values("email")),
            target_name=Case(
                *(
                    When(target_kind=kind, then=Subquery(target.names().filter(pk=OuterRef("target_id"))))
                    for kind, target in TARGETS.items()
                ),
                default=None,
            ),
        )

    def update(self, **values: Any) -> NoReturn:
        raise AppendOnly

    def delete(self) -> NoReturn:
        raise AppendOnly


EventManager = models.Manager.from_queryset(EventQuerySet)


class Event(models.Model):
    """Whatever they tell of is named by number, without foreign keys: rows outlive it."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    contract = models.CharField(max_length=32)
    action = models.CharField(max_length=64)
    actor_id = models.BigIntegerField(null=True)
    target_kind = models.CharField(max_length=32)
    target_id = models.BigIntegerField(null=True)
    changes = models.JSONField(default=dict)  # field: [before, after]
    request_id = models.CharField(max_length=64, blank=True)
    address = models.GenericIPAddressField(null=True)

    objects: ClassVar[EventManager] = EventManager()  # type: ignore[type-arg]

    class Meta:
        ordering = ["-id"]
        base_manager_name = "objects"  # what goes around the other managers is as append-only
        indexes = [
            models.Index(fields=["target_kind", "target_id", "id"], name="event_by_target"),
            models.Index(fields=["actor_id", "id"], name="event_by_actor"),
            models.Index(fields=["action", "id"], name="event_by_action"),
            models.Index(fields=["contract", "id"], name="event_by_contract"),
            models.Index(fields=["request_id"], name="event_by_request"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target_kind} {self.target_id or ''}".strip()

    def save(self, *args: Any, **options: Any) -> None:
        if self.pk is not None:
            raise AppendOnly
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        raise AppendOnly
