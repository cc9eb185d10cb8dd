"""Staff's pages of API tokens: made (and shown that once), looked at, revoked; never changed."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import SimpleListFilter, helpers, widgets
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst

from accounts.admin.filters import ClientFilter, CreatedFilter
from accounts.admin.users import UserAdmin
from accounts.models import ApiToken, User
from accounts.models.api_token import NAME_MAX_LENGTH, ApiTokenQuerySet, State
from accounts.opaque_tokens import LOOKUP_LENGTH, PREFIX
from accounts.services import api_tokens
from clients.models import Client
from usermgmt.actor import Actor
from usermgmt.admin import words
from usermgmt.admin.filters import RowFilter, SinceFilter
from usermgmt.admin.forms import ServiceForm, Text
from usermgmt.admin.model_admin import ServiceAdmin, actor_of, badge
from usermgmt.admin.widgets import RowSelect
from usermgmt.columns import fold
from usermgmt.errors import Fault, Invalid, all_faults, fragment
from usermgmt.http.ids import is_id

_FOR_EVER = ""
_LIFETIMES = [("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "a year"), (_FOR_EVER, "for ever")]
_NO_SUCH_CLIENT = {"invalid_choice": capfirst(fragment(Fault("client", "must_exist")))}


class OwnerFilter(RowFilter):
    title = parameter_name = "owner"
    column = "user"


class StateFilter(SimpleListFilter):
    title = parameter_name = "state"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return list(State.choices)

    def queryset(self, request: Any, queryset: Any) -> QuerySet[Any]:
        found: QuerySet[Any] = queryset.in_state(self.value()) if self.value() in State.values else queryset
        return found


class KindFilter(SimpleListFilter):
    title = parameter_name = "kind"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return list(ApiToken.Kind.choices)

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() in ApiToken.Kind.values else queryset


class AccessFilter(SimpleListFilter):
    title = parameter_name = "access"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("read", "only to read"), ("write", "to read and write")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "read" | "write" as access:
                return queryset.filter(read_only=access == "read")
            case _:
                return queryset


class LastUsedFilter(SinceFilter):
    title, parameter_name, column, never = "last use", "last_used", "last_used_at", "never"


class NewTokenForm(ServiceForm, forms.Form):
    """What a token is to be; `text` is the token itself once it is made."""

    user = forms.ModelChoiceField(User.objects.all(), label="Owner", help_text="It may do what its owner may.")
    name = Text(max_length=NAME_MAX_LENGTH, widget=widgets.AdminTextInputWidget, help_text="What it is for.")
    client = forms.ModelChoiceField(
        Client.objects.all(),
        required=False,
        help_text="Nothing outside of it is there then. Administrators' tokens are bound to any, others to their own.",
        error_messages=_NO_SUCH_CLIENT,
    )
    lifetime = forms.ChoiceField(choices=_LIFETIMES, initial="90", required=False, label="Good for")
    read_only = forms.BooleanField(required=False, help_text="It only opens GET and HEAD.")

    def __init__(self, *args: Any, site: admin.AdminSite, actor: Actor, **options: Any) -> None:
        super().__init__(*args, **options)
        self.actor, self.text = actor, ""
        for name in ("user", "client"):
            chosen: Any = self.fields[name]
            chosen.widget = RowSelect(ApiToken._meta.get_field(name), site)
            chosen.widget.choices = chosen.choices

    def write(self, reported: Sequence[Fault]) -> ApiToken:
        values = self.cleaned_data
        if values.get("user") is None:  # that is reported; what can be judged without is told along
            raise Invalid(all_faults(reported, api_tokens.check_name(values["name"])))
        days, client = values.get("lifetime"), values.get("client")
        token, self.text = api_tokens.create(
            actor=self.actor,
            user_id=values["user"].pk,
            name=values["name"],
            client_id=client.pk if client is not None else None,
            expires_at=timezone.now() + timedelta(days=int(days)) if days else None,
            read_only=values["read_only"],
            reported=reported,
        )
        return token


@admin.register(ApiToken)
class ApiTokenAdmin(ServiceAdmin):
    kind = "token"
    list_display = [
        "shown_name",
        "kind_of_token",
        "owner",
        "shown_client",
        "access",
        "created",
        "used",
        "expires",
        "shown_state",
    ]
    list_filter = [StateFilter, KindFilter, AccessFilter, OwnerFilter, ClientFilter, CreatedFilter, LastUsedFilter]
    search_fields = ["name"]
    search_help_text = "Any part of its name, or of its owner's name, e-mail or user name; a number; how it begins."
    ordering = ["-id"]
    sortable_by = ["created", "used", "expires"]
    actions = ["revoke"]
    fields = ["shown_name", "kind_of_token", "owner", "shown_client", "access", "shown_state", "beginning"]
    fields += ["created", "used", "expires", "revoked"]

    class Media(UserAdmin.Media):
        """The filters', as on the list of users."""

    def get_queryset(self, request: HttpRequest) -> ApiTokenQuerySet:
        found: Any = super().get_queryset(request).select_related("user", "client")
        return found  # type: ignore[no-any-return]

    def find(self, rows: ApiTokenQuerySet, word: str) -> ApiTokenQuerySet:
        # Whoever found a token somewhere may paste all of it: its public part says which one it is.
        wanted = Q(lookup=word.removeprefix(PREFIX)[:LOOKUP_LENGTH]) | Q(name__icontains=word)
        wanted |= Q(user__search_text__contains=fold(word))
        return rows.filter(wanted | Q(pk=int(word)) if is_id(word) else wanted)

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False

    def get_urls(self) -> Any:
        page = self.admin_site.admin_view(self.revoke_view)
        return [path("<path:object_id>/revoke/", page, name="accounts_apitoken_revoke"), *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        """Make a token. The answer to the form shows it; it is kept nowhere, so no other page can."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        initial = {"user": request.GET["user"]} if is_id(request.GET.get("user", "")) else {}
        form = NewTokenForm(
            request.POST if request.method == "POST" else None,
            initial=initial,
            site=self.admin_site,
            actor=actor_of(request),
        )
        if form.is_valid():
            return self._page(request, "made", "The token is made", token=form.instance, text=form.text)
        fieldsets = [(None, {"fields": list(form.fields)})]
        adminform = helpers.AdminForm(form, fieldsets, {})  # type: ignore[arg-type]  # any form will do
        media = self.media + form.media
        return self._page(request, "make", "Make an API token", form=form, adminform=adminform, media=media)

    def revoke_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask; the action does it."""
        token = self.get_object(request, unquote(object_id))
        if token is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        return self._confirmation(request, [token])

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        """The owner's: there it stands who made the token, and who revoked it."""
        token = self.get_object(request, unquote(object_id))
        if token is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        return HttpResponseRedirect(reverse("admin:accounts_user_history", args=[token.user_id]))

    @admin.action(description="Revoke")
    def revoke(self, request: HttpRequest, queryset: ApiTokenQuerySet) -> HttpResponse | None:
        """Ask, on a page of its own; then revoke one by one."""

        def revoke(token: ApiToken) -> str | None:
            if token.revoked_at is not None:
                return "is revoked already"
            api_tokens.revoke(actor=actor_of(request), token_id=token.pk)
            return None

        if request.POST.get("post"):
            self.each(request, queryset, revoke, done="revoked")
            return None
        chosen = self.chosen(request, queryset)
        return self._confirmation(request, chosen) if chosen else None

    def _confirmation(self, request: HttpRequest, tokens: list[ApiToken]) -> HttpResponse:
        return self._page(
            request, "revoke", "Revoke?", tokens=tokens, action_checkbox_name=helpers.ACTION_CHECKBOX_NAME
        )

    def _page(self, request: HttpRequest, template: str, title: str, **more: Any) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": title, "opts": self.opts, "media": self.media}
        return TemplateResponse(request, f"admin/accounts/apitoken/{template}.html", context | more)

    # Columns

    @admin.display(description="name")
    def shown_name(self, token: ApiToken) -> str:
        return token.name

    @admin.display(description="kind")
    def kind_of_token(self, token: ApiToken) -> str:
        return token.get_kind_display()

    @admin.display(description="owner")
    def owner(self, token: ApiToken) -> str:
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:accounts_user_change", args=[token.user_id]), token.user
        )

    @admin.display(description="client")
    def shown_client(self, token: ApiToken) -> str:
        return token.client.name if token.client is not None else "-"

    @admin.display(description="access")
    def access(self, token: ApiToken) -> str:
        return "only to read" if token.read_only else "to read and write"

    @admin.display(description="state")
    def shown_state(self, token: ApiToken) -> str:
        return badge("active" if token.state == State.ALIVE else "inactive", token.state)

    @admin.display(description="begins with")
    def beginning(self, token: ApiToken) -> str:
        return f"{PREFIX}{token.lookup}"

    @admin.display(description="last used (UTC)", ordering="last_used_at")
    def used(self, token: ApiToken) -> str:
        return words.of_moment(token.last_used_at)

    @admin.display(description="expires (UTC)", ordering="expires_at")
    def expires(self, token: ApiToken) -> str:
        return words.of_moment(token.expires_at)

    @admin.display(description="revoked (UTC)")
    def revoked(self, token: ApiToken) -> str:
        return words.of_moment(token.revoked_at)
