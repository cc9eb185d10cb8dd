"""Filters of the lists of users and of audit records."""

from typing import Any

from django import forms
from django.contrib.admin import ListFilter, SimpleListFilter
from django.db.models import QuerySet

from accounts.models import Event, Role, User
from clients.models import Client
from usermgmt.admin.filters import SinceFilter
from usermgmt.admin.model_admin import parameters
from usermgmt.admin.widgets import RowSelect
from usermgmt.http.ids import is_id

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
                return queryset.exclude(client=None)
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


class ClientFilter(ListFilter):
    """One client, found by typing: there may be too many to list."""

    title = parameter_name = "client"
    template = "admin/autocomplete_filter.html"

    def __init__(self, request: Any, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.site = model_admin.admin_site
        values = params.pop(self.parameter_name, [""])
        self.client_id = values[-1]

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return [self.parameter_name]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.client_id:
            return queryset
        return queryset.filter(client_id=int(self.client_id)) if is_id(self.client_id) else queryset.none()

    def choices(self, changelist: Any) -> Any:
        widget = RowSelect(User._meta.get_field("client"), self.site)
        field = forms.ModelChoiceField(Client.objects.all(), required=False, widget=widget)
        yield {
            "field": field.widget.render(self.parameter_name, self.client_id, {"id": "client-filter"}),
            "kept": parameters(self.request, without=(self.parameter_name, "p", "e")),
            "everything": changelist.get_query_string(remove=[self.parameter_name]) if self.client_id else None,
        }


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
