"""Many new rows at once: by COPY on PostgreSQL, a few statements a thousand rows elsewhere."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections, models, router

from usermgmt.columns import ComputedField

BATCH_SIZE = 1000  # rows an INSERT; of SQLite's fewer, which Django sees to

_NULL = r"\N"

Cell = Callable[[models.Model], str]


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
    key = model._meta.pk
    with connection.cursor() as cursor:
        if numbered:
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s::integer)",
                [model._meta.db_table, key.column, len(rows)],
            )
            for row, (number,) in zip(rows, cursor.fetchall(), strict=True):
                row.pk = number
        fields = [field for field in model._meta.concrete_fields if numbered or field is not key]
        columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
        cells = [_cell(field) for field in fields]
        text = "".join(["\t".join([cell(row) for cell in cells]) + "\n" for row in rows])
        with (
            connection.wrap_database_errors,
            cursor.copy(f"COPY {connection.ops.quote_name(model._meta.db_table)} ({columns}) FROM STDIN") as copy,
        ):
            copy.write(text)
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


def _cell(field: Any) -> Cell:
    """What gives the value of a row in COPY's text format."""
    name = field.attname
    written = _written(field)
    if isinstance(field, ComputedField):
        return lambda row: _NULL if (value := field.pre_save(row, True)) is None else written(value)
    return lambda row: _NULL if (value := row.__dict__[name]) is None else written(value)


def _written(field: Any) -> Callable[[Any], str]:
    if isinstance(field, models.BooleanField):
        return lambda value: "t" if value else "f"
    if isinstance(field, models.JSONField):
        return lambda value: _escaped(json.dumps(value, cls=field.encoder)) if value else json.dumps(value)
    if isinstance(field, models.DateTimeField):
        return _moment
    return lambda value: _escaped(str(value))


def _moment(value: Any) -> str:
    moment: str = value.isoformat()
    return moment


def _escaped(text: str) -> str:
    if "\\" in text:
        text = text.replace("\\", r"\\")
    if "\n" in text or "\t" in text or "\r" in text:
        text = text.replace("\n", r"\n").replace("\t", r"\t").replace("\r", r"\r")
    return text
