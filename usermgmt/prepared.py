"""Statements that PostgreSQL keeps for a connection, asked without what the driver does around them.

psycopg makes a cursor for each query, looks whether it is prepared, and waits for the answer in Python. For one row of
a statement that every request asks, that costs five times what libpq and the reading of the row do. So such a statement
is prepared here under a name of its own, and called by that name, with the driver's own adapters on both sides.

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

_LOST = (errors.InvalidSqlStatementName, errors.FeatureNotSupported)  # forgotten; of tables that have changed since
_numbers = count()

MAX_KEPT = 100  # statements of a connection, of those that callers make more and less of (`kept`)
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


class PreparedStatement:
    """A statement on one connection.

    driver: the driver's connection. sql: with `%s` for each value, as Django writes it.
    """

    def __init__(self, driver: Any, sql: str) -> None:
        self.driver = driver
        self._sql = sql
        self._name = b""  # until it is prepared, for values whose types are known
        self._adapters = Transformer(driver)

    def first(self, values: Sequence[Any]) -> Any:
        """The first row for these values, as the driver's cursors give it; None: there is none. Raises its errors."""
        sent = self._adapters.dump_sequence(values, [PyFormat.TEXT] * len(values))
        if not self._name:
            self._prepare(self._adapters.types)
        try:
            result = self._asked(sent)
        except _LOST:
            self._prepare(self._adapters.types)
            result = self._asked(sent)
        if not result.ntuples:
            return None
        self._adapters.set_pgresult(result)
        return self._adapters.load_row(0, tuple)

    def forget(self) -> None:
        """Have PostgreSQL keep it no longer."""
        if self._name:
            self.driver.pgconn.exec_(b"DEALLOCATE " + self._name)  # an error says that it is forgotten already
            self._name = b""

    def _prepare(self, types: Sequence[int] | None) -> None:
        name = f"usermgmt_{next(_numbers)}".encode()
        numbered = self._sql % tuple(f"${number + 1}" for number in range(len(types or ())))
        self._checked(self.driver.pgconn.prepare(name, numbered.encode(), types), ExecStatus.COMMAND_OK)
        self._name = name

    def _asked(self, sent: Sequence[Any]) -> Any:
        return self._checked(self.driver.pgconn.exec_prepared(self._name, sent), ExecStatus.TUPLES_OK)

    def _checked(self, result: Any, wanted: ExecStatus) -> Any:
        if result.status == wanted:
            return result
        if self.driver.pgconn.status == ConnStatus.BAD:
            raise OperationalError(result.get_error_message())
        raise errors.error_from_result(result)
