"""Many new rows at once: by COPY on PostgreSQL, a few statements a thousand rows elsewhere."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.db import connections, models, router

from usermgmt.columns import ComputedField

BATCH_SIZE = 1000  # rows an INSERT; of SQLite's fewer, which Django sees to
CHUNK = 500  # rows of COPY at a time: the database takes them while the next are written

_NULL = r"\N"
_ESCAPES = {"\\": r"\\", "\n": r"\n", "\t": r"\t", "\r": r"\r"}  # in COPY's text format; the backslash first


def insert(rows: Sequence[models.Model], *, numbered: bool = False) -> None:
    """Insert rows of one model, in the transaction of the caller; of what the database refuses it raises what
    `bulk_create` does. numbered: whether each is told its number."""
    if not rows:
        return
    model = type(rows[0])
    connection = connections[router.db_for_write(model)]
    if connection.vendor != "postgresql":
        model._default_manager.using(connection.alias).bulk_create(rows, batch_size=BATCH_SIZE)
        return
    if numbered:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s::integer)",
                [model._meta.db_table, model._meta.pk.column, len(rows)],
            )
            for row, (number,) in zip(rows, cursor.fetchall(), strict=True):
                row.pk = number
    _copy(connection, model, [row.__dict__ for row in rows], numbered=numbered)
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


def insert_values(model: type[models.Model], rows: Sequence[dict[str, Any]]) -> None:
    """The same of rows that are not needed as such: each names a value for every column but the number."""
    connection = connections[router.db_for_write(model)]
    if connection.vendor != "postgresql":
        insert([model(**row) for row in rows])
    elif rows:
        _copy(connection, model, rows, numbered=False)


def _copy(connection: Any, model: type[models.Model], rows: Sequence[dict[str, Any]], *, numbered: bool) -> None:
    fields = [field for field in model._meta.concrete_fields if numbered or field is not model._meta.pk]
    columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    statement = f"COPY {connection.ops.quote_name(model._meta.db_table)} ({columns}) FROM STDIN"
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        for start in range(0, len(rows), CHUNK):
            copy.write("".join(_lines(rows[start : start + CHUNK], fields)))


def _lines(rows: Sequence[dict[str, Any]], fields: Sequence[Any]) -> Iterator[str]:
    """The rows in COPY's text format. Made column by column: many times faster than cell by cell."""
    for field in fields:
        if isinstance(field, ComputedField):
            sources = zip(*([values[source] for values in rows] for source in field.sources), strict=True)
            for values, made in zip(rows, [field.compute(*of_row) for of_row in sources], strict=True):
                values[field.attname] = made
    columns = [_column(field, [values[field.attname] for values in rows]) for field in fields]
    return ("\t".join(line) + "\n" for line in zip(*columns, strict=True))


def _column(field: Any, values: list[Any]) -> list[str]:
    first = values[0]
    if all(value is first for value in values):  # of most columns
        return [_NULL if first is None else _escaped([_text_of(field)(first)])[0]] * len(values)
    text_of = _text_of(field)
    if None in values:
        return [_NULL if value is None else _escaped([text_of(value)])[0] for value in values]
    return _escaped([text_of(value) for value in values])


def _text_of(field: Any) -> Callable[[Any], str]:
    if isinstance(field, models.BooleanField):
        return _BOOLEANS.__getitem__
    if isinstance(field, models.JSONField):
        encoder = field.encoder
        return (lambda value: json.dumps(value, cls=encoder)) if encoder is not None else json.dumps
    if isinstance(field, models.DateTimeField):
        return lambda value: str(value.isoformat())
    return str


_BOOLEANS = {True: "t", False: "f"}


def _escaped(texts: list[str]) -> list[str]:
    """What stands for the texts; most columns have nothing that needs it."""
    together = "".join(texts)
    for character, escape in _ESCAPES.items():
        if character in together:
            texts = [text.replace(character, escape) for text in texts]
    return texts
