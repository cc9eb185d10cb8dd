"""Statements that PostgreSQL keeps for a connection, asked without what the driver does around them.

psycopg makes a cursor for each query, looks whether it is prepared, and waits for the answer in Python. For one row of
a statement that every request asks, that costs five times what libpq and the reading of the row do. So such a statement
is prepared here under a name of its own, and called by that name, with the driver's own adapters on both sides. So are
those of lists, and of changes, whose SQL varies: of these the last are kept.

Only outside of transactions: psycopg has PostgreSQL forget all prepared statements after a rollback (DEALLOCATE ALL),
these too, and a call that fails for that can be made again only where it breaks no transaction. And only where the
driver may prepare statements at all: not behind PgBouncer, and not where plans are wanted for the values at hand.
"""

import threading
from collections.abc import Sequence
from itertools import count
from typing import Any

from psycopg import OperationalError, errors
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus

from usermgmt.driver import driver_of, executed

_LOST = (errors.InvalidSqlStatementName, errors.FeatureNotSupported)  # forgotten; of tables that have changed since
_numbers = count()

MAX_KEPT = 100  # statements of a connection, of those that callers make more and less of (`kept`)
MAX_TYPES = 8  # ways to send the values of one of them: a number is of one type or another by its size
_of_thread = threading.local()  # connections are of threads, too


def may_be_asked(driver: Any) -> bool:
    """Whether a statement of ours may be asked on a connection of the driver's, as it is now."""
    # Without autocommit, the driver's cursors begin a transaction by the first query; nothing here does.
    idle: bool = driver.autocommit and driver.pgconn.transaction_status == TransactionStatus.IDLE
    return idle and driver.prepare_threshold is not None


def kept(driver: Any, sql: str) -> "PreparedStatement":
    """The statement of this SQL on a connection: the one that was asked before, or a new one. Of those that nobody
    asked for longest, no more than `MAX_KEPT` are kept."""
    owner, statements = _of_thread.__dict__.get("kept", (None, {}))
    if owner is not driver:
        owner, statements = _of_thread.kept = driver, {}
    statement: PreparedStatement | None = statements.pop(sql, None)
    if statement is None:
        if len(statements) >= MAX_KEPT:
            statements.pop(next(iter(statements))).forget()
        statement = PreparedStatement(driver, sql)
    statements[sql] = statement  # the last one
    return statement


def found(connection: Any, sql: str, values: Sequence[Any]) -> Sequence[Any]:
    """All rows that some SQL finds, which is kept where it may be."""
    driver = driver_of(connection)
    if driver is None or not may_be_asked(driver):
        with executed(connection, sql, values) as cursor:
            rows: Sequence[Any] = cursor.fetchall()
        return rows
    with connection.wrap_database_errors:
        return kept(driver, sql).all(values)


class PreparedStatement:
    """A statement on one connection.

    driver: the driver's connection. sql: with `%s` for each value, as Django writes it.
    """

    def __init__(self, driver: Any, sql: str) -> None:
        self.driver = driver
        self._sql = sql
        self._names: dict[Any, bytes] = {}  # by the types of the values: PostgreSQL plans for these
        self._adapters = Transformer(driver)

    def first(self, values: Sequence[Any]) -> Any:
        """The first row for these values, as the driver's cursors give it; None: there is none. Raises its errors."""
        return self._adapters.load_row(0, tuple) if self._find(values) else None

    def all(self, values: Sequence[Any]) -> Sequence[Any]:
        """All rows for these values, likewise."""
        number = self._find(values)
        return self._adapters.load_rows(0, number, tuple) if number else []

    def forget(self) -> None:
        """Have PostgreSQL keep it no longer."""
        for name in self._names.values():
            self.driver.pgconn.exec_(b"DEALLOCATE " + name)  # an error says that it is forgotten already
        self._names.clear()

    def _find(self, values: Sequence[Any]) -> int:
        """Ask; gives the number of rows, which `_adapters` then has."""
        sent = self._adapters.dump_sequence(values, [PyFormat.TEXT] * len(values))
        types = self._adapters.types
        name = self._names.get(types) or self._prepared(types)
        try:
            result = self._asked(name, sent)
        except _LOST:
            result = self._asked(self._prepared(types), sent)
        number: int = result.ntuples
        if number:
            self._adapters.set_pgresult(result)
        return number

    def _prepared(self, types: Any) -> bytes:
        if len(self._names) >= MAX_TYPES:
            self.forget()
        name = f"usermgmt_{next(_numbers)}".encode()
        numbered = self._sql % tuple(f"${number + 1}" for number in range(len(types or ())))
        self._checked(self.driver.pgconn.prepare(name, numbered.encode(), types), ExecStatus.COMMAND_OK)
        self._names[types] = name
        return name

    def _asked(self, name: bytes, sent: Sequence[Any]) -> Any:
        return self._checked(self.driver.pgconn.exec_prepared(name, sent), ExecStatus.TUPLES_OK)

    def _checked(self, result: Any, wanted: ExecStatus) -> Any:
        if result.status == wanted:
            return result
        if self.driver.pgconn.status == ConnStatus.BAD:
            raise OperationalError(result.get_error_message())
        raise errors.error_from_result(result)
