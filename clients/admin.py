"""Staff's pages of clients."""

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin import widgets
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from clients.managers import ClientQuerySet
from clients.models import NAME_MAX_LENGTH, Client
from clients.services import clients
from usermgmt.admin.filters import SinceFilter
from usermgmt.admin.forms import ServiceModelForm, Text
from usermgmt.admin.model_admin import ServiceAdmin, actor_of
from usermgmt.errors import Fault

_USERS: Any = Client._meta.get_field("users").related_model  # the app above, without an import upwards


class ClientForm(ServiceModelForm):
    name = Text(max_length=NAME_MAX_LENGTH, widget=widgets.AdminTextInputWidget)

    class Meta:
        model = Client
        fields: list[str] = []

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial.setdefault("name", self.instance.name)

    def write(self, reported: Sequence[Fault]) -> Client:
        name = self.cleaned_data["name"]
        if self.instance.pk is None:
            return clients.create(actor=self.actor, name=name, reported=reported)
        return clients.update(
            actor=self.actor, client_id=self.instance.pk, name=name, versions=self.versions, reported=reported
        )


class CreatedFilter(SinceFilter):
    title, parameter_name, column = "created", "created", "created_at"


@admin.register(Client)
class ClientAdmin(ServiceAdmin):
    kind = "client"
    form = ClientForm
    list_display = ["shown_name", "users", "created", "updated"]
    list_filter = [CreatedFilter]
    search_fields = ["name_folded"]  # of the autocompletion of a user's client, too
    search_help_text = "Any part of the name; or a number."
    ordering = ["name_folded"]
    readonly_fields = ["id", "users", "created", "updated"]

    def get_queryset(self, request: HttpRequest) -> ClientQuerySet:
        found: Any = super().get_queryset(request)
        # One count a row shown: to join and group would count the users of every client first.
        counted = _USERS._default_manager.filter(client=OuterRef("pk")).order_by().values("client")
        count = Coalesce(Subquery(counted.values(count=Count("pk"))), 0)
        return cast(ClientQuerySet, found.annotate(user_count=count))

    def get_fieldsets(self, request: HttpRequest, obj: Client | None = None) -> Any:
        form = [(None, {"fields": ["name", "seen_version"]})]
        return form if obj is None else [*form, ("Record", {"fields": ["id", "users", "created", "updated"]})]

    def delete(self, request: HttpRequest, row: Client) -> None:
        clients.delete(actor=actor_of(request), client_id=row.pk)

    # Columns

    @admin.display(description="name", ordering="name_folded")
    def shown_name(self, client: Client) -> str:
        return client.name

    @admin.display(description="users")
    def users(self, client: Any) -> str:
        listed = reverse(f"admin:{_USERS._meta.app_label}_{_USERS._meta.model_name}_changelist")
        return format_html('<a href="{}?{}">{}</a>', listed, urlencode({"client": client.pk}), client.user_count)
