"""The lock on the audit trail: the database itself refuses to change or delete a row, save for the two purposes here.

Triggers (migration 0007) ask for the purpose: on PostgreSQL they read a setting of the transaction, on SQLite they call
a function that every connection of ours brings along. What connects without it changes nothing either.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.signals import connection_created

ERASING = "erasing"  # personal values of an erased person may go, nothing else of a row
EMPTYING = "emptying"  # `manage.py flush`: the whole database

_SETTING = "usermgmt.trail"
_FUNCTION = "usermgmt_trail"
_purpose: ContextVar[str] = ContextVar("trail", default="")


@contextmanager
def opened(purpose: str, *, using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """A transaction in which the lock is open for one purpose."""
    token = _purpose.set(purpose)
    try:
        with transaction.atomic(using=using):
            _tell(purpose, using)
            yield
            _tell("", using)  # the transaction around this one may go on
    finally:
        _purpose.reset(token)


def connect() -> None:
    """Let each new connection bring the function."""
    connection_created.connect(_connected, dispatch_uid="accounts.trail")


def _connected(connection: Any, **details: Any) -> None:
    if connection.vendor == "sqlite":
        connection.connection.create_function(_FUNCTION, 0, _purpose.get)


def _tell(purpose: str, using: str) -> None:
    if connections[using].vendor == "postgresql":
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT set_config(%s, %s, true)", [_SETTING, purpose])
