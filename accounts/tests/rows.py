"""What is in the database, to compare before with after."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import models

from accounts.models import Event, Relationship, SignIn, Transactable, User, UserProfile
from clients.models import Client


def stored(row: models.Model) -> dict[str, Any]:
    """Every column of the row as it is stored now."""
    return type(row)._default_manager.filter(pk=row.pk).values().get()


def everything() -> tuple[list[dict[str, Any]], ...]:
    """Every user, client and event, column by column."""
    return tuple(list(model._default_manager.order_by("pk").values()) for model in (User, Client, Event))


@contextmanager
def unchanged() -> Iterator[None]:
    """Asserts at the end of the block that no user, client, event, sign-in or record changed."""

    def rows() -> Any:
        others = (SignIn, UserProfile, Relationship, Transactable)
        return everything(), [list(model._default_manager.order_by("pk").values()) for model in others]

    before = rows()
    yield
    assert rows() == before
