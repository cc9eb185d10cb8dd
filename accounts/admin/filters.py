"""Filters of the lists of users and of audit records."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet

from accounts.models import Event, Membership, Role, User
from usermgmt.admin.filters import RowFilter, SinceFilter

SAMPLED_EVENTS = 10_000  # the newest; whose actions and contracts are offered as filters


class RoleFilter(SimpleListFilter):
    title = parameter_name = "role"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return list(Role.choices)

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case Role.ADMINISTRATOR:
                return queryset.filter(client=None)
            case Role.USER:
                return queryset.filter(client__isnull=False)
            case _:
                return queryset


class StateFilter(SimpleListFilter):
    title = parameter_name = "state"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("active", "active"), ("inactive", "inactive")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "active" | "inactive" as state:
                return queryset.filter(is_active=state == "active")
            case _:
                return queryset


class CreatedFilter(SinceFilter):
    title, parameter_name, column = "created", "created", "created_at"


class LastSignInFilter(SinceFilter):
    title, parameter_name, column, never = "last sign-in", "last_sign_in", "last_login", "never"


class ClientFilter(RowFilter):
    title = parameter_name = column = "client"


class GivenRoleFilter(RowFilter):
    title, parameter_name, column = "role given", "given_role", "groups"

    def belonging(self, queryset: QuerySet[Any], pk: int) -> QuerySet[Any]:
        given = User.groups.through._default_manager.filter(group=pk)
        return queryset.filter(pk__in=given.order_by().values("user"))  # as below


class TeamFilter(RowFilter):
    title, parameter_name, column = "team", "team", "teams"

    def key_of(self, model: Any) -> Any:
        return Membership._meta.get_field("team")

    def belonging(self, queryset: QuerySet[Any], pk: int) -> QuerySet[Any]:
        # Not joined: all of a large team would be sorted for each page.
        return queryset.filter(pk__in=Membership.objects.filter(team=pk).order_by().values("user"))


class _SampledFilter(SimpleListFilter):
    """The values of a column of audit records that are in use, as the newest of them tell."""

    parameter_name: str  # the column's name, too

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        newest = Event.objects.order_by("-id").values("pk")[:SAMPLED_EVENTS]
        # No list of them all is kept anywhere, and to ask the whole table would read it.
        found = Event.objects.filter(pk__in=newest).order_by().values_list(self.parameter_name, flat=True).distinct()
        return [(value, value) for value in sorted(found)]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        return queryset if chosen is None else queryset.filter(**{self.parameter_name: chosen.replace("\0", "")})


class ActionFilter(_SampledFilter):
    title = parameter_name = "action"


class ContractFilter(_SampledFilter):
    title = parameter_name = "contract"


class HappenedFilter(SinceFilter):
    title, parameter_name, column = "date", "at", "at"
