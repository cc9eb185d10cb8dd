"""What is in the database, to compare before with after."""

from typing import Any

from django.db import models

from accounts.models import Event, User
from clients.models import Client


def stored(row: models.Model) -> dict[str, Any]:
    """Every column of the row as it is stored now."""
    return type(row)._default_manager.filter(pk=row.pk).values().get()


def everything() -> tuple[list[dict[str, Any]], ...]:
    """Every user, client and event, column by column."""
    return tuple(list(model._default_manager.order_by("pk").values()) for model in (User, Client, Event))
