"""The rows of a sorted list from one place to another: what pages by number show.

To pass over rows costs a database time for each, and to sort them more. So, of what a list may ask:

* Few rows that something narrows (a search, a client) are found by that and sorted. Along the index of the ordering
  they might be anywhere, and the database, which guesses how many there are, may look for them through all.
* What finds a page's worth of rows, as most searches do, is asked for their numbers once; to count them and to find
  them again for the page would take twice as long.
* Other rows are walked along the index of the ordering, from the nearer end. A page deep inside reads ids from the
  index alone, and only then the rows of the page.
* A state is no order to walk along, as many rows have the same one: its two values are lists of their own, one behind
  the other. So are the rows that have a value in a column and those that have none, where no index has them together.
* Rows in the order of their numbers can be skipped by the block, where their number in each is kept: see `Skipping`.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, runtime_checkable

from django.db import connections, models
from django.db.models import F, QuerySet
from django.db.models.expressions import Col, OrderBy
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact
from django.db.models.sql.where import AND

FEW = 10_000  # rows; to sort them costs some 10 ms
SHALLOW = 100  # rows that are passed over whole, with what is read along
DEEP = 1_000  # rows that are passed over in an index; before more, what may be skipped is looked for


@dataclass(frozen=True, slots=True)
class Key:
    """What to sort by, first or next. blanks_first: whether rows without a value come before the others."""

    column: str
    descending: bool = False
    blanks_first: bool = False

    def turned(self) -> "Key":
        """The other way round."""
        return Key(self.column, not self.descending, not self.blanks_first)


@runtime_checkable
class Skipping(Protocol):
    """A queryset that knows more of its rows than Django does."""

    def is_walked_by(self, column: str) -> bool:
        """Whether an index has these rows in the order of the column, and few others between them."""

    def has_kept_count(self) -> bool:
        """Whether it is known without looking how many there are."""

    def some_numbers(self, limit: int) -> list[int]:
        """The ids of so many of them, or of all, in whatever order."""

    def skipping(self, start: int, *, descending: bool) -> tuple[Any, int]:
        """The same rows by their numbers, less some whose number is known; and how many still to pass over."""


def window(rows: QuerySet[Any], keys: Sequence[Key], start: int, size: int, total: int | None = None) -> list[Any]:
    """At most `size` rows from the place `start`, counted from 0, in the order of the keys and then of the ids.

    total: how many rows there are, where that is known. Who writes meanwhile may move the rows, as with any list by
    number.
    """
    if total is not None:
        size = min(size, total - start)
        if size <= 0:
            return []
    keys = _total(rows, keys)
    with unprepared(rows):
        if is_few(rows, keys[0].column, total):
            return list(by_sorting(rows, keys)[start : start + size])
        return _walked(rows, keys, start, size, total)


def counted(rows: QuerySet[Any], keys: Sequence[Key], start: int, size: int) -> tuple[int, list[Any]]:
    """How many rows there are, and the page of them that `window` gives."""
    if has_at_most_one(rows):  # to count is to read then
        found = list(rows.order_by()[:1])
        return len(found), found[start : start + size]
    few = numbers_of_few(rows)
    if few is None:
        total = rows.count()
        return total, window(rows, keys, start, size, total)
    if start >= len(few):
        return len(few), []
    with unprepared(rows):
        # The conditions stay: who was moved meanwhile is not shown.
        return len(few), list(by_sorting(rows.filter(pk__in=few), _total(rows, keys))[start : start + size])


def has_at_most_one(rows: QuerySet[Any]) -> bool:
    """Whether a column in which every row has a value of its own must be equal to one."""
    where: Any = rows.query.where
    if where.connector != AND or where.negated or _has_several_for_one(rows):
        return False
    unique = _unique(rows.model)  # type: ignore[arg-type]  # classes can be hashed
    return any(_names_one(rule, rows.query.base_table, unique) for rule in where.children)


def numbers_of_few(rows: QuerySet[Any]) -> list[int] | None:
    """The ids of the rows that something narrows, if they are no more than SHALLOW; None: they are, or nothing does."""
    if not rows.query.where or not isinstance(rows, Skipping) or rows.has_kept_count() or _has_several_for_one(rows):
        return None
    numbers = rows.some_numbers(SHALLOW + 1)
    return numbers if len(numbers) <= SHALLOW else None


def is_few(rows: QuerySet[Any], column: str, total: int | None = None) -> bool:
    """Whether to find and sort the rows, and not to look for them along the index on a column. total: how many there
    are, where that is known."""
    if not rows.query.where or not isinstance(rows, Skipping) or rows.is_walked_by(column):
        return False
    return (rows.order_by()[: FEW + 1].count() if total is None else total) <= FEW


def by_sorting(rows: QuerySet[Any], keys: Sequence[Key]) -> QuerySet[Any]:
    """Sorted by what is no index's, so that the database does not walk along one."""
    first, *others = keys
    same = Coalesce(F(first.column), F(first.column))
    return rows.order_by(_sorted(rows, first, same), *(_sorted(rows, key, F(key.column)) for key in others))


