"""Staff's pages of teams, and of who is in them."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter, helpers, widgets
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from accounts.admin import of_client
from accounts.admin.filters import ClientFilter, CreatedFilter
from accounts.admin.users import UserAdmin
from accounts.models import Membership, Team, User
from accounts.models.team import NAME_MAX_LENGTH, TeamQuerySet
from accounts.services import teams
from usermgmt.admin import words
from usermgmt.admin.forms import ServiceModelForm, Text
from usermgmt.admin.model_admin import ServiceAdmin, actor_of
from usermgmt.admin.widgets import MAX_CHOSEN, Rows
from usermgmt.errors import DirectoryError, Fault
from usermgmt.http.ids import is_id

MEMBERS_PAGE = 50


class TeamForm(ServiceModelForm):
    name = Text(max_length=NAME_MAX_LENGTH, widget=widgets.AdminTextInputWidget)
    join_by_default = forms.BooleanField(
        required=False, help_text="Every new user of the client joins, unless it is said otherwise."
    )

    class Meta:
        model = Team
        fields = ["client"]
        help_texts = {"client": "Whose users can be in the team; it stays a team of this client."}
        error_messages = {"client": {"invalid_choice": words.of_fault(Fault("client", "must_exist"))}}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk is not None:
            self.initial.update(name=self.instance.name, join_by_default=self.instance.join_by_default)

    def write(self, reported: Sequence[Fault]) -> Team:
        values = self.cleaned_data
        if self.instance.pk is None:
            client = values.get("client")
            return teams.create(
                actor=self.actor,
                client_id=client.pk if client is not None else None,
                name=values["name"],
                join_by_default=values["join_by_default"],
                reported=reported,
            )
        return teams.update(
            actor=self.actor,
            team_id=self.instance.pk,
            name=values["name"],
            join_by_default=values["join_by_default"],
            versions=self.versions,
            reported=reported,
        )


class JoiningForm(forms.Form):
    """Who is to join a team."""

    def __init__(self, *args: Any, team: Team, site: admin.AdminSite, **options: Any) -> None:
        super().__init__(*args, **options)
        widget = of_client.select(Membership._meta.get_field("user"), site, team.client_id)
        chosen = Rows(User.objects.filter(client=team.client_id), widget=widget, required=False, label="Add users")
        chosen.help_text = f"Of {team.client}; by any part of name, e-mail or user name."
        self.fields["users"] = chosen


class DefaultFilter(SimpleListFilter):
    title, parameter_name = "join by default", "by_default"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "yes"), ("no", "no")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "yes" | "no" as wanted:
                return queryset.filter(join_by_default=wanted == "yes")
            case _:
                return queryset


@admin.register(Team)
class TeamAdmin(ServiceAdmin):
    kind = "team"
    form = TeamForm
    list_display = ["shown_name", "shown_client", "join_by_default", "shown_members", "created", "updated"]
    list_filter = [ClientFilter, DefaultFilter, CreatedFilter]
    list_select_related = ["client"]
    search_fields = ["name_folded"]  # of the autocompletion of a user's teams, too
    search_help_text = "Any part of the name; or a number."
    ordering = ["name_folded", "id"]
    autocomplete_fields = ["client"]
    readonly_fields = ["id", "shown_client", "shown_members", "created", "updated"]

    class Media(UserAdmin.Media):
        """The filters', as on the list of users."""

    def get_queryset(self, request: HttpRequest) -> TeamQuerySet:
        found: Any = super().get_queryset(request)
        # One count a row shown: to join and group would count the members of every team first.
        counted = Membership.objects.filter(team=OuterRef("pk")).order_by().values("team")
        count = Coalesce(Subquery(counted.values(count=Count("pk"))), 0)
        return cast(TeamQuerySet, found.select_related("client").annotate(member_count=count))

    def label(self, row: Team) -> str:
        return f"{row.name} ({row.client})"

    def narrowed(self, request: HttpRequest, rows: TeamQuerySet) -> TeamQuerySet:
        return cast(TeamQuerySet, of_client.narrowed(request, rows))

    def get_fieldsets(self, request: HttpRequest, obj: Team | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": ["client", "name", "join_by_default"]})]
        return [
            (None, {"fields": ["shown_client", "name", "join_by_default", "seen_version"]}),
            ("Record", {"fields": ["id", "shown_members", "created", "updated"]}),
        ]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **options)
        if db_field.name == "client":
            field.required = False  # for the service to say, with all the rest
        return field

    def get_urls(self) -> Any:
        page = self.admin_site.admin_view(self.members_view)
        return [path("<path:object_id>/members/", page, name="accounts_team_members"), *super().get_urls()]

    def delete(self, request: HttpRequest, row: Team) -> None:
        teams.delete(actor=actor_of(request), team_id=row.pk)

    def members_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Who is in a team, a page at a time; and who is to join or to leave."""
        team = self.get_object(request, unquote(object_id))
        if team is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        if not self.has_change_permission(request, team):
            raise PermissionDenied
        joins = request.method == "POST" and "join" in request.POST
        form = JoiningForm(request.POST if joins else None, team=team, site=self.admin_site)
        if joins and form.is_valid():
            self._each_user(request, team, form.cleaned_data["users"], teams.add_member, done="joined", idle="is in it")
            return HttpResponseRedirect(self.address("members", team.pk))
        if request.method == "POST" and not joins:
            chosen = [int(pk) for pk in request.POST.getlist("user")[:MAX_CHOSEN] if is_id(pk)]
            self._each_user(request, team, chosen, teams.remove_member, done="left", idle="is not in it")
            return HttpResponseRedirect(self.address("members", team.pk))
        return self._members_page(request, team, form)

    def _members_page(self, request: HttpRequest, team: Team, form: JoiningForm) -> HttpResponse:
        after = request.GET.get("after", "")
        rows = Membership.objects.filter(team=team, user_id__gt=int(after) if is_id(after) else 0)
        # In the order of the unique index: the thousandth page costs what the first does.
        members = list(rows.order_by("user_id").select_related("user")[: MEMBERS_PAGE + 1])
        fieldsets = [(None, {"fields": list(form.fields)})]
        context = {
            **self.admin_site.each_context(request),
            "title": f"Members of {team}",
            "opts": self.opts,
            "original": team,
            "form": form,
            "adminform": helpers.AdminForm(form, fieldsets, {}),  # type: ignore[arg-type]  # any form will do
            "media": self.media + form.media,
            "members": members[:MEMBERS_PAGE],
            "next": members[MEMBERS_PAGE - 1].user_id if len(members) > MEMBERS_PAGE else None,
            "first": not is_id(after),
        }
        return TemplateResponse(request, "admin/accounts/team/members.html", context)

    def _each_user(
        self,
        request: HttpRequest,
        team: Team,
        user_ids: Collection[int],
        do: Callable[..., bool],
        *,
        done: str,
        idle: str,
    ) -> None:
        """Let users join or leave one by one, and tell what came of it."""
        names = dict(User.objects.filter(pk__in=user_ids).values_list("pk", "email"))
        skipped = []
        for pk in user_ids:
            try:
                reason = None if do(actor=actor_of(request), team_id=team.pk, user_id=pk) else f"{idle} already"
            except DirectoryError as error:
                reason = words.of_refusal(error)
            if reason is not None:
                skipped.append(f"{names.get(pk, f'user {pk}')}: {reason}.")
        count = len(user_ids) - len(skipped)
        self.tell(request, f"{count} user{'' if count == 1 else 's'} {done}." if count else "", skipped)
        if not user_ids:
            self.message_user(request, "Nobody was chosen.", messages.WARNING)

    # Columns

    @admin.display(description="name", ordering="name_folded")
    def shown_name(self, team: Team) -> str:
        return team.name

    @admin.display(description="client", ordering="client__name_folded")
    def shown_client(self, team: Team) -> str:
        return team.client.name

    @admin.display(description="members")
    def shown_members(self, team: Any) -> str:
        listed = reverse(f"admin:{User._meta.app_label}_{User._meta.model_name}_changelist")
        return format_html(
            '<a href="{}?{}">{}</a> <a href="{}">Manage</a>',
            listed,
            urlencode({"team": team.pk}),
            team.member_count,
            self.address("members", team.pk),
        )
