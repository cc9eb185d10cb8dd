"""The native contract's calls on the audit trail (native contract 7)."""

from collections.abc import Sequence
from typing import Any, cast

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import permissions
from accounts.api.event_filters import EventFilterSet, UserEventFilterSet
from accounts.api.mapping import to_event
from accounts.api.schema.events import EVENT_CALLS, USER_EVENT_CALLS
from accounts.models import Event
from accounts.models.event import EventQuerySet
from accounts.services import events
from usermgmt.errors import Fault
from usermgmt.http.filters import narrowed
from usermgmt.http.ids import id_of
from usermgmt.http.pagination import NativePagination
from usermgmt.http.schema import documented
from usermgmt.http.viewsets import Calls, actor_of


class _Trail(Calls):
    """A list of rows of the audit trail, newest first."""

    collection = "events"
    orderings = {"-id": "id"}
    queryset = Event.objects.all()
    pagination_class = NativePagination

    def get_permissions(self) -> list[Any]:
        # A method that there is no action for goes on to its 405.
        return super().get_permissions() if self.action else [IsAuthenticated()]

    def page(self, request: Request, found: EventQuerySet, faults: Sequence[Fault] = ()) -> Response:
        reader = actor_of(request)
        named = found.with_names(reader)
        page = self.paginator.paginate_queryset(named, request, view=self, reported=faults)  # type: ignore[union-attr,call-arg]
        return self.get_paginated_response([to_event(event, reader) for event in page or ()])


@documented(**EVENT_CALLS)
class EventViewSet(_Trail):
    """The whole trail."""

    kind = "event"
    permission_classes = [IsAuthenticated, permissions.ReadsTrail]

    def list(self, request: Request) -> Response:
        visible = Event.objects.visible_to(actor_of(request))
        found, faults = narrowed(EventFilterSet, visible, request)
        return self.page(request, cast(EventQuerySet, found), faults)


@documented(**USER_EVENT_CALLS)
class UserEventViewSet(_Trail):
    """What is about one user: administrators anybody's, others their own."""

    kind = "user"
    permission_classes = [IsAuthenticated, permissions.ViewsUser]

    def list(self, request: Request, id: str) -> Response:
        trail = events.of_user(actor=actor_of(request), user_id=id_of(id, "user"))
        found, faults = narrowed(UserEventFilterSet, trail, request)
        return self.page(request, cast(EventQuerySet, found), faults)