def by_index(rows: QuerySet[Any], keys: Sequence[Key]) -> QuerySet[Any]:
    """Sorted as indexes are."""
    return rows.order_by(*(_sorted(rows, key, F(key.column)) for key in keys))


@contextmanager
def unprepared(rows: QuerySet[Any]) -> Iterator[None]:
    """Plans made for the values at hand. What PostgreSQL prepares, it soon plans for any values; but a search for
    everybody is no search for one."""
    connection: Any = connections[rows.db]
    if not rows.query.where or connection.vendor != "postgresql":
        yield
        return
    connection.ensure_connection()
    driver = connection.connection
    before, driver.prepare_threshold = driver.prepare_threshold, None
    try:
        yield
    finally:
        driver.prepare_threshold = before


def _walked(rows: QuerySet[Any], keys: list[Key], start: int, size: int, total: int | None) -> list[Any]:
    first, *others = keys
    field = rows.model._meta.get_field(first.column)
    if isinstance(field, models.BooleanField):
        ways = (first.descending, not first.descending)
        parts = [(rows.filter(**{first.column: value}), others, _walked) for value in ways]
    elif field.null and others != [Key("id", first.descending)]:
        blank = {f"{first.column}__isnull": True}
        parts = [(rows.filter(**blank), others, _walked), (rows.exclude(**blank), keys, _along)]
        parts = parts if first.blanks_first else parts[::-1]
    else:
        return _along(rows, keys, start, size, total)
    found: list[Any] = []
    for part, keys_of_part, walk in parts:
        got = walk(part, keys_of_part, start, size - len(found), None)
        found += got
        if len(found) == size:
            break
        if start:  # counted only where the page is not within the first part
            start = 0 if got else max(0, start - part.count())
    return found


def _along(rows: QuerySet[Any], keys: list[Key], start: int, size: int, total: int | None) -> list[Any]:
    if start >= DEEP and keys[0].column == "id" and isinstance(rows, Skipping):
        rows, left = rows.skipping(start, descending=keys[0].descending)
        start, total = left, None if total is None else total - (start - left)
    if start < SHALLOW:
        return list(by_index(rows, keys)[start : start + size])
    if total is None and start >= DEEP:
        total = rows.count()
    shown = size if total is None else min(size, total - start)
    if shown <= 0:
        return []
    behind = start if total is None else total - start - shown
    if behind < start:
        turned = [key.turned() for key in keys]
        passed = by_index(rows, turned)[behind : behind + shown]
    else:
        passed = by_index(rows, keys)[start : start + shown]
    # The index of a unique column has no ids.
    column = keys[0].column if len(keys) == 1 else "id"
    return list(by_index(rows.filter(**{f"{column}__in": passed.values(column)}), keys))


def _total(rows: QuerySet[Any], keys: Sequence[Key]) -> list[Key]:
    """Each column once, and nothing behind a unique one, where nothing is left to be sorted."""
    unique = _unique(rows.model)  # type: ignore[arg-type]  # classes can be hashed
    kept: dict[str, Key] = {}
    for key in (*keys, Key("id")):
        kept.setdefault(key.column, key)
        if key.column in unique:
            break
    return list(kept.values())


@cache
def _unique(model: type[models.Model]) -> frozenset[str]:
    """The columns in which every row has a value of its own."""
    return frozenset(rule.fields[0] for rule in model._meta.total_unique_constraints if len(rule.fields) == 1) | {"id"}


def _has_several_for_one(rows: QuerySet[Any]) -> bool:
    """Whether a table is read along that may have several rows for one."""
    fields = [getattr(joined, "join_field", None) for joined in rows.query.alias_map.values()]
    return any(field is not None and not (field.many_to_one or field.one_to_one) for field in fields)


def _names_one(rule: Any, table: str, unique: Collection[str]) -> bool:
    column = rule.lhs if isinstance(rule, Exact) else None
    return isinstance(column, Col) and column.alias == table and column.target.name in unique


def _sorted(rows: QuerySet[Any], key: Key, expression: Any) -> OrderBy:
    if not rows.model._meta.get_field(key.column).null:
        return OrderBy(expression, descending=key.descending)
    blanks = {"nulls_first": True} if key.blanks_first else {"nulls_last": True}
    return OrderBy(expression, descending=key.descending, **blanks)
