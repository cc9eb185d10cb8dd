"""The rows of a list: the SQL around the conditions is written once, and models are made of rows without detours.

What a list selects, joins and sorts by is the same on each of its pages, and to write that part of the SQL costs Django
several times what the database takes to find the rows. It is kept, as Django wrote it, by all of a query that it
depends on; conditions and limits are written by Django each time. So any queryset may come, and the SQL is to the
letter the one that it would have had. It works behind PgBouncer, and on SQLite; on PostgreSQL alone the last ones are
prepared on each connection (`usermgmt.prepared`).
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connections, models
from django.db.models.base import ModelState
from django.db.models.query import ModelIterable
from django.db.models.signals import post_init, pre_init
from django.db.models.sql.where import WhereNode

from usermgmt.prepared import found

Row = TypeVar("Row", bound=models.Model)

MAX_KEPT = 100  # of a thread; callers may say what to sort by, and some say much

_kept = threading.local()  # connections are of threads, too


class ListedQuerySet(models.QuerySet[Row]):
    """A queryset that gets its rows so, and their number; Django's way is gone by what is more than the rows of a table
    with what `select_related` reads along: annotations, groups, locks, unions."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._iterable_class: Any = _Rows

    def count(self) -> int:
        query: Any = self.query
        if self._result_cache is not None or query.is_sliced or not _is_plain(query):
            return super().count()
        name = connections[self.db].ops.quote_name("__count")
        told = _told(query, connections[self.db], f"COUNT(*) AS {name}")
        return int(told[0][0]) if told else 0

    def some_numbers(self, limit: int) -> list[int]:
        """The primary keys, which are numbers, of so many of them, or of all, in whatever order."""
        query: Any = self.query
        unsorted = self.order_by()
        if query.is_sliced or not _is_plain(query):
            return list(unsorted.values_list("pk", flat=True)[:limit])
        meta = self.model._meta
        quoted = connections[self.db].ops.quote_name
        key = f"{quoted(meta.db_table)}.{quoted(meta.pk.column)}"
        return [int(number) for (number,) in _told(query, connections[self.db], key, f" LIMIT {limit:d}")]


class _Rows(ModelIterable):  # type: ignore[type-arg]  # generic for the checker only
    def __iter__(self) -> Iterator[Any]:
        queryset: Any = self.queryset
        query = queryset.query
        whole = not self.chunked_fetch and not queryset._known_related_objects
        frame = _frame(query, connections[queryset.db]) if whole and _is_plain(query) else None
        return super().__iter__() if frame is None else iter(frame.rows(query))


class Maker(Generic[Row]):
    """Makes models of rows, as Django does.

    compiler: one that wrote its SQL. alias: the database that the rows are of. What is annotated becomes an attribute.

    Django's way, `__init__`, looks at each column of the model, also at those that were not read. Where nobody listens
    to that, the values go where it would have put them.
    """

    def __init__(self, compiler: Any, alias: str) -> None:
        self._compiler = compiler
        self._converters = compiler.get_converters([chosen[0] for chosen in compiler.select])
        self._one = _maker(compiler.klass_info, compiler.select, alias)
        self._annotated = tuple(compiler.annotation_col_map.items())

    def made(self, rows: Iterable[Sequence[Any]]) -> list[Any]:
        """The models of rows as the driver gives them; None for one of nothing but NULL."""
        converted = self._compiler.apply_converters(rows, self._converters) if self._converters else rows
        if not self._annotated:
            return [self._one(row) for row in converted]
        return [self._with_annotations(row) for row in converted]

    def _with_annotations(self, row: Sequence[Any]) -> Row | None:
        made: Row | None = self._one(row)
        if made is not None:
            made.__dict__.update((name, row[column]) for name, column in self._annotated)
        return made


def _maker(shape: Any, select: Any, alias: str) -> Callable[[Sequence[Any]], Any]:
    """What makes a model of its part of a row; None where the row has none, as a user who is of no client."""
    model, fields = shape["model"], shape["select_fields"]
    columns = slice(fields[0], fields[-1] + 1)
    names = [chosen[0].target.attname for chosen in select[columns]]
    key = fields[0] + names.index(model._meta.pk.attname)
    related = [
        (_maker(other, select, alias), other["local_setter"], other["remote_setter"])
        for other in shape.get("related_klass_infos", ())
    ]

    def bare(row: Sequence[Any]) -> Any:
        made = model.__new__(model)
        state = made._state = ModelState()
        state.adding = False
        state.db = alias
        made.__dict__.update(zip(names, row[columns], strict=True))
        return made

    def initialised(row: Sequence[Any]) -> Any:
        return model.from_db(alias, names, row[columns])

    make = bare if _inits_as_all(model) else initialised

    def whole(row: Sequence[Any]) -> Any:
        if row[key] is None:
            return None
        made = make(row)
        for other_of, set_other, set_back in related:
            other = other_of(row)
            set_other(made, other)
            if other is not None:
                set_back(other, made)
        return made

    return whole


