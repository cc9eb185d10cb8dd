"""Where limits are counted if there is a Redis: in it, and while it is away in the database (DESIGN 3)."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

from usermgmt.http.counters import Asked, DatabaseStore, Store, Tally

logger = logging.getLogger("usermgmt.limits")

REDIS_PREFIX = "usermgmt:limit:"
REDIS_TIMEOUT = 0.5  # seconds to connect and to answer: it is next door, or away
REDIS_PAUSE = 5  # seconds without asking Redis, once it was away
LOG_PAUSE = 60  # seconds between two lines that say so
SLACK = 60_000  # milliseconds that Redis keeps a counter beyond its end: the caller's clock decides, not that of Redis

T = TypeVar("T")


class RedisStore:
    """Hashes that expire; each operation is a script of Redis, and one round trip."""

    TAKE = """
        local now, slack, answers = tonumber(ARGV[1]), tonumber(ARGV[2]), {}
        for place, key in ipairs(KEYS) do
            local free, memory, first, longest = unpack(ARGV, place * 4 - 1, place * 4 + 2)
            free, memory, first = tonumber(free), tonumber(memory), tonumber(first)
            local row = redis.call('HMGET', key, 'count', 'until', 'blocked_until')
            local count, till, blocked = tonumber(row[1]) or 0, tonumber(row[2]) or 0, tonumber(row[3]) or 0
            if till <= now then count, till, blocked = 0, 0, 0 end
            local counted = blocked <= now
            if counted then
                count, blocked = count + 1, 0
                if till == 0 or first > 0 then till = now + memory end
                if count >= free then
                    blocked = first > 0 and now + math.min(tonumber(longest), first * 2 ^ (count - free)) or till
                end
                redis.call('HSET', key, 'count', count, 'until', string.format('%.0f', till),
                    'blocked_until', string.format('%.0f', blocked))
                redis.call('PEXPIRE', key, string.format('%.0f', till - now + slack))
            end
            answers[place] = {counted and 1 or 0, count, till, blocked}
        end
        return answers
    """
    GIVE_BACK = """
        local now, given, answers = tonumber(ARGV[1]), (#ARGV - 1) / 4, {}
        for place, key in ipairs(KEYS) do
            if place > given then
                redis.call('DEL', key)
            else
                local free, first, till, blocked = unpack(ARGV, place * 4 - 2, place * 4 + 1)
                local row = redis.call('HMGET', key, 'count', 'until', 'blocked_until')
                if not row[1] or tonumber(row[2]) <= now then
                    answers[place] = {0, 0, 0}
                else
                    local count = tonumber(row[1])
                    if count > 0 and (first ~= '0' or row[2] == till) then
                        count = count - 1
                        if count < tonumber(free) or row[3] == blocked then row[3] = '0' end
                        redis.call('HSET', key, 'count', count, 'blocked_until', row[3])
                    end
                    answers[place] = {count, tonumber(row[2]), tonumber(row[3])}
                end
            end
        end
        return answers
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

    def take(self, asked: Sequence[Asked], now: int) -> list[tuple[bool, Tally]]:
        arguments = [now, SLACK]
        for one in asked:
            arguments += [one.rule.free, one.rule.memory, one.rule.first, one.rule.longest]
        told = self._take(keys=[REDIS_PREFIX + one.key for one in asked], args=arguments)
        return [(bool(counted), Tally(*row)) for counted, *row in told]

    def give_back(self, asked: Sequence[Asked], now: int, forget: Sequence[str] = ()) -> list[Tally]:
        arguments = [now]
        for one in asked:
            arguments += [one.rule.free, one.rule.first, one.taken.until, one.taken.blocked_until]
        keys = [REDIS_PREFIX + key for key in (*(one.key for one in asked), *forget)]
        return [Tally(*row) for row in self._give_back(keys=keys, args=arguments)]

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

    def take(self, asked: Sequence[Asked], now: int) -> list[tuple[bool, Tally]]:
        return self._first(lambda store: store.take(asked, now))

    def give_back(self, asked: Sequence[Asked], now: int, forget: Sequence[str] = ()) -> list[Tally]:
        return self._first(lambda store: store.give_back(asked, now, forget))

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


def store_at(url: str) -> Store:
    """The store of a Redis."""
    return ElseDatabase(RedisStore(url))
