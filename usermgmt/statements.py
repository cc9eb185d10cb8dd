"""Queries whose SQL is written once.

To build the SQL of a query costs Django about as much as the database takes to answer it. What every request asks (who
is calling, the one user that a path names) is therefore built at its first use, with stand-ins for its parameters, and
kept; from then on only the values change. The queryset stays the one place that says what is asked, and rows become
models as Django makes them. Nothing is prepared on a connection by this: it works behind PgBouncer, and on SQLite.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from django.db import connections, models, router

from usermgmt.rows import Maker

Row = TypeVar("Row", bound=models.Model)

_LEAST, _MOST = -(2**63), 2**63 - 1  # of a bigint; nothing in a database is equal to what is beyond
_BASE = 2_147_483_000  # within every column of whole numbers; no query names such a number itself
_DAWN = datetime(1, 1, 1, tzinfo=UTC)


class Statement(Generic[Row]):
    """The one row that a queryset finds.

    build: gives the queryset, called with a stand-in for each parameter, by name. parameters: their types: int, str or
    datetime; a query in which one may be None is another one.
    """

    def __init__(self, build: Callable[..., models.QuerySet[Row]], **parameters: type) -> None:
        self._build = build
        self._marks = {name: _mark(number, kind) for number, (name, kind) in enumerate(parameters.items())}
        self._written = threading.local()  # connections are of threads, too

    def one(self, **values: Any) -> Row | None:
        """The row for these values; None: there is none."""
        if any(isinstance(value, int) and not _LEAST <= value <= _MOST for value in values.values()):
            return None
        alias = router.db_for_read(self._model)
        connection = connections[alias]
        written: _Written[Row] | None = self._written.__dict__.get(alias)
        if written is None or written.compiler.connection is not connection:
            written = self._written.__dict__[alias] = _Written(self._build, self._marks, alias)
        return written.one(connection, values)

    @property
    def _model(self) -> type[models.Model]:
        model: type[models.Model] | None = self.__dict__.get("_found")
        if model is None:
            model = self.__dict__["_found"] = self._build(**self._marks).model
        return model


@dataclass(frozen=True, slots=True)
class _Slot:
    """A place in the SQL: of a parameter, or with a value of its own. Of a parameter `value` is None."""

    name: str | None
    value: Any = None


class _Written(Generic[Row]):
    """The SQL for one database, and what makes models of its rows."""

    def __init__(self, build: Callable[..., models.QuerySet[Row]], marks: dict[str, Any], alias: str) -> None:
        query: Any = build(**marks).using(alias).order_by()[:1].query
        self.compiler = query.get_compiler(using=alias)
        self._sql, values = self.compiler.as_sql()
        self._ops = self.compiler.connection.ops
        names = {str(self._adapted(mark)): name for name, mark in marks.items()}
        self._slots = [_Slot(names.get(str(value)), value) for value in values]
        self._maker: Maker[Row] = Maker(self.compiler, alias)

    def one(self, connection: Any, values: dict[str, Any]) -> Row | None:
        sent = [slot.value if slot.name is None else self._adapted(values[slot.name]) for slot in self._slots]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, sent)
            row = cursor.fetchone()
        if row is None:
            return None
        (found,) = self._maker.made([row])
        return found

    def _adapted(self, value: Any) -> Any:
        """As Django hands it to the driver; numbers all of one type, or each type were another statement."""
        if isinstance(value, datetime):
            return self._ops.adapt_datetimefield_value(value)
        return self._ops.adapt_integerfield_value(value, "BigIntegerField") if isinstance(value, int) else value


def _mark(number: int, kind: type) -> Any:
    """A stand-in that no query has a value like."""
    if kind is datetime:
        return _DAWN + timedelta(days=number)
    return _BASE + number if kind is int else f"\x1f{number}"
