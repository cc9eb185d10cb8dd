"""Queries whose SQL is written once.

To build the SQL of a query costs Django about as much as the database takes to answer it. What every request asks (who
is calling, the one user that a path names) is therefore built at its first use, with stand-ins for its parameters, and
kept; from then on only the values change. The queryset stays the one place that says what is asked, and rows become
models as Django makes them. It works behind PgBouncer, and on SQLite; on PostgreSQL alone the statement is prepared on
each connection (`usermgmt.prepared`).

So it is with the rows that every write makes or changes: `insert` and `update` store one as `save` does, by the same
fields with the same values, and their SQL follows from the names of the columns alone. `change` does both at once: on
PostgreSQL by one statement, with no transaction around it, and nothing need be locked while Python thinks, if what is
changed must still be as it was read (`marked`).
"""

import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connections, models, router, transaction
from django.db.transaction import TransactionManagementError

from usermgmt import prepared
from usermgmt.columns import with_computed
from usermgmt.driver import driver_of, executed
from usermgmt.prepared import PreparedStatement
from usermgmt.rows import Maker

Row = TypeVar("Row", bound=models.Model)
Other = TypeVar("Other", bound=models.Model)

_LEAST, _MOST = -(2**63), 2**63 - 1  # of a bigint; nothing in a database is equal to what is beyond
_BASE = 2_147_483_000  # within every column of whole numbers; no query names such a number itself
_FIRST, _OTHER = '"first"', '"other"'  # what one statement finds, and what another finds along
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
        if not _are_stored(values):
            return None
        written, connection = self._of_thread
        row = written.first(connection, written.sent(values))
        return None if row is None else written.made(row)

    @property
    def model(self) -> type[models.Model]:
        """Of which the rows are."""
        model: type[models.Model] = self._asked.model
        return model

    @property
    def _of_thread(self) -> "tuple[_Written[Row], Any]":
        """The SQL for the database that is to be asked, and this thread's connection to that."""
        query = self._asked
        # What is locked is to be changed, so it is read where it is written, as Django does.
        alias = (router.db_for_write if query.select_for_update else router.db_for_read)(query.model)
        connection = connections[alias]
        written: _Written[Row] | None = self._written.__dict__.get(alias)
        if written is None or written.compiler.connection is not connection:
            written = self._written.__dict__[alias] = _Written(self._build, self._marks, alias)
        return written, connection

    @cached_property
    def _asked(self) -> Any:
        """The query, with the stand-ins."""
        return self._build(**self._marks).query


@dataclass(frozen=True, slots=True)
class _Slot:
    """A place in the SQL: of a parameter, or with a value of its own. Of a parameter `value` is None."""

    name: str | None
    value: Any = None


class _Asked:
    """SQL on one connection, whose first row is wanted; asked by name where it may be."""

    def __init__(self, sql: str) -> None:
        self._sql = sql
        self._prepared: PreparedStatement | None = None

    def first(self, connection: Any, values: list[Any]) -> Any:
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


class _Written(_Asked, Generic[Row]):
    """The SQL for one database, and what makes models of its rows."""

    def __init__(self, build: Callable[..., models.QuerySet[Row]], marks: dict[str, Any], alias: str) -> None:
        query: Any = build(**marks).using(alias).order_by()[:1].query
        self._locks = query.select_for_update
        self.compiler = query.get_compiler(using=alias)
        self.sql, values = self.compiler.as_sql()
        super().__init__(self.sql)
        self._ops = self.compiler.connection.ops
        names = {str(self._adapted(mark)): name for name, mark in marks.items()}
        self._slots = [_Slot(names.get(str(value)), value) for value in values]
        self._maker: Maker[Row] = Maker(self.compiler, alias)

    def sent(self, values: dict[str, Any]) -> list[Any]:
        """What goes to the database for these values of the parameters."""
        return [slot.value if slot.name is None else self._adapted(values[slot.name]) for slot in self._slots]

    def first(self, connection: Any, values: list[Any]) -> Any:
        if self._locks and not connection.in_atomic_block:  # as Django says when it builds the SQL
            raise TransactionManagementError("select_for_update cannot be used outside of a transaction.")
        return super().first(connection, values)

    def made(self, row: Sequence[Any]) -> Row | None:
        """The model of a row; None for one of nothing but NULL."""
        made: Row | None
        (made,) = self._maker.made([row])
        return made

    def _adapted(self, value: Any) -> Any:
        """As Django hands it to the driver; numbers all of one type, or each type were another statement."""
        if isinstance(value, datetime):
            return self._ops.adapt_datetimefield_value(value)
        return self._ops.adapt_integerfield_value(value, "BigIntegerField") if isinstance(value, int) else value


class OfFirst(models.Expression):
    """A column, true or false, of the row that the first of two statements finds: a condition of the second."""

    output_field = models.BooleanField()
    conditional = True

    def __init__(self, column: str) -> None:
        super().__init__()
        self._column = column

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[()]]:
        return f"{_FIRST}.{_quoted(self._column)}", ()


