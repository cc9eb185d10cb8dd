"""Filters beside the lists of the admin site."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib.admin import ListFilter, SimpleListFilter
from django.db.models import QuerySet
from django.utils import timezone

from usermgmt.admin.model_admin import parameters
from usermgmt.admin.widgets import RowSelect
from usermgmt.http.ids import is_id


class SinceFilter(SimpleListFilter):
    """Rows by how long ago something was.

    column: the date. never: the words for rows without one, where there can be such.
    """

    column: ClassVar[str]
    never: ClassVar[str] = ""
    spans: ClassVar[dict[str, tuple[str, timedelta]]] = {
        "day": ("in the last 24 hours", timedelta(days=1)),
        "week": ("in the last 7 days", timedelta(days=7)),
        "month": ("in the last 30 days", timedelta(days=30)),
        "year": ("in the last 365 days", timedelta(days=365)),
    }

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        within = [(name, words) for name, (words, _) in self.spans.items()]
        longer = [("before-quarter", "more than 90 days ago")]
        return within + longer + ([("never", self.never)] if self.never else [])

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now: datetime = timezone.now()
        match self.value():
            case "never" if self.never:
                return queryset.filter(**{f"{self.column}__isnull": True})
            case "before-quarter":
                return queryset.filter(**{f"{self.column}__lt": now - timedelta(days=90)})
            case str(name) if name in self.spans:
                return queryset.filter(**{f"{self.column}__gte": now - self.spans[name][1]})
            case _:
                return queryset


class RowFilter(ListFilter):
    """Rows that belong to one row of another table, found by typing: there may be too many to list.

    column: the foreign key, or the way to those rows.
    """

    column: ClassVar[str]
    parameter_name: ClassVar[str]
    template = "admin/autocomplete_filter.html"

    def __init__(self, request: Any, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.site = model_admin.admin_site
        self.key = self.key_of(model)
        values = params.pop(self.parameter_name, [""])
        self.chosen = values[-1]

    def key_of(self, model: Any) -> Any:
        """The field that autocompletion goes by."""
        return model._meta.get_field(self.column)

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return [self.parameter_name]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.chosen:
            return queryset
        return self.belonging(queryset, int(self.chosen)) if is_id(self.chosen) else queryset.none()

    def belonging(self, queryset: QuerySet[Any], pk: int) -> QuerySet[Any]:
        """Of `queryset` the rows that belong to the one of that number."""
        return queryset.filter(**{self.column: pk})

    def choices(self, changelist: Any) -> Any:
        rows = self.key.remote_field.model._default_manager.all()
        field: Any = forms.ModelChoiceField(rows, required=False, widget=RowSelect(self.key, self.site))
        field.label_from_instance = self.site.get_model_admin(self.key.remote_field.model).label
        name = f"{self.parameter_name}-filter"
        yield {
            "id": name,
            "field": field.widget.render(self.parameter_name, self.chosen, {"id": name}),
            "kept": parameters(self.request, without=(self.parameter_name, "p", "e")),
            "everything": changelist.get_query_string(remove=[self.parameter_name]) if self.chosen else None,
        }
