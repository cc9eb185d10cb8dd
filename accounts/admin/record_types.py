"""Staff's pages of record types: which profiles, relationships and transactables users can have, and what they hold."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin import widgets
from django.core.exceptions import ValidationError
from django.db.models import Case, Count, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from accounts.admin.filters import CreatedFilter
from accounts.models import RecordType
from accounts.models.record_type import NAME_MAX_LENGTH
from accounts.services import record_types
from usermgmt.admin.forms import Lines, ServiceModelForm, Text
from usermgmt.admin.model_admin import ServiceAdmin, actor_of
from usermgmt.admin.widgets import Source
from usermgmt.errors import Fault

MAX_TOLD_LINES = 5  # of those that can't be read; the rest is as easily seen

_KINDS = {model._meta.model_name: kind for kind, model in record_types.RECORDS.items()}


class Definitions(Lines):
    """Definitions of properties, one a line: the name, a colon, the type. The service judges both."""

    @staticmethod
    def shown(properties: dict[str, Any]) -> str:
        """Definitions as they stand in the field, by name: databases keep no order of them."""
        return "\n".join(f"{name}: {definition['type']}" for name, definition in properties.items())

    def clean(self, value: Any) -> Any:
        found: dict[str, dict[str, str]] = {}
        faults = []
        for number, line in enumerate(self.to_python(value).split("\n"), start=1):
            if not line.strip():
                continue
            name, _, kind = (part.strip() for part in line.rpartition(":"))
            if not name:
                faults.append(f"Line {number} must have a name, a colon and a type.")
            elif name in found:
                faults.append(f"Line {number} defines {name[:NAME_MAX_LENGTH]} once more.")
            else:
                found[name] = {"type": kind}
        if faults:
            raise ValidationError(faults[:MAX_TOLD_LINES])
        return found


class RecordTypeForm(ServiceModelForm):
    kind = forms.ChoiceField(
        label="Kind",
        choices=[
            (RecordType.Kind.PROFILE, "Profile: a user has at most one of the type"),
            (RecordType.Kind.RELATIONSHIP, "Relationship: leads from a user to another one of the same client"),
            (RecordType.Kind.TRANSACTABLE, "Transactable: an item that a user owns, one of however many"),
        ],
        initial=RecordType.Kind.PROFILE,
        widget=widgets.AdminRadioSelect(attrs={"class": "radiolist"}),
    )
    name = Text(
        max_length=NAME_MAX_LENGTH,
        widget=widgets.AdminTextInputWidget,
        help_text="Letters, digits and _ - only; contracts call the type by it.",
    )
    properties = Definitions(
        required=False,
        widget=Source(rows=12),
        help_text="What records of the type hold: one property per line, its name and its type, as “height: number”. "
        f"Types are {', '.join(RecordType.PropertyType.values)}. Without any line, they hold whatever is sent.",
    )

    class Meta:
        model = RecordType
        fields: list[str] = []

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk is not None:
            self.initial.update(name=self.instance.name, properties=Definitions.shown(self.instance.properties))
            del self.fields["kind"]

    def write(self, reported: Sequence[Fault]) -> RecordType:
        name, properties = self.cleaned_data["name"], self.cleaned_data.get("properties", {})
        if self.instance.pk is None:
            return record_types.create(
                actor=self.actor,
                kind=self.cleaned_data.get("kind", ""),
                name=name,
                properties=properties,
                reported=reported,
            )
        return record_types.update(
            actor=self.actor,
            type_id=self.instance.pk,
            name=name,
            properties=properties,
            versions=self.versions,
            reported=reported,
        )


class KindFilter(admin.SimpleListFilter):
    title = parameter_name = "kind"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return list(RecordType.Kind.choices)

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() in RecordType.Kind.values else queryset


@admin.register(RecordType)
class RecordTypeAdmin(ServiceAdmin):
    kind = "record_type"
    form = RecordTypeForm
    list_display = ["shown_name", "shown_kind", "holds", "records", "created", "updated"]
    list_filter = [KindFilter, CreatedFilter]
    search_fields = ["name"]  # of the autocompletion of a record's type, too
    search_column = "name"
    search_help_text = "Any part of the name; or a number."
    ordering = ["kind", "name"]
    readonly_fields = ["id", "shown_kind", "records", "created", "updated"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RecordType]:
        found: Any = super().get_queryset(request)
        # One count a row shown, of the one table that its kind says: to join and group would count them all first.
        counts = (
            When(kind=kind, then=Subquery(_of_type(model).values(count=Count("pk"))))
            for kind, model in record_types.RECORDS.items()
        )
        return cast(QuerySet[RecordType], found.annotate(record_count=Coalesce(Case(*counts), 0)))

    def narrowed(self, request: HttpRequest, rows: QuerySet[RecordType]) -> QuerySet[RecordType]:
        kind = _KINDS.get(request.GET.get("model_name"))  # autocompletion says whose key it is for
        return rows if kind is None else rows.filter(kind=kind)

    def get_fieldsets(self, request: HttpRequest, obj: RecordType | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": ["kind", "name", "properties"]})]
        return [
            (None, {"fields": ["shown_kind", "name", "properties", "seen_version"]}),
            ("Record", {"fields": ["id", "records", "created", "updated"]}),
        ]

    def delete(self, request: HttpRequest, row: RecordType) -> None:
        record_types.delete(actor=actor_of(request), type_id=row.pk)

    # Columns

    @admin.display(description="name", ordering="name")
    def shown_name(self, kept: RecordType) -> str:
        return kept.name

    @admin.display(description="kind", ordering="kind")
    def shown_kind(self, kept: RecordType) -> str:
        return kept.get_kind_display()

    @admin.display(description="holds")
    def holds(self, kept: RecordType) -> str:
        """The properties, in few words."""
        names = list(kept.properties)
        shown = ", ".join(names[:3]) or "any property"
        return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown

    @admin.display(description="records")
    def records(self, kept: Any) -> str:
        meta = record_types.RECORDS[RecordType.Kind(kept.kind)]._meta
        listed = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
        return format_html('<a href="{}?{}">{}</a>', listed, urlencode({"type": kept.pk}), kept.record_count)


def _of_type(model: Any) -> Any:
    """The records of the type at hand, for a subquery that counts them."""
    return model.objects.filter(type=OuterRef("pk")).order_by().values("type")
