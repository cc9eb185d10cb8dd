"""Limits: how often something may be done, and what the answers say of it (DESIGN 3; native contract 6).

Taken where requests come in, in views, forms and doors, and never within a transaction.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.crypto import salted_hmac

from usermgmt.errors import Quota, TooManyRequests
from usermgmt.http.counters import Rule, Tally, store


@dataclass(frozen=True, slots=True)
class Limit:
    """A fixed window: `count` in `seconds`, from the first one on."""

    name: str
    count: int
    seconds: int

    @property
    def rule(self) -> Rule:
        return Rule(free=self.count, memory=self.seconds * 1000)


@dataclass(frozen=True, slots=True)
class Backoff:
    """A growing delay: after `free` of them each must wait, `first` seconds, then twice as long, up to `longest`.

    memory: seconds without any, after which all are forgotten; no fewer than `longest`.
    """

    name: str
    free: int
    first: int
    longest: int
    memory: int

    @property
    def rule(self) -> Rule:
        return Rule(self.free, self.memory * 1000, self.first * 1000, self.longest * 1000)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody stands with a limit.

    limit: how many are free. remaining: of them. reset: whole seconds, at least 1, until there are more.
    wait: whole seconds until the next one; 0: now.
    """

    limit: int
    remaining: int
    reset: int
    wait: int
    tally: Tally = field(repr=False)

    @property
    def quota(self) -> Quota:
        """What an answer tells of it."""
        return Quota(self.limit, self.remaining, self.reset)

    def refuse(self) -> TooManyRequests:
        """The error that says so."""
        return TooManyRequests(max(1, self.wait), self.quota)


def take(limit: Limit | Backoff, key: str) -> Standing:
    """Count one of `key`. Raises TooManyRequests, and counts nothing, where it must wait."""
    counted, tally = store().take(_digest(limit, key), limit.rule, _now())
    standing = _standing(limit, tally, _now())  # another's block may be younger than the call
    if not counted:
        raise standing.refuse()
    return standing


def give_back(limit: Limit | Backoff, key: str, taken: Standing) -> Standing:
    """Take back one that turned out not to count; gives where `key` stands then."""
    tally = store().give_back(_digest(limit, key), limit.rule, taken.tally, _now())
    return _standing(limit, tally, _now())


def forget(limit: Limit | Backoff, key: str) -> Standing:
    """Begin anew for `key`; gives where it stands then."""
    store().forget(_digest(limit, key))
    return _standing(limit, Tally(), _now())


def peek(limit: Limit | Backoff, key: str) -> Standing:
    """Where `key` stands; counts nothing."""
    (standing,) = peek_all([(limit, key)])
    return standing


def peek_all(counted: Sequence[tuple[Limit | Backoff, str]]) -> list[Standing]:
    """Where each stands, in one round trip."""
    now = _now()
    tallies = store().read([_digest(limit, key) for limit, key in counted], now)
    return [_standing(limit, tally, now) for (limit, _), tally in zip(counted, tallies, strict=True)]


def nearest(standings: Sequence[Standing]) -> Standing:
    """The one to tell of: whoever goes on meets it first."""
    return min(standings, key=lambda standing: (standing.remaining, -standing.reset))


def _now() -> int:
    return int(time.time() * 1000)


def _digest(limit: Limit | Backoff, key: str) -> str:
    """The key as it is stored: neither addresses nor tokens lie there, nor what they could be guessed from."""
    return salted_hmac("usermgmt.http.limits", f"{limit.name} {key}", algorithm="sha256").hexdigest()


def _standing(limit: Limit | Backoff, tally: Tally, now: int) -> Standing:
    rule = limit.rule
    blocked = tally.blocked_until > now
    end = tally.blocked_until if blocked else tally.until or now + rule.memory
    reset = max(1, math.ceil((end - now) / 1000))
    remaining = 0 if blocked else max(0, rule.free - tally.count)
    return Standing(rule.free, remaining, reset, reset if blocked else 0, tally)
