"""Moments out of PostgreSQL, read by Python's own reader of ISO 8601, which is written in C.

psycopg's is a regular expression with some arithmetic, under Django's that goes over it again. Each user has several
moments, each client two: to read them took longer than all else of the rows of a list.
"""

from datetime import UTC, datetime
from typing import Any

from django.db.backends.signals import connection_created
from psycopg.abc import Buffer
from psycopg.types.datetime import TimestamptzLoader


class MomentLoader(TimestamptzLoader):
    """A `timestamptz` as Django wants it: in UTC."""

    timezone = UTC  # Django asks for it, and takes its own loader where a connection has another one

    def load(self, data: Buffer) -> datetime:
        try:
            return datetime.fromisoformat(str(data, "ascii")).astimezone(UTC)
        except (ValueError, OverflowError):
            return super().load(data)  # which says what is wrong with it: before or after Python's years, infinite


def install() -> None:
    """Have every new connection read moments so."""
    connection_created.connect(_register, dispatch_uid="usermgmt.postgresql")


def _register(connection: Any, **signal: Any) -> None:
    if connection.vendor == "postgresql":
        connection.connection.adapters.register_loader("timestamptz", MomentLoader)