class Together(Generic[Row, Other]):
    """Two rows by one question: what a statement finds, and what another finds along, which may look at the first
    (`OfFirst`). For databases that can be asked so (`can_ask_along`)."""

    def __init__(self, first: Statement[Row], other: Statement[Other]) -> None:
        self._first, self._other = first, other
        self._asked = threading.local()

    def both(self, of_first: dict[str, Any], of_other: dict[str, Any]) -> tuple[Row | None, Other | None]:
        """The rows, each for its values; no second one where there is no first."""
        if not _are_stored(of_other):
            return self._first.one(**of_first), None
        if not _are_stored(of_first):
            return None, None
        first, connection = self._first._of_thread
        other, _ = self._other._of_thread
        kept = self._asked.__dict__.get(connection.alias)
        if kept is None or kept[0] is not first or kept[1] is not other:
            sql = f"SELECT * FROM ({first.sql}) AS {_FIRST} LEFT JOIN LATERAL ({other.sql}) AS {_OTHER} ON true"  # noqa: S608
            kept = self._asked.__dict__[connection.alias] = (first, other, _Asked(sql))
        row = kept[2].first(connection, [*first.sent(of_first), *other.sent(of_other)])
        if row is None:
            return None, None
        width = len(first.compiler.select)
        return first.made(row[:width]), other.made(row[width:])


def can_ask_along(model: type[models.Model]) -> bool:
    """Whether the database of the model can be asked for two rows at once (SQL:1999, LATERAL)."""
    return connections[router.db_for_read(model)].vendor == "postgresql"


def _are_stored(values: dict[str, Any]) -> bool:
    """Whether a column could be equal to each of these; else there is no need to ask."""
    return not any(isinstance(value, int) and not _LEAST <= value <= _MOST for value in values.values())


def _mark(number: int, kind: type) -> Any:
    """A stand-in that no query has a value like."""
    if kind is datetime:
        return _DAWN + timedelta(days=number)
    return _BASE + number if kind is int else f"\x1f{number}"


class _RowVersion(models.Expression):
    """PostgreSQL's own mark of a row of the model that is asked for: by which transaction and where it was written
    (PostgreSQL 5.5). Any change of the row gives it another one."""

    output_field = models.TextField()

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[()]]:
        table = connection.ops.quote_name(compiler.query.get_initial_alias())
        return f"{table}.xmin::text || {table}.ctid::text", ()


READ_AT = "read_at"
"""The attribute of a row that says which one it was when it was read, where the queryset was annotated with it."""


def marked(rows: models.QuerySet[Row]) -> models.QuerySet[Row]:
    """The rows with their marks, for `change`. For databases that have some (`has_marks`)."""
    with_marks: models.QuerySet[Row] = rows.annotate(**{READ_AT: _RowVersion()})
    return with_marks


def has_marks(model: type[models.Model]) -> bool:
    """Whether the database of the model knows by a mark of each row that it was changed."""
    return connections[router.db_for_write(model)].vendor == "postgresql"


def insert(row: models.Model) -> None:
    """Store a new row, whose number the database makes, in the transaction of the caller; then it is as after
    `save(force_insert=True)`, but no signal was sent."""
    connection = connections[router.db_for_write(type(row), instance=row)]
    insertion, values = _insertion_of(row, connection)
    sql = f"{insertion.into} VALUES ({insertion.places}) RETURNING {insertion.number}"
    with executed(connection, sql, values) as cursor:
        (row.pk,) = cursor.fetchone()
    row._state.adding, row._state.db = False, connection.alias


def update(row: models.Model, names: Collection[str], *, null: Collection[str] = ()) -> bool:
    """Write these fields of a row that is there, and what is computed of them, in the transaction of the caller, as
    `save(update_fields=names)` does, but no signal is sent.

    null: fields that must be null in the database, or nothing is written. Tells whether the row was there.
    """
    connection = connections[router.db_for_write(type(row), instance=row)]
    sql, values = _change_of(row, names, null, connection)
    with executed(connection, sql, values) as cursor:
        return bool(cursor.rowcount)


def change(
    row: models.Model, names: Collection[str], *, added: Sequence[models.Model] = (), null: Collection[str] = ()
) -> bool:
    """Write these fields of a row that is there, as `update` does, and store new rows along, as `insert` does: all, or
    nothing, be it within a transaction or without; what the database refuses breaks one (`apart`).

    row: if it was read with its mark (`marked`), it must still be as it was then. Tells whether it was written.
    """
    connection = connections[router.db_for_write(type(row), instance=row)]
    if connection.vendor == "postgresql":
        found = _changed_at_once(row, names, added, null, connection)
        if found is None:
            return False
        row.__dict__.pop(READ_AT, None)
        for new, number in zip(added, found[1:], strict=True):
            new.pk, new._state.adding, new._state.db = number, False, connection.alias
        return True
    with transaction.atomic(using=connection.alias, savepoint=False):
        if not update(row, names, null=null):
            return False
        for new in added:
            insert(new)
    return True