def _inits_as_all(model: Any) -> bool:
    """Whether to make one is to give it the values of its columns, and nothing else."""
    return (
        model.__init__ is models.Model.__init__
        and model.from_db.__func__ is models.Model.from_db.__func__  # type: ignore[attr-defined]
        and not (pre_init.has_listeners(model) or post_init.has_listeners(model))
    )


class _Frame(Generic[Row]):
    """A query without its conditions and limits: what stands before them, and behind."""

    def __init__(self, query: Any, connection: Any) -> None:
        bare = query.clone()
        bare.where = WhereNode()
        bare.clear_limits()
        unsorted = bare.clone()
        unsorted.clear_ordering(force=True)
        compiler = bare.get_compiler(using=connection.alias)
        sql, values = compiler.as_sql()
        self._head, self._head_values = unsorted.get_compiler(using=connection.alias).as_sql()
        # A column of another table to sort by would be one more join, in the middle.
        self.is_one = sql.startswith(self._head)
        self._tail, self._tail_values = sql.removeprefix(self._head), values[len(self._head_values) :]
        self._maker: Maker[Row] = Maker(compiler, connection.alias)
        self._connection = connection

    def rows(self, query: Any) -> list[Row]:
        """Those that the conditions and limits of `query` leave."""
        written = _conditions(query.get_compiler(using=self._connection.alias))
        if written is None:
            return []
        conditions, values = written
        sql = f"{self._head}{conditions}{self._tail}"
        if query.is_sliced:
            sql = f"{sql} {self._connection.ops.limit_offset_sql(query.low_mark, query.high_mark)}"
        return self._maker.made(found(self._connection, sql, (*self._head_values, *values, *self._tail_values)))


def _told(query: Any, connection: Any, what: str, ending: str = "") -> Sequence[Sequence[Any]]:
    """What is told of the rows that the conditions leave, whichever the columns, the relations read along and the
    order; nothing where no row can meet them."""
    compiler = query.clone().get_compiler(using=connection.alias)
    compiler.query.get_initial_alias()
    written = _conditions(compiler)
    if written is None:
        return []
    conditions, values = written
    tables, joining = compiler.get_from_clause()
    sql = f"SELECT {what} FROM {' '.join(tables)}{conditions}{ending}"  # noqa: S608
    return found(connection, sql, (*joining, *values))


def _conditions(compiler: Any) -> tuple[str, Sequence[Any]] | None:
    """The WHERE of a query, and its values; None: no row can meet it."""
    try:
        conditions, values = compiler.compile(compiler.query.where)
    except EmptyResultSet:
        return None
    except FullResultSet:
        return "", ()
    return (f" WHERE {conditions}", values) if conditions else ("", ())


def _frame(query: Any, connection: Any) -> "_Frame[Any] | None":
    """What is kept of queries like this one; None where such can't be taken apart."""
    owner, frames = _kept.__dict__.get(connection.alias, (None, {}))
    if owner is not connection:
        owner, frames = _kept.__dict__[connection.alias] = connection, {}
    key = _key(query)
    frame: _Frame[Any] | None = frames.get(key)
    if frame is None:
        if len(frames) >= MAX_KEPT:
            frames.clear()
        frame = frames[key] = _Frame(query, connection)
    return frame if frame.is_one else None


def _key(query: Any) -> Any:
    """All that the SQL of a plain query depends on, but its conditions and limits."""
    names, deferred = query.deferred_loading
    return (
        query.model,
        query.order_by,
        query.default_ordering,
        query.standard_ordering,
        repr(query.select_related),
        frozenset(names),
        deferred,
        tuple(
            (name, joined, getattr(joined, "join_type", None), query.alias_refcount[name] > 0)
            for name, joined in query.alias_map.items()
        ),
    )


def _is_plain(query: Any) -> bool:
    """Whether there is nothing to it but columns, relations read along, conditions, order and limits."""
    special = (
        query.annotations
        or query._filtered_relations
        or query.extra
        or query.extra_order_by
        or query.extra_tables
        or query.distinct
        or query.combinator
        or query.select
        or query.select_for_update
        or query.explain_info
        or query.group_by is not None
        or query.where.contains_aggregate
        or query.where.contains_over_clause
    )
    return bool(query.default_cols and not special)
