"""Limits: how often something may be done, and what the answers say of it (DESIGN 3; native contract 6).

Taken where requests come in, in views, forms and doors, and never within a transaction.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.crypto import salted_hmac

from usermgmt.errors import Quota, TooManyRequests
from usermgmt.http.counters import Asked, Rule, Tally, store


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


Counted = tuple[Limit | Backoff, str]
"""A limit, and the key that is counted under it."""


def take(limit: Limit | Backoff, key: str) -> Standing:
    """Count one of `key`. Raises TooManyRequests, and counts nothing, where it must wait."""
    taken, refused = take_all([(limit, key)])
    for refusal in refused.values():
        raise refusal
    return taken[limit, key]


def take_all(counted: Sequence[Counted]) -> tuple[dict[Counted, Standing], dict[Counted, TooManyRequests]]:
    """Count one of each, in one round trip; gives where those that were counted stand, and the refusals of those that
    must wait, of which nothing was counted."""
    taken: dict[Counted, Standing] = {}
    refused: dict[Counted, TooManyRequests] = {}
    asked = [Asked(_digest(limit, key), limit.rule) for limit, key in counted]
    told = store().take(asked, _now()) if asked else []
    now = _now()  # another's block may be younger than the call
    for one, (was_counted, tally) in zip(counted, told, strict=True):
        standing = _standing(one[0], tally, now)
        if was_counted:
            taken[one] = standing
        else:
            refused[one] = standing.refuse()
    return taken, refused


def give_back(limit: Limit | Backoff, key: str, taken: Standing) -> Standing:
    """Take back one that turned out not to count; gives where `key` stands then."""
    return give_back_all({(limit, key): taken})[limit, key]


def give_back_all(taken: Mapping[Counted, Standing], *, forgotten: Counted | None = None) -> dict[Counted, Standing]:
    """Take back one of each, and begin anew for `forgotten`, in one round trip; gives where all of them stand then."""
    asked = [Asked(_digest(*one), one[0].rule, standing.tally) for one, standing in taken.items()]
    forget = [] if forgotten is None else [_digest(*forgotten)]
    told = store().give_back(asked, _now(), forget) if asked or forget else []
    now = _now()
    standings = {one: _standing(one[0], tally, now) for one, tally in zip(taken, told, strict=True)}
    return standings if forgotten is None else {**standings, forgotten: _standing(forgotten[0], Tally(), now)}


def forget(limit: Limit | Backoff, key: str) -> Standing:
    """Begin anew for `key`; gives where it stands then."""
    store().forget(_digest(limit, key))
    return _standing(limit, Tally(), _now())


def peek(limit: Limit | Backoff, key: str) -> Standing:
    """Where `key` stands; counts nothing."""
    (standing,) = peek_all([(limit, key)])
    return standing


def peek_all(counted: Sequence[Counted]) -> list[Standing]:
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
