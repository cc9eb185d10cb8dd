"""What is in the database, to compare before with after."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, models

from accounts.models import Event, Relationship, SignIn, Transactable, User, UserProfile
from clients.models import Client


def stored(row: models.Model) -> dict[str, Any]:
    """Every column of the row as it is stored now."""
    return type(row)._default_manager.filter(pk=row.pk).values().get()


def everything() -> tuple[list[dict[str, Any]], ...]:
    """Every user, client and event, column by column."""
    return tuple(map(_rows, (User, Client, Event)))


@contextmanager
def unchanged() -> Iterator[None]:
    """Asserts at the end of the block that no user, client, event, sign-in or record changed."""

    def rows() -> Any:
        return everything(), list(map(_rows, (SignIn, UserProfile, Relationship, Transactable)))

    before = rows()
    yield
    assert rows() == before


def _rows(model: type[models.Model]) -> list[dict[str, Any]]:
    """The rows as the database has them, to be compared only: to make values of Python of them takes longer than to
    read them."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{model._meta.db_table}" ORDER BY "{model._meta.pk.column}"')  # noqa: S608
        columns = [column[0] for column in cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
