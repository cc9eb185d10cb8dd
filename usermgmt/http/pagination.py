"""The native contract's lists: pages by number, or a walk by cursor at constant cost (native contract 5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core import signing
from django.db.models import BooleanField, DateTimeField, F, Func, Model, QuerySet, Value
from django.utils.http import urlencode
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from usermgmt.errors import Fault, Invalid
from usermgmt.windows import Key, by_index, by_sorting, counted, is_few, numbers_of_few, unprepared

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

    @property
    def keys(self) -> tuple[Key, Key]:
        return Key(self.column, self.descending), Key("id", self.descending)

    def behind(self, rows: QuerySet[Any], position: tuple[Any, int] | None, limit: int) -> list[Any]:
        """The first `limit` rows behind the one that has this value and id (None: from the start), found by an
        index: a page deep in the directory costs what the first one does."""
        few = numbers_of_few(rows)
        if few is not None:
            rows = rows.filter(pk__in=few)
        with unprepared(rows):
            ordered = by_index if few is None and not is_few(rows, self.column) else by_sorting
            if not rows.model._meta.get_field(self.column).null:
                return list(ordered(self._beyond(rows, position), self.keys)[:limit])
            found: list[Any] = []
            blank = {f"{self.column}__isnull": True}
            if position is None or position[0] is not None:
                found += ordered(self._beyond(rows.exclude(**blank), position), self.keys)[:limit]
                position = None
            if len(found) < limit:
                found += ordered(self._beyond(rows.filter(**blank), position), self.keys)[: limit - len(found)]
            return found

    def _beyond(self, rows: QuerySet[Any], position: tuple[Any, int] | None) -> QuerySet[Any]:
        if position is None:
            return rows
        value, pk = position
        if self.column == "id" or value is None:
            return rows.filter(**{f"id__{'lt' if self.descending else 'gt'}": pk})
        column = rows.model._meta.get_field(self.column)
        return rows.filter(
            Func(
                _row(F(self.column), F("id")),
                _row(Value(value, output_field=column), Value(pk, output_field=rows.model._meta.pk)),
                template="%(expressions)s",
                arg_joiner=" < " if self.descending else " > ",
                output_field=BooleanField(),
            )
        )


class NativePagination(BasePagination):
    """`page` and `per_page`, or `cursor` and `per_page`; `ordering` by the view's `orderings`.

    The view tells `collection` (the key of the list) and `orderings` (name to column; the first is the default, as
    `-name` if it descends).
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
            position = _position(query["cursor"], self.collection, queryset, ordering, faults)
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
                {"enum": [sign + name for name in _names(view.orderings) for sign in ("", "-")], "default": default},
                "What to sort by, `-` for descending; then by id. Rows without a value come last.",
            ),
        }
        return [
            {"name": name, "in": "query", "required": False, "schema": schema, "description": text}
            for name, (schema, text) in described.items()
        ]

    def _turn(self, rows: QuerySet[Any], ordering: Ordering, page: int, per_page: int) -> list[Model]:
        total, shown = counted(rows, ordering.keys, (page - 1) * per_page, per_page)
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
        return shown

    def _walk(
        self, rows: QuerySet[Any], ordering: Ordering, position: tuple[Any, int] | None, per_page: int, request: Request
    ) -> list[Model]:
        found = ordering.behind(rows, position, per_page + 1)
        shown = found[:per_page]
        cursor = None
        if len(found) > per_page:
            last = shown[-1]
            value = getattr(last, ordering.column)
            cursor = signing.dumps(
                [ordering.name, value.isoformat() if isinstance(value, datetime) else value, last.pk],
                salt=f"{_CURSOR_SALT}.{self.collection}",
            )
            query = request.query_params.copy()
            query["cursor"] = cursor
            address = request.build_absolute_uri(f"{request.path}?{urlencode(list(_pairs(query)))}")
            self.links = {"Link": f'<{address}>; rel="next"'}
        self.meta = {"cursor": {"next": cursor}}
        return shown


def _row(*parts: Any) -> Func:
    """(a, b): rows compare by their first difference, and an index on both columns serves (SQL:1992 8.2)."""
    return Func(*parts, template="(%(expressions)s)", output_field=BooleanField())


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


def _names(orderings: Mapping[str, str]) -> dict[str, str]:
    """The orderings' columns by their names, without the sign of the default."""
    return {name.removeprefix("-"): column for name, column in orderings.items()}


def _ordering(query: Mapping[str, str], orderings: Mapping[str, str], faults: list[Fault]) -> Ordering:
    default, columns = next(iter(orderings)), _names(orderings)
    name = query.get("ordering", default)
    column = columns.get(name.removeprefix("-"))
    if column is not None:
        return Ordering(name, column)
    faults.append(Fault("ordering", "unknown_choice", {"choices": ", ".join(columns)}))
    return Ordering(default, orderings[default])


def _position(
    cursor: str, collection: str, rows: QuerySet[Any], ordering: Ordering, faults: list[Fault]
) -> tuple[Any, int] | None:
    """Where the last page ended, as (value, id); None at the start. Signed for its list, so its types are ours."""
    if not cursor:
        return None
    try:
        name, value, pk = signing.loads(cursor, salt=f"{_CURSOR_SALT}.{collection}")
    except signing.BadSignature:
        name, value, pk = None, None, 0
    if name != ordering.name:
        faults.append(Fault("cursor", "invalid"))
        return None
    if value is not None and isinstance(rows.model._meta.get_field(ordering.column), DateTimeField):
        value = datetime.fromisoformat(value)
    return value, pk
