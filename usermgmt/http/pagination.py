"""The native contract's lists: pages by number, or a walk by cursor at constant cost (native contract 5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core import signing
from django.db.models import F, Model, Q, QuerySet
from django.utils.http import urlencode
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from usermgmt.errors import Fault, Invalid

DEFAULT_PER_PAGE = 25
MAX_PER_PAGE = 100
MAX_DIGITS = 40  # of a number in the query; there is no page of that number, but it is one
_CURSOR_SALT = "usermgmt.http.pagination.cursor"


@dataclass(frozen=True, slots=True)
class Ordering:
    """A total order: a column, then the id. Rows without a value come last, both ways."""

    name: str  # as the caller says it, with its "-"
    column: str

    @property
    def descending(self) -> bool:
        return self.name.startswith("-")

    def sort(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        if self.column == "id":
            return rows.order_by("-id" if self.descending else "id")
        column = F(self.column)
        first = column.desc(nulls_last=True) if self.descending else column.asc(nulls_last=True)
        return rows.order_by(first, "-id" if self.descending else "id")

    def after(self, rows: QuerySet[Any], value: Any, pk: int) -> QuerySet[Any]:
        """The rows behind the one that has `value` and `pk`."""
        beyond = "lt" if self.descending else "gt"
        later_id = Q(**{f"id__{beyond}": pk})
        if self.column == "id":
            return rows.filter(later_id)
        if value is None:
            return rows.filter(later_id, **{f"{self.column}__isnull": True})
        later = Q(**{f"{self.column}__{beyond}": value}) | Q(later_id, **{self.column: value})
        if rows.model._meta.get_field(self.column).null:
            later |= Q(**{f"{self.column}__isnull": True})
        return rows.filter(later)


class NativePagination(BasePagination):
    """`page` and `per_page`, or `cursor` and `per_page`; `ordering` by the view's `orderings`.

    The view tells `collection` (the key of the list) and `orderings` (name to column; the first is the default).
    """

    def paginate_queryset(  # type: ignore[override]  # for models only, which is all there are
        self,
        queryset: QuerySet[Any],
        request: Request,
        view: APIView | None = None,
        reported: Sequence[Fault] = (),
    ) -> list[Model]:
        """The rows of the page asked for; raises Invalid, the faults of other parameters `reported` included."""
        query = request.query_params
        faults = list(reported)
        self.collection: str = view.collection  # type: ignore[union-attr]
        per_page = min(_positive(query, "per_page", DEFAULT_PER_PAGE, faults), MAX_PER_PAGE)
        page = _positive(query, "page", 1, faults)
        ordering = _ordering(query, view.orderings, faults)  # type: ignore[union-attr]
        self.links: dict[str, str] = {}
        if "cursor" in query:
            position = _position(query["cursor"], ordering, faults)
            if faults:
                raise Invalid(faults)
            return self._walk(queryset, ordering, position, per_page, request)
        if faults:
            raise Invalid(faults)
        return self._turn(queryset, ordering, page, per_page)

    def get_paginated_response(self, data: Any) -> Response:
        return Response({self.collection: data, "meta": self.meta}, headers=self.links)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """The parameters, for the OpenAPI document."""
        default = next(iter(view.orderings))
        described = {
            "page": ({"type": "integer", "minimum": 1, "default": 1}, "The page, from 1."),
            "per_page": (
                {"type": "integer", "minimum": 1, "default": DEFAULT_PER_PAGE},
                f"Rows a page; more than {MAX_PER_PAGE} are taken as {MAX_PER_PAGE}.",
            ),
            "cursor": (
                {"type": "string"},
                "Walks the whole list at constant cost a page: begin with an empty one, go on with"
                " `meta.cursor.next` or the `Link` header, and leave the other parameters as they are.",
            ),
            "ordering": (
                {"enum": [sign + name for name in view.orderings for sign in ("", "-")], "default": default},
                "What to sort by, `-` for descending; then by id. Rows without a value come last.",
            ),
        }
        return [
            {"name": name, "in": "query", "required": False, "schema": schema, "description": text}
            for name, (schema, text) in described.items()
        ]

    def _turn(self, rows: QuerySet[Any], ordering: Ordering, page: int, per_page: int) -> list[Model]:
        total = rows.count()
        pages = -(-total // per_page)
        within = page <= pages
        self.meta: dict[str, Any] = {
            "pagination": {
                "current_page": page,
                "next_page": page + 1 if page < pages else None,
                "prev_page": page - 1 if within and page > 1 else None,
                "total_pages": pages,
                "total_count": total,
            }
        }
        start = (page - 1) * per_page
        return list(ordering.sort(rows)[start : start + per_page]) if within else []

    def _walk(
        self, rows: QuerySet[Any], ordering: Ordering, position: Sequence[Any] | None, per_page: int, request: Request
    ) -> list[Model]:
        if position is not None:
            rows = ordering.after(rows, *position)
        found = list(ordering.sort(rows)[: per_page + 1])
        shown = found[:per_page]
        cursor = None
        if len(found) > per_page:
            last = shown[-1]
            value = getattr(last, ordering.column)
            cursor = signing.dumps(
                [ordering.name, value.isoformat() if isinstance(value, datetime) else value, last.pk],
                salt=_CURSOR_SALT,
            )
            query = request.query_params.copy()
            query["cursor"] = cursor
            address = request.build_absolute_uri(f"{request.path}?{urlencode(list(_pairs(query)))}")
            self.links = {"Link": f'<{address}>; rel="next"'}
        self.meta = {"cursor": {"next": cursor}}
        return shown


def _pairs(query: Any) -> Any:
    return ((name, value) for name, values in query.lists() for value in values)


def _positive(query: Mapping[str, str], name: str, default: int, faults: list[Fault]) -> int:
    text = query.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and int(text) > 0:
        return int(text)
    faults.append(Fault(name, "not_positive"))
    return default


def _ordering(query: Mapping[str, str], columns: Mapping[str, str], faults: list[Fault]) -> Ordering:
    default = next(iter(columns))
    name = query.get("ordering", default)
    column = columns.get(name.removeprefix("-"))
    if column is not None:
        return Ordering(name, column)
    faults.append(Fault("ordering", "unknown_choice", {"choices": ", ".join(columns)}))
    return Ordering(default, columns[default])


def _position(cursor: str, ordering: Ordering, faults: list[Fault]) -> tuple[Any, int] | None:
    """Where the last page ended, as (value, id); None at the start. Signed, so its types are ours."""
    if not cursor:
        return None
    try:
        name, value, pk = signing.loads(cursor, salt=_CURSOR_SALT)
    except signing.BadSignature:
        name, value, pk = None, None, 0
    if name != ordering.name:
        faults.append(Fault("cursor", "invalid"))
        return None
    if ordering.column in ("created_at", "last_login") and value is not None:
        value = datetime.fromisoformat(value)
    return value, pk
