"""Queries whose SQL is written once.

To build the SQL of a query costs Django about as much as the database takes to answer it. What every request asks (who
is calling, the one user that a path names) is therefore built at its first use, with stand-ins for its parameters, and
kept; from then on only the values change. The queryset stays the one place that says what is asked, and rows become
models as Django makes them. It works behind PgBouncer, and on SQLite; on PostgreSQL alone the statement is prepared on
each connection (`usermgmt.prepared`).

So it is with the rows that every write makes or changes: `insert` and `update` store one as `save` does, by the same
fields with the same values, and their SQL follows from the names of the columns alone.
"""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeVar

from django.db import connections, models, router
from django.db.transaction import TransactionManagementError

from usermgmt import prepared
from usermgmt.columns import with_computed
from usermgmt.driver import driver_of, executed
from usermgmt.prepared import PreparedStatement
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
        query = self._asked
        # What is locked is to be changed, so it is read where it is written, as Django does.
        alias = (router.db_for_write if query.select_for_update else router.db_for_read)(query.model)
        connection = connections[alias]
        written: _Written[Row] | None = self._written.__dict__.get(alias)
        if written is None or written.compiler.connection is not connection:
            written = self._written.__dict__[alias] = _Written(self._build, self._marks, alias)
        return written.one(connection, values)

    @cached_property
    def _asked(self) -> Any:
        """The query, with the stand-ins."""
        return self._build(**self._marks).query


@dataclass(frozen=True, slots=True)
class _Slot:
    """A place in the SQL: of a parameter, or with a value of its own. Of a parameter `value` is None."""

    name: str | None
    value: Any = None


class _Written(Generic[Row]):
    """The SQL for one database, and what makes models of its rows."""

    def __init__(self, build: Callable[..., models.QuerySet[Row]], marks: dict[str, Any], alias: str) -> None:
        query: Any = build(**marks).using(alias).order_by()[:1].query
        self._locks = query.select_for_update
        self.compiler = query.get_compiler(using=alias)
        self._sql, values = self.compiler.as_sql()
        self._ops = self.compiler.connection.ops
        names = {str(self._adapted(mark)): name for name, mark in marks.items()}
        self._slots = [_Slot(names.get(str(value)), value) for value in values]
        self._maker: Maker[Row] = Maker(self.compiler, alias)
        self._prepared: PreparedStatement | None = None

    def one(self, connection: Any, values: dict[str, Any]) -> Row | None:
        if self._locks and not connection.in_atomic_block:  # as Django says when it builds the SQL
            raise TransactionManagementError("select_for_update cannot be used outside of a transaction.")
        sent = [slot.value if slot.name is None else self._adapted(values[slot.name]) for slot in self._slots]
        row = self._first(connection, sent)
        if row is None:
            return None
        (found,) = self._maker.made([row])
        return found

    def _first(self, connection: Any, values: list[Any]) -> Any:
        """The first row that the database finds."""
        driver = driver_of(connection)
        if driver is None or not prepared.may_be_asked(driver):
            with executed(connection, self._sql, values) as cursor:
                return cursor.fetchone()
        statement = self._prepared
        if statement is None or statement.driver is not driver:
            statement = self._prepared = prepared.PreparedStatement(driver, self._sql)
        with connection.wrap_database_errors:
            return statement.first(values)

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


def insert(row: models.Model) -> None:
    """Store a new row, whose number the database makes, in the transaction of the caller; then it is as after
    `save(force_insert=True)`, but no signal was sent."""
    meta = row._meta
    connection = connections[router.db_for_write(type(row), instance=row)]
    fields = [field for field in meta.concrete_fields if field is not meta.pk]
    sql = _insertion(meta.db_table, meta.pk.column, tuple(field.column for field in fields))
    values = [_stored(field, row, connection, adding=True) for field in fields]
    with executed(connection, sql, values) as cursor:
        (row.pk,) = cursor.fetchone()
    row._state.adding, row._state.db = False, connection.alias


def update(row: models.Model, names: Collection[str], *, null: Collection[str] = ()) -> bool:
    """Write these fields of a row that is there, and what is computed of them, in the transaction of the caller, as
    `save(update_fields=names)` does, but no signal is sent.

    null: fields that must be null in the database, or nothing is written. Tells whether the row was there.
    """
    meta: Any = row._meta
    connection = connections[router.db_for_write(type(row), instance=row)]
    wanted = with_computed(type(row), names)
    fields = [field for field in meta.concrete_fields if field.name in wanted or field.attname in wanted]
    empty = tuple(meta.get_field(name).column for name in null)
    sql = _change(meta.db_table, meta.pk.column, tuple(field.column for field in fields), empty)
    values = [_stored(field, row, connection, adding=False) for field in (*fields, meta.pk)]
    with executed(connection, sql, values) as cursor:
        return bool(cursor.rowcount)


def _stored(field: Any, row: models.Model, connection: Any, *, adding: bool) -> Any:
    """The value of a field as Django hands it to the driver."""
    return field.get_db_prep_save(field.pre_save(row, adding), connection)


@lru_cache(maxsize=256)
def _insertion(table: str, number: str, columns: tuple[str, ...]) -> str:
    values = ", ".join(["%s"] * len(columns))
    named = ", ".join(map(_quoted, columns))
    return f"INSERT INTO {_quoted(table)} ({named}) VALUES ({values}) RETURNING {_quoted(number)}"  # noqa: S608


@lru_cache(maxsize=256)
def _change(table: str, number: str, columns: tuple[str, ...], empty: tuple[str, ...]) -> str:
    named = ", ".join(f"{_quoted(column)} = %s" for column in columns)
    meant = " AND ".join([f"{_quoted(number)} = %s", *(f"{_quoted(column)} IS NULL" for column in empty)])
    return f"UPDATE {_quoted(table)} SET {named} WHERE {meant}"  # noqa: S608


def _quoted(name: str) -> str:
    """The name of a table or column of ours, as both databases quote it."""
    return f'"{name}"'
