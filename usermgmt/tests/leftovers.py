"""What tests leave in the database, and how it goes: what most of them roll back, and what the others commit."""

from collections.abc import Callable
from itertools import count
from typing import Any

from django.db import connection

TESTS = 100  # so many roll back before what is dead is cleared away
DEAD = 100  # rows of a table that are worth it
COUNTED = "accounts_kept_count"  # written by triggers when users go, so it goes last

_ended = count(1)


def clear() -> None:
    """Clear away, now and then, what tests have rolled back. PostgreSQL keeps it, and looks through the rows of ten
    thousand tests to find the six of one; when the server itself does so is up to who set it up."""
    # No test is running, so that Django's connection is closed to us; that of the driver is not.
    database = connection.connection
    if connection.vendor != "postgresql" or database is None or database.closed or not database.autocommit:
        return
    if next(_ended) % TESTS == 0:
        found = database.execute("SELECT relid::regclass::text FROM pg_stat_user_tables WHERE n_dead_tup > %s", [DEAD])
        if tables := ", ".join(table for (table,) in found):
            database.execute(f"VACUUM {tables}")


def flush_cheaply() -> None:
    """Let PostgreSQL delete the rows there are, after a test with transactions of its own. Django's TRUNCATE makes a new
    file of each table and of each of its indexes, and waits for the disk."""
    operations: Any = connection.ops
    if connection.vendor == "postgresql":
        operations.sql_flush = _deletions(operations.sql_flush)


def _deletions(truncation: Callable[..., list[str]]) -> Callable[..., list[str]]:
    def flush(style: Any, tables: list[str], *, reset_sequences: bool, allow_cascade: bool) -> list[str]:
        if reset_sequences or allow_cascade:  # `manage.py flush` as operators have it
            return truncation(style, tables, reset_sequences=reset_sequences, allow_cascade=allow_cascade)
        quote = connection.ops.quote_name
        found = " UNION ALL ".join(
            f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {quote(table)})"  # noqa: S608
            for table in tables
        )
        with connection.cursor() as cursor:
            cursor.execute(found)
            filled = [table for (table,) in cursor.fetchall()]
        return [f"DELETE FROM {quote(table)}" for table in sorted(filled, key=COUNTED.__eq__)]  # noqa: S608

    return flush