def _changed_at_once(
    row: models.Model, names: Collection[str], added: Sequence[models.Model], null: Collection[str], connection: Any
) -> Sequence[int] | None:
    """1, and the numbers of the new rows, written by one statement with the change; None: there was no such row."""
    changing, values = _change_of(row, names, null, connection)
    if (mark := row.__dict__.get(READ_AT)) is not None:
        changing = f"{changing} AND xmin::text || ctid::text = %s"
        values.append(mark)
    insertions = []
    for new in added:
        insertion, stored = _insertion_of(new, connection)
        insertions.append(insertion)
        values += stored
    sql = _written_together(changing, tuple(insertions))
    driver = driver_of(connection)
    found: Sequence[int] | None
    if driver is not None and prepared.may_be_asked(driver):
        with connection.wrap_database_errors:
            found = prepared.kept(driver, sql).first(values)
    else:
        with executed(connection, sql, values) as cursor:
            found = cursor.fetchone()
    return found


def apart(model: type[models.Model]) -> AbstractContextManager[Any]:
    """Around what the database may refuse: a transaction that is there already does not break by it."""
    connection = connections[router.db_for_write(model)]
    return transaction.atomic(using=connection.alias) if connection.in_atomic_block else nullcontext()


class _Insertion(NamedTuple):
    """The parts of the SQL that stores a new row of a model, and the fields whose values it takes."""

    into: str
    places: str
    number: str
    fields: tuple[Any, ...]


def _insertion_of(row: models.Model, connection: Any) -> tuple[_Insertion, list[Any]]:
    """The SQL that stores a row, and its values."""
    insertion = _insertion(row.__class__)
    return insertion, [_stored(field, row, connection, adding=True) for field in insertion.fields]


def _change_of(
    row: models.Model, names: Collection[str], null: Collection[str], connection: Any
) -> tuple[str, list[Any]]:
    """The SQL that writes these fields of a row, and its values."""
    sql, fields = _change(row.__class__, frozenset(names), tuple(null))
    return sql, [_stored(field, row, connection, adding=False) for field in fields]


def _stored(field: Any, row: models.Model, connection: Any, *, adding: bool) -> Any:
    """The value of a field as Django hands it to the driver."""
    value, kind = field.pre_save(row, adding), field.__class__
    return value if type(value) is _as_it_is(kind) else field.get_db_prep_save(value, connection)


@lru_cache(maxsize=256)
def _as_it_is(kind: Any) -> type | None:
    """The type whose values Django hands over as they are, which takes it six calls to find out for each."""
    usual = kind.get_db_prep_save is models.Field.get_db_prep_save and (
        kind.get_db_prep_value is models.Field.get_db_prep_value
    )
    for text in (models.CharField, models.TextField):
        if usual and kind.get_prep_value is text.get_prep_value and kind.to_python is text.to_python:
            return str
    return None


@lru_cache(maxsize=256)
def _insertion(model: Any) -> _Insertion:
    meta = model._meta
    fields = tuple(field for field in meta.concrete_fields if field is not meta.pk)
    into = f"INSERT INTO {_quoted(meta.db_table)} ({', '.join(_quoted(field.column) for field in fields)})"
    return _Insertion(into, ", ".join(["%s"] * len(fields)), _quoted(meta.pk.column), fields)


@lru_cache(maxsize=256)
def _change(model: Any, names: frozenset[str], null: tuple[str, ...]) -> tuple[str, tuple[Any, ...]]:
    """The SQL that writes these fields of a row of a model, and the fields whose values it takes."""
    meta = model._meta
    wanted = with_computed(model, names)
    fields = [field for field in meta.concrete_fields if field.name in wanted or field.attname in wanted]
    changed = ", ".join(f"{_quoted(field.column)} = %s" for field in fields)
    empty = [f"{_quoted(meta.get_field(name).column)} IS NULL" for name in null]
    meant = " AND ".join([f"{_quoted(meta.pk.column)} = %s", *empty])
    return f"UPDATE {_quoted(meta.db_table)} SET {changed} WHERE {meant}", (*fields, meta.pk)  # noqa: S608


@lru_cache(maxsize=256)
def _written_together(changing: str, insertions: tuple[_Insertion, ...]) -> str:
    """One statement (PostgreSQL 7.8.4): all of it sees the database as it was before, and all is done, or nothing."""
    parts = [f"changed AS ({changing} RETURNING 1)"]
    told = ["1"]
    for place, new in enumerate(insertions):
        parts.append(f"added_{place} AS ({new.into} SELECT {new.places} FROM changed RETURNING {new.number})")  # noqa: S608
        told.append(f"(SELECT {new.number} FROM added_{place})")  # noqa: S608
    return f"WITH {', '.join(parts)} SELECT {', '.join(told)} FROM changed"  # noqa: S608


def _quoted(name: str) -> str:
    """The name of a table or column of ours, as both databases quote it."""
    return f'"{name}"'
