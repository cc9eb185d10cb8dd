"""Where limits are counted: Redis (`redis_counters`), else the database; atomic and shared by all processes (DESIGN 3).

A counter is a row of three numbers under a digest. The clock is the caller's, in milliseconds of Unix time.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from django.conf import settings
from django.db import connection

from usermgmt.models import Counter
from usermgmt.prepared import found


@dataclass(frozen=True, slots=True)
class Rule:
    """When a counter blocks; all times in milliseconds.

    free: how many are counted before it blocks. memory: how long it is kept: since its first one if `first`
    is 0, and then it blocks to its end; else since its last one. first, longest: of blocks that double.
    """

    free: int
    memory: int
    first: int = 0
    longest: int = 0

    @property
    def doublings(self) -> int:
        """After how many of them the longest block is reached."""
        return (self.longest // self.first).bit_length() if self.first else 0


@dataclass(frozen=True, slots=True)
class Tally:
    """What a counter says. until: its end, 0 if there is none. blocked_until: 0 if it does not block."""

    count: int = 0
    until: int = 0
    blocked_until: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """One of the counters that are written at once. taken: what was counted, where that is given back."""

    key: str
    rule: Rule
    taken: Tally = Tally()


class Store(Protocol):
    """Each of these is atomic for each counter, and one round trip for all."""

    def take(self, asked: Sequence[Asked], now: int) -> list[tuple[bool, Tally]]:
        """Count one more of each, unless it blocks, then change nothing of it; tells whether each was counted."""
        ...

    def give_back(self, asked: Sequence[Asked], now: int, forget: Sequence[str] = ()) -> list[Tally]:
        """Count one less of each; the block that `taken` began ends. forget: keys of counters that end along."""
        ...

    def forget(self, key: str) -> None: ...

    def read(self, keys: Sequence[str], now: int) -> list[Tally]: ...


class DatabaseStore:
    """Rows of `Counter`. Not for use within a transaction: what it takes would last until its end."""

    # Statements that decide, write and tell at once, on PostgreSQL and SQLite alike: the ORM's own upsert neither
    # computes from the present row nor has a condition, and reading first would let two pass as one. Rows are written
    # in the order of their keys, so that no two statements wait for each other; that is why `GIVE_BACK`, too, is an
    # INSERT. It makes no row but one that was deleted meanwhile, and that is past.
    TAKE = """
        WITH asked (key, free, memory, first, longest, doublings) AS (VALUES {asked})
        INSERT INTO usermgmt_counter AS present (key, count, until, blocked_until)
        SELECT key, 1, {now} + memory, CASE
            WHEN free > 1 THEN 0 WHEN first > 0 THEN {now} + first ELSE {now} + memory
        END
        FROM asked WHERE true ORDER BY key
        ON CONFLICT (key) DO UPDATE SET (count, until, blocked_until) = (
            SELECT
                CASE WHEN present.until <= {now} THEN 1 ELSE present.count + 1 END,
                CASE WHEN present.until <= {now} OR first > 0 THEN excluded.until ELSE present.until END,
                CASE
                    WHEN present.until <= {now} THEN excluded.blocked_until
                    WHEN present.count + 1 < free THEN 0
                    WHEN first = 0 THEN present.until
                    WHEN present.count + 1 - free >= doublings THEN {now} + longest
                    ELSE {now} + (first << CAST(present.count + 1 - free AS integer))
                END
            FROM asked WHERE asked.key = present.key
        )
        WHERE present.until <= {now} OR present.blocked_until <= {now}
        RETURNING key, count, until, blocked_until
    """
    GIVE_BACK = """
        WITH asked (key, free, first, until, blocked_until, forget) AS (VALUES {asked})
        INSERT INTO usermgmt_counter AS present (key, count, until, blocked_until)
        SELECT asked.key, 0, 0, 0 FROM asked JOIN usermgmt_counter AS there ON there.key = asked.key
        WHERE there.until > {now} ORDER BY asked.key
        ON CONFLICT (key) DO UPDATE SET (count, until, blocked_until) = (
            SELECT
                CASE WHEN forget > 0 THEN 0 ELSE present.count - 1 END,
                CASE WHEN forget > 0 THEN 0 ELSE present.until END,
                CASE
                    WHEN forget > 0 OR present.count - 1 < free THEN 0
                    WHEN present.blocked_until = asked.blocked_until THEN 0
                    ELSE present.blocked_until
                END
            FROM asked WHERE asked.key = present.key
        )
        WHERE present.until > {now} AND EXISTS (
            SELECT 1 FROM asked
            WHERE asked.key = present.key
                AND (forget > 0 OR (present.count > 0 AND (first > 0 OR present.until = asked.until)))
        )
        RETURNING key, count, until, blocked_until
    """

    def take(self, asked: Sequence[Asked], now: int) -> list[tuple[bool, Tally]]:
        counted = self._written(
            self.TAKE,
            [
                (one.key, one.rule.free, one.rule.memory, one.rule.first, one.rule.longest, one.rule.doublings)
                for one in asked
            ],
            now,
        )
        refused = [one.key for one in asked if one.key not in counted]
        present = dict(zip(refused, self.read(refused, now), strict=True)) if refused else {}
        return [(one.key in counted, counted.get(one.key) or present[one.key]) for one in asked]

    def give_back(self, asked: Sequence[Asked], now: int, forget: Sequence[str] = ()) -> list[Tally]:
        rows = [(one.key, one.rule.free, one.rule.first, one.taken.until, one.taken.blocked_until, 0) for one in asked]
        written = self._written(self.GIVE_BACK, rows + [(key, 0, 0, 0, 0, 1) for key in forget], now)
        others = [one.key for one in asked if one.key not in written]
        present = dict(zip(others, self.read(others, now), strict=True)) if others else {}
        return [written.get(one.key) or present[one.key] for one in asked]

    def _written(self, sql: str, rows: Sequence[tuple[str | int, ...]], now: int) -> dict[str, Tally]:
        """Have the statement write these rows, each of a key and numbers; gives what it tells."""
        if not rows:
            return {}
        asked = sql.format(asked=_places(len(rows), len(rows[0])), now="%s")
        values = [value for row in rows for value in row] + [now] * sql.count("{now}")
        # Numbers all of one type, or each type were another statement.
        adapt = connection.ops.adapt_integerfield_value
        sent = [adapt(value, "BigIntegerField") if isinstance(value, int) else value for value in values]
        return {key: Tally(*tally) for key, *tally in found(connection, asked, sent)}

    def forget(self, key: str) -> None:
        Counter.objects.filter(key=key).delete()

    def read(self, keys: Sequence[str], now: int) -> list[Tally]:
        places = ", ".join(["%s"] * len(keys))
        sql = f"SELECT key, count, until, blocked_until FROM usermgmt_counter WHERE key IN ({places}) AND until > %s"  # noqa: S608
        present = {key: Tally(*tally) for key, *tally in found(connection, sql, [*keys, now])}
        return [present.get(key, Tally()) for key in keys]


@lru_cache(maxsize=32)
def _places(rows: int, columns: int) -> str:
    """Rows of VALUES, each of a key and numbers; the types of all are said by the first."""
    first = ", ".join(["CAST(%s AS text)", *["CAST(%s AS bigint)"] * (columns - 1)])
    return ", ".join([f"({first})", *[f"({', '.join(['%s'] * columns)})"] * (rows - 1)])


@lru_cache(maxsize=8)
def _of(url: str) -> Store:
    if not url:
        return DatabaseStore()
    from usermgmt.http.redis_counters import store_at  # to load it would cost each command a tenth of its start

    return store_at(url)


def store() -> Store:
    """The store of the settings; one a process, with one pool of connections."""
    return _of(settings.REDIS_URL)


def forget_past() -> int:
    """Delete the database's counters that are past (those of Redis expire); gives how many."""
    return Counter.objects.filter(until__lte=int(time.time() * 1000)).delete()[0]
