"""Staff's pages of roles: what they are called, and what they let regular users do."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin import widgets
from django.contrib.auth.models import Group
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from accounts import roles as names
from accounts.grants import PERMISSIONS
from accounts.models import RoleGroup, User
from accounts.services import roles
from usermgmt.admin.forms import ServiceForm, Text
from usermgmt.admin.model_admin import ServiceAdmin, actor_of
from usermgmt.errors import Fault

_GIVEN = User.groups.through._default_manager
_LABELS = dict(PERMISSIONS)


class RoleForm(ServiceForm, forms.ModelForm):  # type: ignore[type-arg]  # generic for the checker only
    """Only what was changed is sent: nobody writes over what somebody else changed meanwhile."""

    name = Text(
        max_length=names.NAME_MAX_LENGTH,
        widget=widgets.AdminTextInputWidget,
        help_text="Letters, digits and . _ - only; contracts call the role by it.",
    )
    grants = forms.MultipleChoiceField(
        label="Allows",
        choices=PERMISSIONS,
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "radiolist"}),
        help_text="Over the users of the own client, by contracts that know roles. Administrators need no role.",
    )

    class Meta:
        model = RoleGroup
        fields: list[str] = []

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk is not None:
            self.initial["name"] = self.instance.name
            self.initial["grants"] = sorted(roles.granted_by([self.instance.name]))
            if self.instance.name in names.BUILT_IN:
                self.fields["name"].disabled = True
                self.fields["name"].help_text = "Every directory has this role, by this name."

    def write(self, reported: Sequence[Fault]) -> RoleGroup:
        return cast(RoleGroup, RoleGroup.objects.get(pk=self._written(reported).pk))  # as these pages know it

    def _written(self, reported: Sequence[Fault]) -> Group:
        name, grants = self.cleaned_data["name"], self.cleaned_data.get("grants", [])
        if self.instance.pk is None:
            return roles.create(actor=self.actor, name=name, grants=grants, reported=reported)
        return roles.update(
            actor=self.actor,
            role_id=self.instance.pk,
            name=name if "name" in self.changed_data else None,
            grants=grants if "grants" in self.changed_data else None,
            reported=reported,
        )


@admin.register(RoleGroup)
class RoleAdmin(ServiceAdmin):
    kind = "role"
    form = RoleForm
    list_display = ["shown_name", "allows", "given_to"]
    search_fields = ["name"]  # of the autocompletion of a user's roles, too
    search_column = "name"
    search_help_text = "Any part of the name; or a number."
    ordering = ["name"]
    readonly_fields = ["id", "given_to"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RoleGroup]:
        found: Any = super().get_queryset(request)
        # One count a row shown: to join and group would count whoever has any role first.
        counted = _GIVEN.filter(group=OuterRef("pk")).order_by().values("group")
        count = Coalesce(Subquery(counted.values(count=Count("pk"))), 0)
        return found.annotate(user_count=count).prefetch_related("permissions")  # type: ignore[no-any-return]

    def get_fieldsets(self, request: HttpRequest, obj: RoleGroup | None = None) -> Any:
        form = [(None, {"fields": ["name", "grants"]})]
        return form if obj is None else [*form, ("Record", {"fields": ["id", "given_to"]})]

    def delete(self, request: HttpRequest, row: RoleGroup) -> None:
        roles.delete(actor=actor_of(request), role_id=row.pk)

    # Columns

    @admin.display(description="name", ordering="name")
    def shown_name(self, role: RoleGroup) -> str:
        return role.name

    @admin.display(description="allows")
    def allows(self, role: RoleGroup) -> str:
        held = {permission.codename for permission in role.permissions.all()}
        return ", ".join(label for codename, label in _LABELS.items() if codename in held) or "nothing"

    @admin.display(description="given to")
    def given_to(self, role: Any) -> str:
        listed = reverse(f"admin:{User._meta.app_label}_{User._meta.model_name}_changelist")
        return format_html('<a href="{}?{}">{}</a>', listed, urlencode({"given_role": role.pk}), role.user_count)
