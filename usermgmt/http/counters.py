"""Where limits are counted: Redis, else the database; atomic and shared by all processes on either (DESIGN 3).

A counter is a row of three numbers under a digest. The clock is the caller's, in milliseconds of Unix time.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from django.conf import settings
from django.db import connection
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

from usermgmt.models import Counter

logger = logging.getLogger("usermgmt.limits")

REDIS_PREFIX = "usermgmt:limit:"
REDIS_TIMEOUT = 0.5  # seconds to connect and to answer: it is next door, or away
REDIS_PAUSE = 5  # seconds without asking Redis, once it was away
LOG_PAUSE = 60  # seconds between two lines that say so
SLACK = 60_000  # milliseconds that Redis keeps a counter beyond its end: the caller's clock decides, not that of Redis

T = TypeVar("T")


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


class Store(Protocol):
    """Each of these is atomic."""

    def take(self, key: str, rule: Rule, now: int) -> tuple[bool, Tally]:
        """Count one more, unless the counter blocks, then change nothing; tells whether it was counted."""
        ...

    def give_back(self, key: str, rule: Rule, taken: Tally, now: int) -> Tally:
        """Count one less of the same counter; the block that `taken` began ends."""
        ...

    def forget(self, key: str) -> None: ...

    def read(self, keys: Sequence[str], now: int) -> list[Tally]: ...


class DatabaseStore:
    """Rows of `Counter`. Not for use within a transaction: what it takes would last until its end."""

    # Statements that decide, write and tell at once, on PostgreSQL and SQLite alike: the ORM's own upsert neither
    # computes from the present row nor has a condition, and reading first would let two pass as one.
    TAKE = """
        INSERT INTO usermgmt_counter AS present (key, count, until, blocked_until)
        VALUES (%(key)s, 1, %(until)s, %(blocked_until)s)
        ON CONFLICT (key) DO UPDATE SET
            count = CASE WHEN present.until <= %(now)s THEN 1 ELSE present.count + 1 END,
            until = CASE WHEN present.until <= %(now)s OR %(first)s > 0 THEN excluded.until ELSE present.until END,
            blocked_until = CASE
                WHEN present.until <= %(now)s THEN excluded.blocked_until
                WHEN present.count + 1 < %(free)s THEN 0
                WHEN %(first)s = 0 THEN present.until
                WHEN present.count + 1 - %(free)s >= %(doublings)s THEN %(now)s + %(longest)s
                ELSE %(now)s + (CAST(%(first)s AS bigint) << (present.count + 1 - %(free)s))
            END
        WHERE present.until <= %(now)s OR present.blocked_until <= %(now)s
        RETURNING count, until, blocked_until
    """
    GIVE_BACK = """
        UPDATE usermgmt_counter SET
            count = count - 1,
            blocked_until = CASE
                WHEN count - 1 < %(free)s OR blocked_until = %(blocked_until)s THEN 0 ELSE blocked_until
            END
        WHERE key = %(key)s AND count > 0 AND until > %(now)s AND (%(first)s > 0 OR until = %(until)s)
        RETURNING count, until, blocked_until
    """

    def take(self, key: str, rule: Rule, now: int) -> tuple[bool, Tally]:
        with connection.cursor() as cursor:
            cursor.execute(
                self.TAKE,
                {
                    "key": key,
                    "now": now,
                    "until": now + rule.memory,
                    "blocked_until": now + (rule.first or rule.memory) if rule.free <= 1 else 0,
                    "free": rule.free,
                    "first": rule.first,
                    "longest": rule.longest,
                    "doublings": rule.doublings,
                },
            )
            row = cursor.fetchone()
        if row is not None:
            return True, Tally(*row)
        (present,) = self.read([key], now)
        return False, present

    def give_back(self, key: str, rule: Rule, taken: Tally, now: int) -> Tally:
        with connection.cursor() as cursor:
            cursor.execute(
                self.GIVE_BACK,
                {
                    "key": key,
                    "now": now,
                    "free": rule.free,
                    "first": rule.first,
                    "until": taken.until,
                    "blocked_until": taken.blocked_until,
                },
            )
            row = cursor.fetchone()
        return Tally(*row) if row is not None else self.read([key], now)[0]

    def forget(self, key: str) -> None:
        Counter.objects.filter(key=key).delete()

    def read(self, keys: Sequence[str], now: int) -> list[Tally]:
        rows = Counter.objects.filter(key__in=keys, until__gt=now)
        found = {row.key: Tally(row.count, row.until, row.blocked_until) for row in rows}
        return [found.get(key, Tally()) for key in keys]


class RedisStore:
    """Hashes that expire; each operation is a script of Redis, and one round trip."""

    TAKE = """
        local now, free, memory, first, longest, slack = unpack(ARGV)
        now, free, memory, first = tonumber(now), tonumber(free), tonumber(memory), tonumber(first)
        local row = redis.call('HMGET', KEYS[1], 'count', 'until', 'blocked_until')
        local count, till, blocked = tonumber(row[1]) or 0, tonumber(row[2]) or 0, tonumber(row[3]) or 0
        if till <= now then count, till, blocked = 0, 0, 0 end
        if blocked > now then return {0, count, till, blocked} end
        count, blocked = count + 1, 0
        if till == 0 or first > 0 then till = now + memory end
        if count >= free then
            blocked = first > 0 and now + math.min(tonumber(longest), first * 2 ^ (count - free)) or till
        end
        redis.call('HSET', KEYS[1], 'count', count, 'until', string.format('%.0f', till),
            'blocked_until', string.format('%.0f', blocked))
        redis.call('PEXPIRE', KEYS[1], string.format('%.0f', till - now + tonumber(slack)))
        return {1, count, till, blocked}
    """
    GIVE_BACK = """
        local now, free, first, till, blocked = unpack(ARGV)
        local row = redis.call('HMGET', KEYS[1], 'count', 'until', 'blocked_until')
        if not row[1] or tonumber(row[2]) <= tonumber(now) then return {0, 0, 0} end
        local count = tonumber(row[1])
        if count > 0 and (first ~= '0' or row[2] == till) then
            count = count - 1
            if count < tonumber(free) or row[3] == blocked then row[3] = '0' end
            redis.call('HSET', KEYS[1], 'count', count, 'blocked_until', row[3])
        end
        return {count, tonumber(row[2]), tonumber(row[3])}
    """

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url,
            socket_timeout=REDIS_TIMEOUT,
            socket_connect_timeout=REDIS_TIMEOUT,
            # A connection that Redis closed while it lay idle; a second try after a timeout would take twice as long.
            retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        )
        self._take = self._redis.register_script(self.TAKE)
        self._give_back = self._redis.register_script(self.GIVE_BACK)

    def take(self, key: str, rule: Rule, now: int) -> tuple[bool, Tally]:
        arguments = [now, rule.free, rule.memory, rule.first, rule.longest, SLACK]
        counted, *row = self._take(keys=[REDIS_PREFIX + key], args=arguments)
        return bool(counted), Tally(*row)

    def give_back(self, key: str, rule: Rule, taken: Tally, now: int) -> Tally:
        arguments = [now, rule.free, rule.first, taken.until, taken.blocked_until]
        return Tally(*self._give_back(keys=[REDIS_PREFIX + key], args=arguments))

    def forget(self, key: str) -> None:
        self._redis.delete(REDIS_PREFIX + key)

    def read(self, keys: Sequence[str], now: int) -> list[Tally]:
        with self._redis.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.hmget(REDIS_PREFIX + key, ["count", "until", "blocked_until"])
            rows: list[Any] = pipeline.execute()
        tallies = [Tally(*(int(value or 0) for value in row)) for row in rows]
        return [tally if tally.until > now else Tally() for tally in tallies]


class ElseDatabase:
    """Redis; while it is away, the database: nothing is unlimited meanwhile, and nobody gets an error."""

    def __init__(self, redis: Store) -> None:
        self._redis = redis
        self._database = DatabaseStore()
        self._asked_again = self._told_again = 0.0  # by the machine's own clock, which nobody sets

    def take(self, key: str, rule: Rule, now: int) -> tuple[bool, Tally]:
        return self._first(lambda store: store.take(key, rule, now))

    def give_back(self, key: str, rule: Rule, taken: Tally, now: int) -> Tally:
        return self._first(lambda store: store.give_back(key, rule, taken, now))

    def forget(self, key: str) -> None:
        self._first(lambda store: store.forget(key))

    def read(self, keys: Sequence[str], now: int) -> list[Tally]:
        return self._first(lambda store: store.read(keys, now))

    def _first(self, work: Callable[[Store], T]) -> T:
        if time.monotonic() >= self._asked_again:
            try:
                return work(self._redis)
            except RedisError as error:
                self._away(error)
        return work(self._database)

    def _away(self, error: RedisError) -> None:
        now = time.monotonic()
        self._asked_again = now + REDIS_PAUSE
        if now >= self._told_again:
            self._told_again = now + LOG_PAUSE
            # The class alone: a message may quote the URL, and with it a password.
            logger.error("Redis is away, limits are counted in the database: %s", error.__class__.__name__)


@lru_cache(maxsize=8)
def _of(url: str) -> Store:
    return ElseDatabase(RedisStore(url)) if url else DatabaseStore()


def store() -> Store:
    """The store of the settings; one a process, with one pool of connections."""
    return _of(settings.REDIS_URL)


def forget_past() -> int:
    """Delete the database's counters that are past (those of Redis expire); gives how many."""
    return Counter.objects.filter(until__lte=int(time.time() * 1000)).delete()[0]
