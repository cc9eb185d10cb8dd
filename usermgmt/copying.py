"""Many new rows at once: by COPY on PostgreSQL, a few statements a thousand rows elsewhere."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from json.encoder import encode_basestring_ascii
from operator import is_, itemgetter
from typing import Any

from django.db import connections, models, router

from usermgmt.columns import ComputedField

BATCH_SIZE = 1000  # rows an INSERT; of SQLite's fewer, which Django sees to
CHUNK = 250  # rows of COPY at a time: the database takes them while the next are written

_NULL = r"\N"
_ESCAPES = {"\\": r"\\", "\n": r"\n", "\t": r"\t", "\r": r"\r"}  # in COPY's text format; the backslash first


@dataclass(frozen=True, slots=True)
class Begun:
    """Rows as COPY takes them, so far as their values were known: a line of each, and the columns that it lacks."""

    lines: Sequence[str]
    there: Sequence[Any]
    lacking: Sequence[Any]


def begun(rows: Sequence[models.Model], *, without: Collection[str]) -> Begun | None:
    """What can be done with rows of one model before the values of some columns are known, and none is computed of
    those; None on databases other than PostgreSQL."""
    if not rows or connections[router.db_for_write(type(rows[0]))].vendor != "postgresql":
        return None
    fields = type(rows[0])._meta.concrete_fields
    there = [field for field in fields if field.name not in without]
    lacking = [field for field in fields if field.name in without]
    return Begun(list(_lines([row.__dict__ for row in rows], there)), there, lacking)


def insert(rows: Sequence[models.Model], *, numbered: bool = False) -> None:
    """Insert rows of one model, in the transaction of the caller; of what the database refuses it raises what
    `bulk_create` does. numbered: whether each is told its number."""
    with inserting(rows, numbered=numbered):
        pass


@contextmanager
def inserting(rows: Sequence[models.Model], *, numbered: bool = False, begun: Begun | None = None) -> Iterator[None]:
    """The same; PostgreSQL may still be at it in the body, where each is told its number already. Nothing may be asked
    of the database there. begun: what was made of the rows before."""
    if not rows:
        yield
        return
    model = type(rows[0])
    connection = connections[router.db_for_write(model)]
    if connection.vendor != "postgresql":
        model._default_manager.using(connection.alias).bulk_create(rows, batch_size=BATCH_SIZE)
        yield
        return
    if numbered and rows[0].pk is None:
        number(rows)
    with _copying(connection, model, [row.__dict__ for row in rows], numbered=numbered, begun=begun):
        for row in rows:
            row._state.adding, row._state.db = False, connection.alias
        yield


def number(rows: Sequence[models.Model]) -> None:
    """Tell rows of one model their numbers before they are inserted, all or none of them. Databases other than
    PostgreSQL tell them as they insert."""
    if rows and (drawn := numbers(len(rows), type(rows[0]))) is not None:
        tell(rows, drawn[0])


def tell(rows: Sequence[models.Model], drawn: Sequence[int]) -> None:
    """Give rows their numbers."""
    for row, one in zip(rows, drawn, strict=True):
        row.pk = one


def numbers(count: int, *of: type[models.Model]) -> list[list[int]] | None:
    """For as many rows of each model their numbers, which nobody else gets; None on databases other than PostgreSQL."""
    connection = connections[router.db_for_write(of[0])]
    if connection.vendor != "postgresql":
        return None
    # The inner SELECT is asked once; without it PostgreSQL would look for the sequences for each row. As one text they
    # are read in a tenth of the time.
    drawn = ", ".join(f"coalesce(string_agg(nextval(s{place})::text, ' '), '')" for place in range(len(of)))
    sequences = ", ".join(f"pg_get_serial_sequence(%s, %s)::regclass AS s{place}" for place in range(len(of)))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {drawn} FROM (SELECT {sequences} OFFSET 0) AS of_tables, generate_series(1, %s::integer)",  # noqa: S608
            [*(name for model in of for name in (model._meta.db_table, model._meta.pk.column)), count],
        )
        return [list(map(int, text.split())) for text in cursor.fetchone()]


def insert_values(model: type[models.Model], rows: Sequence[dict[str, Any]], *, numbered: bool = False) -> None:
    """The same of rows that are not needed as such: each names a value for every column but the number. numbered: and
    for that one, on PostgreSQL, as `numbers` gave it."""
    connection = connections[router.db_for_write(model)]
    if connection.vendor != "postgresql":
        insert([model(**row) for row in rows])
    elif rows:
        with _copying(connection, model, rows, numbered=numbered):
            pass


@contextmanager
def _copying(
    connection: Any,
    model: type[models.Model],
    rows: Sequence[dict[str, Any]],
    *,
    numbered: bool,
    begun: Begun | None = None,
) -> Iterator[None]:
    """All rows are on their way in the body, and in after it."""
    there: Sequence[Any] = begun.there if begun is not None else ()
    fields = begun.lacking if begun is not None else model._meta.concrete_fields
    fields = [field for field in fields if numbered or field is not model._meta.pk]
    columns = ", ".join(connection.ops.quote_name(field.column) for field in (*there, *fields))
    statement = f"COPY {connection.ops.quote_name(model._meta.db_table)} ({columns}) FROM STDIN"
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        for start in range(0, len(rows), CHUNK):
            lines: Iterable[str] = _lines(rows[start : start + CHUNK], fields)
            if begun is not None:
                lines = map("%s\t%s".__mod__, zip(begun.lines[start : start + CHUNK], lines, strict=True))
            copy.write("\n".join(lines) + "\n")
        yield


def _lines(rows: Sequence[dict[str, Any]], fields: Sequence[Any]) -> Iterator[str]:
    """The rows in COPY's text format, without their ends. Made column by column, many times faster than by cell."""
    columns: dict[str, Sequence[Any]] = {}
    for field in fields:
        if isinstance(field, ComputedField):
            columns[field.attname] = list(map(field.compute, *(columns[source] for source in field.sources)))
            for values, made in zip(rows, columns[field.attname], strict=True):
                values[field.attname] = made
        else:
            columns[field.attname] = list(map(itemgetter(field.attname), rows))
    texts = [_column(field, columns[field.attname]) for field in fields]
    return map("\t".join, zip(*texts, strict=True))


