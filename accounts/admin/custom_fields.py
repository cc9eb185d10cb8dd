"""Staff's pages of custom fields: what is asked of users beyond the directory's own columns."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import widgets
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin.filters import CreatedFilter
from accounts.models import CustomField
from accounts.models.custom_field import NAME_MAX_LENGTH
from accounts.services import custom_fields
from usermgmt.admin.forms import Lines, ServiceModelForm, Text
from usermgmt.admin.model_admin import ServiceAdmin, actor_of
from usermgmt.errors import Fault

_COLUMNS = ("name", "kind", "required", "min_length", "max_length", "public")


def _length(label: str) -> forms.IntegerField:
    widget = widgets.AdminIntegerFieldWidget(attrs={"min": 0, "max": custom_fields.MAX_LENGTH})
    return forms.IntegerField(label=label, required=False, widget=widget, help_text="Characters; of text fields only.")


class CustomFieldForm(ServiceModelForm):
    name = Text(
        max_length=NAME_MAX_LENGTH,
        widget=widgets.AdminTextInputWidget,
        help_text="Letters, digits and . _ - only; contracts call the field by it.",
    )
    kind = forms.ChoiceField(
        label="Type",
        choices=[(CustomField.Kind.TEXT, "Text"), (CustomField.Kind.SELECT, "One of the options below")],
        initial=CustomField.Kind.TEXT,
        widget=widgets.AdminRadioSelect(attrs={"class": "radiolist"}),
    )
    options = Lines(
        required=False,
        widget=widgets.AdminTextareaWidget(attrs={"rows": 6}),
        help_text="One per line; of select fields only.",
    )
    min_length = _length("Minimum length")
    max_length = _length("Maximum length")
    required = forms.BooleanField(required=False, help_text="Asked of everybody whose custom fields are written.")
    public = forms.BooleanField(required=False, help_text="Other users may see it, where a contract shows them any.")

    class Meta:
        model = CustomField
        fields: list[str] = []

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk is not None:
            self.initial.update({column: getattr(self.instance, column) for column in _COLUMNS})
            self.initial["options"] = "\n".join(self.instance.options)

    def write(self, reported: Sequence[Fault]) -> CustomField:
        values = self.cleaned_data
        told = {
            "name": values["name"],
            "kind": values.get("kind", ""),
            "required": values["required"],
            "min_length": values.get("min_length"),
            "max_length": values.get("max_length"),
            "options": [line for line in values["options"].split("\n") if line.strip()],
            "public": values["public"],
        }
        if self.instance.pk is None:
            return custom_fields.create(actor=self.actor, reported=reported, **told)
        return custom_fields.update(
            actor=self.actor, field_id=self.instance.pk, versions=self.versions, reported=reported, **told
        )


class KindFilter(admin.SimpleListFilter):
    title, parameter_name = "type", "kind"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return list(CustomField.Kind.choices)

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() in CustomField.Kind.values else queryset


@admin.register(CustomField)
class CustomFieldAdmin(ServiceAdmin):
    kind = "custom_field"
    form = CustomFieldForm
    list_display = ["shown_name", "shown_kind", "required", "public", "takes", "created", "updated"]
    list_filter = [KindFilter, CreatedFilter]
    search_fields = ["name"]
    search_column = "name"
    search_help_text = "Any part of the name; or a number."
    ordering = ["id"]  # the order on the form of a user
    readonly_fields = ["id", "created", "updated"]

    def get_fieldsets(self, request: HttpRequest, obj: CustomField | None = None) -> Any:
        form = [
            (None, {"fields": ["name", "kind", "options", "min_length", "max_length", "seen_version"]}),
            ("Use", {"fields": ["required", "public"]}),
        ]
        return form if obj is None else [*form, ("Record", {"fields": ["id", "created", "updated"]})]

    def delete(self, request: HttpRequest, row: CustomField) -> None:
        custom_fields.delete(actor=actor_of(request), field_id=row.pk)

    # Columns

    @admin.display(description="name", ordering="name")
    def shown_name(self, field: CustomField) -> str:
        return field.name

    @admin.display(description="type", ordering="kind")
    def shown_kind(self, field: CustomField) -> str:
        return field.get_kind_display()

    @admin.display(description="takes")
    def takes(self, field: CustomField) -> str:
        """The options, or the lengths, in few words."""
        if field.kind == CustomField.Kind.SELECT:
            shown = ", ".join(field.options[:3])
            return f"{shown} and {len(field.options) - 3} more" if len(field.options) > 3 else shown
        match field.min_length, field.max_length:
            case None, None:
                return "any text"
            case None, most:
                return f"at most {most} characters"
            case least, None:
                return f"at least {least} characters"
            case least, most:
                return f"{least} to {most} characters"
