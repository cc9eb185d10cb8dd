"""Which clients there are, and who may see which."""

from typing import TYPE_CHECKING

from django.db import models

from usermgmt.actor import Actor
from usermgmt.columns import fold
from usermgmt.rows import ListedQuerySet

if TYPE_CHECKING:
    from clients.models import Client  # noqa: F401  # named in the line of the class


class ClientQuerySet(ListedQuerySet["Client"]):
    def visible_to(self, actor: Actor) -> "ClientQuerySet":
        """The clients that `actor` may see: all for an administrator, else the own one; of them those in its scope."""
        allowed = self if actor.is_superuser else self.filter(pk__in=[actor.client_id])
        return allowed if actor.scope_id is None else allowed.filter(pk=actor.scope_id)

    def named(self, name: str) -> "ClientQuerySet":
        """The client of that name, without regard to case; at most one."""
        return self.filter(name_folded=fold(name.strip()))

    def matching(self, text: str) -> "ClientQuerySet":
        """Clients with `text` in any part of the name, without regard to case."""
        return self.filter(name_folded__contains=fold(text))


ClientManager = models.Manager.from_queryset(ClientQuerySet)
