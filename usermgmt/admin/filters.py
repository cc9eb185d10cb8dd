"""Filters beside the lists of the admin site."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.utils import timezone


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
