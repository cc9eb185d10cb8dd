"""The database's driver, asked without Django's cursor around it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


def driver_of(connection: Any) -> Any:
    """PostgreSQL's connection as the driver has it, to be asked without Django's cursor around it, which costs as much
    as the driver; None: on SQLite, and where somebody listens to Django's cursor.

    What that cursor sees to is seen to here: connections that were never opened, or must be looked at before their
    use, and transactions that are broken. Errors are for the caller to have in Django's words.
    """
    connection.close_if_health_check_failed()
    if connection.vendor != "postgresql" or connection.queries_logged or connection.execute_wrappers:
        return None
    if connection.connection is not None:
        connection.validate_no_broken_transaction()
    return connection.connection


@contextmanager
def executed(connection: Any, sql: str, values: Sequence[Any]) -> Iterator[Any]:
    """A cursor that has executed the SQL: the driver's, where it may be."""
    driver = driver_of(connection)
    if driver is None:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            yield cursor
    else:
        with connection.wrap_database_errors:
            yield driver.execute(sql, values)