def _column(field: Any, values: Sequence[Any]) -> list[str]:
    first = values[0]
    if all(map(is_, values, repeat(first))):  # of most columns
        return [_NULL if first is None else _escaped(_texts(field, [first]))[0]] * len(values)
    if None in values:
        there = iter(_escaped(_texts(field, [value for value in values if value is not None])))
        return [_NULL if value is None else next(there) for value in values]
    return _escaped(_texts(field, values))


def _texts(field: Any, values: Sequence[Any]) -> list[str]:
    if isinstance(field, models.JSONField):
        if field.encoder is not None:
            return [json.dumps(value, cls=field.encoder) for value in values]
        return documents(values)
    return list(map(_text_of(field), values))


def _text_of(field: Any) -> Callable[[Any], str]:
    if isinstance(field, models.BooleanField):
        return _BOOLEANS.__getitem__
    if isinstance(field, models.DateTimeField):
        return lambda value: str(value.isoformat())
    return str


def documents(values: Sequence[Any]) -> list[str]:
    """What `json.dumps` makes of each value. Objects of the same keys, and lists of one length, are one text with gaps,
    and what stands in a gap is a column of its own: a third of the time."""
    first = values[0]
    if all(map(is_, values, repeat(first))):
        return [json.dumps(first)] * len(values)
    kinds = set(map(type, values))
    if len(kinds) == 1 and (kind := kinds.pop()) in _PLAIN:
        return list(map(_PLAIN[kind], values))
    keys = _shape(values)
    if keys is None:
        return list(map(json.dumps, values))
    if isinstance(first, dict):
        gaps = (f"{json.dumps(key)}: ".replace("%", "%%") + "%s" for key in keys)
        text = f"{{{', '.join(gaps)}}}"
    else:
        text = f"[{', '.join('%s' for _ in keys)}]"
    if not keys:
        return [text] * len(values)
    columns = [documents(list(map(itemgetter(key), values))) for key in keys]
    return [text % cells for cells in zip(*columns, strict=True)]


def _shape(values: Sequence[Any]) -> Sequence[Any] | None:
    """The keys that all of these objects have, in one order, or the places of all of these lists; None: they differ."""
    kinds = set(map(type, values))
    if kinds == {dict}:
        shapes = set(map(tuple, values))
        keys = shapes.pop()
        return keys if not shapes and all(type(key) is str for key in keys) else None
    if kinds <= {list, tuple}:
        lengths = set(map(len, values))
        return range(lengths.pop()) if len(lengths) == 1 else None
    return None


_PLAIN: dict[type, Callable[[Any], str]] = {
    str: encode_basestring_ascii,
    int: str,
    bool: {True: "true", False: "false"}.__getitem__,
}
"""How JSON writes what has nothing within."""


_BOOLEANS = {True: "t", False: "f"}


def _escaped(texts: list[str]) -> list[str]:
    """What stands for the texts; most columns have nothing that needs it."""
    together = "".join(texts)
    for character, escape in _ESCAPES.items():
        if character in together:
            texts = [text.replace(character, escape) for text in texts]
    return texts
