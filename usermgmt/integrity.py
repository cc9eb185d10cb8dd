"""What an IntegrityError says: which named constraint broke, on either database."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import IntegrityError, OperationalError, models

from usermgmt.errors import Fault, Invalid


def broken_constraint(error: IntegrityError, model: type[models.Model]) -> str | None:
    """The name of the constraint of `model` that `error` is about; None for a foreign key or another table's.

    PostgreSQL names it; SQLite names a check, but of a unique constraint only the columns.
    """
    diagnostics = getattr(error.__cause__, "diag", None)
    if diagnostics is not None:
        name: str | None = diagnostics.constraint_name
        return name
    text = str(error)
    if text.startswith("CHECK constraint failed: "):
        return text.removeprefix("CHECK constraint failed: ")
    columns_of = {field.name: field.column for field in model._meta.concrete_fields}
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            columns = [columns_of[name] for name in constraint.fields]
            if text == f"UNIQUE constraint failed: {', '.join(f'{model._meta.db_table}.{c}' for c in columns)}":
                return constraint.name
    return None


def is_foreign_key(error: IntegrityError) -> bool:
    """Whether the row that was pointed to is not there (any more)."""
    return getattr(error.__cause__, "sqlstate", None) == "23503" or "FOREIGN KEY constraint failed" in str(error)


def is_deadlock(error: OperationalError) -> bool:
    """Whether two transactions waited for each other, and this one was given up (PostgreSQL; SQLite has one writer)."""
    return getattr(error.__cause__, "sqlstate", None) == "40P01"


@contextmanager
def refusals(
    model: type[models.Model], fields: Mapping[str, str], *, foreign_key: Fault | None = None
) -> Iterator[None]:
    """Turn what the database refuses into the domain error that the check before it raises.

    fields: name of a constraint of `model` to the field at fault; the code is the constraint's own.
    foreign_key: the fault for a broken reference.
    Wrap it around the transaction: foreign keys are checked at its end.
    """
    try:
        yield
    except IntegrityError as error:
        name = broken_constraint(error, model)
        for constraint in model._meta.constraints:
            if constraint.name == name and name in fields:
                raise Invalid([Fault(fields[name], constraint.violation_error_code or "invalid")]) from error
        if foreign_key is not None and is_foreign_key(error):
            raise Invalid([foreign_key]) from error
        raise
