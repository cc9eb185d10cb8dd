"""Filter sets of django-filter, their faults in the domain's words."""

from functools import cache
from typing import Any

from django import forms
from django.db.models import QuerySet
from django_filters import FilterSet
from rest_framework.request import Request

from usermgmt.errors import Fault


def narrowed(filters: type[FilterSet], rows: QuerySet[Any], request: Request) -> tuple[QuerySet[Any], list[Fault]]:
    """The rows that the query parameters leave, and a fault for each parameter that has no sound value.

    filters: each judges its own parameter alone, and is left out where that was not sent. A filter set of its own for
    each request, with its form, took longer than to find the rows.
    """
    query = request.query_params
    faults: list[Fault] = []
    left = rows
    for name, each in _all_of(filters).items():  # type: ignore[arg-type]  # classes can be hashed
        if name not in query:
            continue
        try:
            value = each.field.clean(each.field.widget.value_from_datadict(query, {}, name))
        except forms.ValidationError:
            faults.append(Fault(name, "invalid"))
        else:
            left = each.filter(left, value)
    return (rows if faults else left), faults


@cache
def _all_of(filters: type[FilterSet]) -> dict[str, Any]:
    """The filters of a set by their parameters; what they judge by never changes."""
    made: dict[str, Any] = filters().filters
    return made
