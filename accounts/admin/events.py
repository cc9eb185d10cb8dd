"""The audit trail, to be read only."""

from datetime import UTC
from functools import cached_property
from typing import Any, NoReturn, cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.admin.filters import ActionFilter, ContractFilter, HappenedFilter
from accounts.models import Event
from accounts.models.event import EventQuerySet
from accounts.targets import TARGETS
from usermgmt.admin import words
from usermgmt.admin.model_admin import DirectoryAdmin
from usermgmt.http.ids import is_id

LISTED = 10_000  # of what is found the newest; to count and turn more pages would read the whole table


class NewestPaginator(Paginator):  # type: ignore[type-arg]  # generic for the checker only
    """Pages of the newest records."""

    @cached_property
    def count(self) -> int:
        found: Any = self.object_list
        return int(found.values("pk")[:LISTED].count())


@admin.register(Event)
class EventAdmin(DirectoryAdmin):
    list_display = ["when", "action", "target", "actor", "contract", "shown_changes", "address"]
    list_display_links = ["when"]
    list_filter = [ActionFilter, ContractFilter, HappenedFilter]
    search_fields = ["target_id", "actor_id", "request_id"]
    search_help_text = (
        "The number of a user, client, team, role, or of whatever else is told of, or a request id. "
        f"The newest {LISTED:,} are listed."
    )
    ordering = ["-id"]
    sortable_by = ()  # by number only: nothing else has an index
    paginator = NewestPaginator
    actions = None
    fields = ["id", "when", "action", "target", "actor", "contract", "shown_changes", "address", "request_id"]

    def get_queryset(self, request: HttpRequest) -> EventQuerySet:
        found: Any = super().get_queryset(request)
        return cast(EventQuerySet, found.with_names())

    def find(self, rows: EventQuerySet, word: str) -> EventQuerySet:
        wanted = Q(request_id=word)
        if is_id(word):
            # With the kind, for its index.
            wanted |= Q(target_kind__in=list(TARGETS), target_id=int(word)) | Q(actor_id=int(word))
        return rows.filter(wanted)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return False

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> NoReturn:
        raise Http404  # what is never changed has none

    @admin.display(description="when (UTC)")
    def when(self, event: Event) -> str:
        return f"{event.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"

    @admin.display(description="about")
    def target(self, event: Any) -> str:
        return _named(event.target_kind, event.target_id, event.target_name)

    @admin.display(description="by")
    def actor(self, event: Any) -> str:
        return _named("user", event.actor_id, event.actor_email) if event.actor_id is not None else "nobody signed in"

    @admin.display(description="changes")
    def shown_changes(self, event: Event) -> str:
        return words.of_changes(event.changes)


def _named(kind: str, pk: int | None, name: str | None) -> str:
    """Whatever has a page as a link, or by number if it is gone."""
    shown = kind.replace("_", " ")
    if pk is None:
        return shown
    if name is None:
        return f"{shown} {pk}"
    return format_html('<a href="{}">{}</a>', reverse(TARGETS[kind].page, args=[pk]), name)
