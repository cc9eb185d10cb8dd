"""Filter sets of django-filter, their faults in the domain's words."""

from typing import Any

from django.db.models import QuerySet
from django_filters import FilterSet
from rest_framework.request import Request

from usermgmt.errors import Fault


def narrowed(filters: type[FilterSet], rows: QuerySet[Any], request: Request) -> tuple[QuerySet[Any], list[Fault]]:
    """The rows that the query parameters leave, and a fault for each parameter that has no sound value."""
    filterset = filters(request.query_params, queryset=rows, request=request)
    if filterset.is_valid():
        return filterset.qs, []
    return rows, [Fault(name, "invalid") for name in filterset.errors]
