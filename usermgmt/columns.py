"""Columns computed in Python from others: what is equal must not be left to a database's collation.

SQLite and PostgreSQL disagree on case, on accents and on order (DESIGN 2, "E-mail"). So identity,
search and sorting use folded columns, compared byte by byte on both.
"""

import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

from django.db import migrations, models


def fold(text: str) -> str:
    """`text` without regard to case and to compatibility forms (Unicode 3.13, D147)."""
    if text.isascii():
        return text.lower()  # which is the same then
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


class ComputedField(models.Field):  # type: ignore[type-arg]  # generic for the checker only
    """A column that keeps `compute` of other columns of its row, at every save and bulk insert.

    sources: the names of the columns it is made of.
    compute: called with their values, gives the value to store.
    """

    def __init__(self, *, sources: Iterable[str] = (), compute: Callable[..., Any] = fold, **options: Any) -> None:
        self.sources = tuple(sources)
        self.compute = compute
        options["editable"] = False
        super().__init__(**options)

    def deconstruct(self) -> Any:
        # What the value is made of is the code's business, not the schema's.
        name, path, args, options = super().deconstruct()
        options.pop("editable", None)
        return name, path, args, options

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = self.compute(*(getattr(model_instance, source) for source in self.sources))
        setattr(model_instance, self.attname, value)
        return value


class FoldedField(ComputedField, models.TextField):  # type: ignore[type-arg]
    """A computed column of text: by default, its source without regard to case."""


class ComputedNumberField(ComputedField, models.PositiveSmallIntegerField):  # type: ignore[type-arg]
    """A computed column of a small number."""


class OrderedJSONField(models.JSONField):
    """JSON whose objects keep the order of their keys, for whoever edits it; nothing is looked for within.

    SQLite keeps it as it is; PostgreSQL does in a column of `json`, not in one of `jsonb`.
    """

    def db_type(self, connection: Any) -> str | None:
        return "json" if connection.vendor == "postgresql" else super().db_type(connection)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        adapted = super().get_db_prep_value(value, connection, prepared)
        if connection.vendor != "postgresql" or adapted is None:
            return adapted
        from psycopg.types.json import Json

        return Json(value)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return super().from_db_value(value, expression, connection) if isinstance(value, str) else value


class FoldsColumns(models.Model):
    """A model with computed columns: saving a source saves what is made of it."""

    class Meta:
        abstract = True

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        if update_fields is not None:
            update_fields = with_computed(type(self), update_fields)
        super().save(*args, update_fields=update_fields, **options)


def with_computed(model: type[models.Model], names: Iterable[str]) -> set[str]:
    """These fields, and the computed ones that are made of them."""
    wanted = set(names)
    # In the order of the columns: one may be made of another that stands before it.
    for column in model._meta.concrete_fields:
        if isinstance(column, ComputedField) and wanted.intersection(column.sources):
            wanted.add(column.name)
    return wanted


def compare_bytes(model: str, *columns: str) -> migrations.RunPython:
    """A migration step: PostgreSQL compares these columns of `app.Model` byte by byte, as SQLite does."""

    def alter(apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            return
        options = apps.get_model(model)._meta
        quote = schema_editor.quote_name
        for column in columns:
            kind = options.get_field(column).db_type(schema_editor.connection)
            schema_editor.execute(
                f'ALTER TABLE {quote(options.db_table)} ALTER COLUMN {quote(column)} TYPE {kind} COLLATE "C"'
            )

    return migrations.RunPython(alter, migrations.RunPython.noop)
