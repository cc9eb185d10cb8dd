"""Staff's pages of users."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.text import capfirst
from django.views.decorators.debug import sensitive_post_parameters

from accounts.admin import custom_values, export, of_client
from accounts.admin.filters import (
    ClientFilter,
    CreatedFilter,
    GivenRoleFilter,
    LastSignInFilter,
    RoleFilter,
    StateFilter,
    TeamFilter,
)
from accounts.admin.forms import PasswordForm, UserAddForm, UserChangeForm
from accounts.managers import UserQuerySet
from accounts.models import CustomField, User
from accounts.services import mails, users
from usermgmt import audit
from usermgmt.admin import words
from usermgmt.admin.forms import throttled
from usermgmt.admin.model_admin import ServiceAdmin, WindowPaginator, actor_of, badge

_hides_passwords = method_decorator(sensitive_post_parameters())


def _definitions(request: HttpRequest) -> list[CustomField]:
    """The definitions of custom fields, asked for once a request."""
    kept: list[CustomField] | None = getattr(request, "custom_field_definitions", None)
    if kept is None:
        kept = list(CustomField.objects.all())
        request.custom_field_definitions = kept  # type: ignore[attr-defined]
    return kept


@admin.register(User)
class UserAdmin(ServiceAdmin):
    kind = "user"
    form = UserChangeForm
    list_display = [
        "shown_name",
        "shown_email",
        "shown_username",
        "shown_client",
        "role",
        "state",
        "created",
        "signed_in",
    ]
    list_filter = [
        RoleFilter,
        StateFilter,
        ClientFilter,
        TeamFilter,
        GivenRoleFilter,
        CreatedFilter,
        LastSignInFilter,
    ]
    list_select_related = ["client"]
    paginator = WindowPaginator
    search_fields = ["search_text"]
    search_help_text = "Any part of name, e-mail or user name; or a number."
    ordering = ["-id"]
    autocomplete_fields = ["client"]
    actions = ["activate", "deactivate", "sign_out", "invite", "export", "delete_selected"]
    readonly_fields = ["id", "records", "password_state", "live_sign_ins", "created", "updated", "signed_in"]
    fieldsets = [
        (None, {"fields": ["name", "email", "username", "seen_version"]}),
        ("Parts of the name", {"fields": ["given_name", "middle_name", "family_name"]}),
        ("Role and state", {"fields": ["role", "client", "active", "email_verified"]}),
    ]
    property_fields = ["external_id", "featured", "public_profile", "properties"]
    add_fieldsets = [
        ("Sign-in", {"fields": ["usable_password", "password", "password_confirmation", "must_change_password"]})
    ]
    change_fieldsets = [
        ("Sign-in", {"fields": ["password_state", "must_change_password", "live_sign_ins", "signed_in"]}),
        ("Record", {"fields": ["id", "created", "updated"]}),
    ]

    class Media:
        # The client filter's, as on the form.
        css = {"screen": ["admin/css/vendor/select2/select2.css", "admin/css/autocomplete.css"]}
        js = [
            "admin/js/vendor/jquery/jquery.js",
            "admin/js/vendor/select2/select2.full.js",
            "admin/js/jquery.init.js",
            "admin/js/autocomplete.js",
        ]

    def narrowed(self, request: HttpRequest, rows: UserQuerySet) -> UserQuerySet:
        return cast(UserQuerySet, of_client.narrowed(request, rows))

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        custom = [custom_values.name_of(definition) for definition in _definitions(request)] or ["custom_fields"]
        return [
            *self.fieldsets,
            ("Roles and teams", {"fields": ["roles", "join_default_teams" if obj is None else "teams"]}),
            ("Profile", {"fields": ["nickname", "status_text", "bio", *custom]}),
            ("Properties", {"fields": [*self.property_fields, *([] if obj is None else ["records"])]}),
            *(self.add_fieldsets if obj is None else self.change_fieldsets),
        ]

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **options: Any) -> Any:
        if obj is None:
            options["form"] = UserAddForm
        # The form itself makes the fields of the definitions; Django looks for them in the model.
        custom = {custom_values.name_of(definition) for definition in _definitions(request)}
        named = flatten_fieldsets(self.get_fieldsets(request, obj))
        options["fields"] = [name for name in named if name not in custom]
        form = super().get_form(request, obj, change, **options)
        form.site, form.definitions = self.admin_site, _definitions(request)
        return form

    def get_urls(self) -> Any:
        page = self.admin_site.admin_view(self.password_view)
        return [path("<path:object_id>/password/", page, name="accounts_user_password"), *super().get_urls()]

    @_hides_passwords
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        return super().add_view(request, form_url, extra_context)

    @_hides_passwords
    def password_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Set a password, or take it away."""
        user = self.get_object(request, object_id)
        if user is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        form = PasswordForm(request.POST or None, user=user, actor=actor_of(request))
        if form.is_valid():
            if user.pk == request.user.pk:
                update_session_auth_hash(request, form.instance)  # of one's sessions this one goes on
            set_ = form.instance.has_usable_password()
            told = f"The password of {user} was {'set' if set_ else 'taken away'}. Whoever was signed in is so no more."
            self.message_user(request, told, messages.SUCCESS)
            return HttpResponseRedirect(self._wanted(request) or self.address("change", user.pk))
        fieldsets = [(None, {"fields": list(form.fields)})]
        context = {
            **self.admin_site.each_context(request),
            "title": f"Set the password of {user}",
            "opts": self.opts,
            "original": user,
            "form": form,
            "adminform": admin.helpers.AdminForm(form, fieldsets, {}),  # type: ignore[arg-type]  # any form will do
        }
        return throttled(TemplateResponse(request, "admin/accounts/user/set_password.html", context))

    def _wanted(self, request: HttpRequest) -> str | None:
        """The page that somebody was led away from, to change the password first."""
        page = request.GET.get("next", "")
        safe = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
        return page if safe else None

    def delete(self, request: HttpRequest, row: User) -> None:
        users.delete(actor=actor_of(request), user_id=row.pk)

    def reason_to_spare(self, request: HttpRequest, row: User) -> str | None:
        return "that is you" if row.pk == request.user.pk else None

    # Actions

    @admin.action(description="Activate")
    def activate(self, request: HttpRequest, queryset: UserQuerySet) -> None:
        def activate(user: User) -> str | None:
            if user.is_active:
                return "is active already"
            users.update(actor=actor_of(request), user_id=user.pk, active=True)
            return None

        self.each(request, queryset, activate, done="activated")

    @admin.action(description="Deactivate")
    def deactivate(self, request: HttpRequest, queryset: UserQuerySet) -> None:
        def deactivate(user: User) -> str | None:
            reason = self.reason_to_spare(request, user)
            if reason is None and not user.is_active:
                reason = "is inactive already"
            if reason is None:
                users.update(actor=actor_of(request), user_id=user.pk, active=False)
            return reason

        self.each(request, queryset, deactivate, done="deactivated")

    @admin.action(description="Sign out everywhere")
    def sign_out(self, request: HttpRequest, queryset: UserQuerySet) -> None:
        def sign_out(user: User) -> str | None:
            reason = self.reason_to_spare(request, user)
            if reason is None:
                users.sign_out(actor=actor_of(request), user_id=user.pk)
            return reason

        self.each(request, queryset, sign_out, done="signed out everywhere")

    @admin.action(description="Invite by mail")
    def invite(self, request: HttpRequest, queryset: UserQuerySet) -> None:
        def invite(user: User) -> None:
            mails.request_invitation(actor=actor_of(request), user_id=user.pk)

        self.each(request, queryset, invite, done="invited")

    @admin.action(description="Export as CSV")
    def export(self, request: HttpRequest, queryset: UserQuerySet) -> StreamingHttpResponse:
        audit.record(actor=actor_of(request), action="user.exported", target=("user", None))
        return export.response(queryset)

    # Columns

    @admin.display(description="name", ordering="name_sorted")
    def shown_name(self, user: User) -> str:
        return user.name

    @admin.display(description="e-mail", ordering="email_canonical")
    def shown_email(self, user: User) -> str:
        return user.email

    @admin.display(description="user name", ordering="username_canonical")
    def shown_username(self, user: User) -> str:
        return user.username

    # No index has users in the order of their clients' names, or of their roles; filters find those of one.

    @admin.display(description="client")
    def shown_client(self, user: User) -> str | None:
        return user.client.name if user.client is not None else None

    @admin.display(description="role")
    def role(self, user: User) -> str:
        return badge(user.role, user.role)

    @admin.display(description="state", ordering="is_active")
    def state(self, user: User) -> str:
        return badge("active", "active") if user.is_active else badge("inactive", "inactive")

    @admin.display(description="updated (UTC)")
    def updated(self, user: User) -> str:
        return words.of_moment(user.updated_at)

    @admin.display(description="last sign-in (UTC)", ordering="last_login")
    def signed_in(self, user: User) -> str:
        return words.of_moment(user.last_login)

    @admin.display(description="password")
    def password_state(self, user: User) -> str:
        state, verb = ("Set", "Change") if user.has_usable_password() else ("None: no sign-in", "Set")
        return format_html('{} <a href="{}">{} it</a>', state, self.address("password", user.pk), verb)

    @admin.display(description="records")
    def records(self, user: User) -> str:
        """How many the user has of each kind, as links to the lists of them."""
        kinds: tuple[Any, ...] = (user.profiles, user.relationships, user.transactables)
        told = (
            (
                reverse(f"admin:{rows.model._meta.app_label}_{rows.model._meta.model_name}_changelist"),
                urlencode({"user": user.pk}),
                capfirst(rows.model._meta.verbose_name_plural),
                rows.count(),
            )
            for rows in kinds
        )
        return format_html_join(" · ", '<a href="{}?{}">{} ({})</a>', told)

    @admin.display(description="live sign-ins")
    def live_sign_ins(self, user: User) -> int:
        return user.sign_ins.alive().count()
