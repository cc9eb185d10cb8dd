"""The door of every sign-in by password: how often it may be tried (DESIGN 3).

Per account and address, per address, and, from where nobody signed in to the account before, per account. A try is
counted before its password is verified, so that many at once are no way around, and given back if it was right.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings

from accounts import emails
from accounts.models import SignInAddress
from accounts.services import familiar_addresses, sign_ins
from usermgmt.errors import InvalidCredentials, Quota, TooManyRequests
from usermgmt.http import limits
from usermgmt.http.limits import Backoff, Counted, Limit, Standing
from usermgmt.origin import current

FIRST, LONGEST = 30, 15 * 60  # seconds that the next try must wait: each time twice as long as before
HOUR, DAY = 3600, 24 * 3600

EVERYWHERE = Backoff("sign-in account", free=100, first=FIRST, longest=LONGEST, memory=HOUR)
"""Of one account, from all addresses that are not familiar."""

PATIENCE = 2.0  # seconds that a try waits for others of the same account and address which are being verified
PAUSE = 0.02  # seconds between two looks at them
MOMENT = 1.0  # seconds that one who was right is still told of

TRUST = Limit("sign-in trust", 100, DAY)
"""Failures of one account from an address that is familiar to it, before it is one like any other for the day."""


class _Verifying:
    """What is being verified in this process, by account and address.

    A program that signs in many times at once with the right password is no guesser: what is counted of it is given
    back in a moment, and whoever meets the limit meanwhile waits that moment instead of being sent away. One that was
    right stays in here for a moment: who met the limit just before it was given back looks just after.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: Counter[str] = Counter()
        self._right: dict[str, float] = {}

    def begin(self, pair: str) -> None:
        with self._lock:
            self._numbers[pair] += 1

    def end(self, pair: str, *, right: bool) -> None:
        now = time.monotonic()
        with self._lock:
            self._numbers[pair] -= 1
            if not self._numbers[pair]:
                del self._numbers[pair]
            if right:
                self._right = {key: moment for key, moment in self._right.items() if now - moment < MOMENT}
                self._right[pair] = now

    def __contains__(self, pair: str) -> bool:
        return pair in self._numbers or time.monotonic() - self._right.get(pair, -MOMENT) < MOMENT


_verifying = _Verifying()


@dataclass(slots=True)
class Attempt:
    """quota: where the caller stands with the limits, once the attempt is over. familiar: the address that it comes
    from, if somebody signed in to the account from there before; for `sign_ins.sign_in`."""

    quota: Quota | None = None
    familiar: SignInAddress | None = None


@contextmanager
def attempt(email: str, *, typed: str | None = None) -> Iterator[Attempt]:
    """One try to sign in to the account of an address, which need not exist.

    typed: what the account was called by, if not by its address. That is what is counted, whether it is anybody's or
    not: were it the address, two names that are counted as one would be known to be of one account.
    The body verifies the password, once, and raises InvalidCredentials if it is wrong. Raises TooManyRequests instead
    of calling it, where the next try must wait. A right password from a familiar address need never wait: there the
    body is called, and only what failed is told to wait.
    """
    tries = _Tries(email, email if typed is None else typed)
    refusal = tries.take()
    this = Attempt(familiar=tries.familiar)
    try:
        yield this
    except InvalidCredentials as error:
        if refusal is not None:
            raise refusal from None
        raise InvalidCredentials(tries.nearest().quota, inactive=error.inactive) from None
    except BaseException:
        tries.give_back()  # nobody learnt whether the password was right
        raise
    else:
        tries.succeed()
        this.quota = tries.nearest().quota
    finally:
        tries.over()


class _Tries:
    """What is counted of one attempt. typed: what the account was called by, see `attempt`."""

    def __init__(self, email: str, typed: str) -> None:
        self._email = email
        account, network = emails.canonical(typed), current().network
        self._key = pair = f"{network} {account}"
        self._admitted = False
        self._right = False
        self._pair: Counted = (_per_account_and_address(), pair)
        self._trust: Counted = (TRUST, pair)
        self._wanted: list[Counted] = [(_per_address(), network), self._pair]
        self._taken: dict[Counted, Standing] = {}
        self._everywhere: Counted = (EVERYWHERE, account)
        self.familiar = familiar_addresses.known(email=email, network=network)
        self._trusted = self.familiar is not None
        self._wanted.append(self._trust if self._trusted else self._everywhere)

    def take(self) -> TooManyRequests | None:
        """Count the attempt. Raises TooManyRequests, unless the address is trusted: then gives it, if there is one."""
        deadline = time.monotonic() + PATIENCE
        refusals = self._take()
        while [counted for counted, _ in refusals] == [self._pair] and not self._trusted:
            if self._key not in _verifying or time.monotonic() > deadline:
                break
            self._withdraw()
            time.sleep(PAUSE)
            refusals = self._take()
        if not refusals:
            return None
        counted, longest = max(refusals, key=lambda refused: refused[1].wait)
        self._tell(counted, longest)
        if not self._trusted:
            self._withdraw()
            raise longest
        return longest

    def over(self) -> None:
        """Nothing of it is being verified any more."""
        if self._admitted:
            self._admitted = False
            _verifying.end(self._key, right=self._right)

    def _take(self) -> list[tuple[Counted, TooManyRequests]]:
        """Count what lets itself be counted; gives who refuses. Where the trust is used up, the address is one like any
        other."""
        refusals = self._counted()
        if self._trust in dict(refusals):
            self._withdraw()
            self._trusted = False
            self._wanted[self._wanted.index(self._trust)] = self._everywhere
            refusals = self._counted()
        return refusals

    def _counted(self) -> list[tuple[Counted, TooManyRequests]]:
        standings = limits.peek_all(self._wanted)
        waiting = dict(zip(self._wanted, standings, strict=True))
        refusals = {counted: standing.refuse() for counted, standing in waiting.items() if standing.wait}
        # What hammers on a closed door is not even counted for a moment: that might close others.
        if refusals and (not self._trusted or self._trust in refusals):
            return list(refusals.items())
        free = [counted for counted in self._wanted if counted not in refusals]
        if self._pair in free:  # before it is counted: who meets the limit then knows for what to wait
            self._admitted = True
            _verifying.begin(self._key)
        try:
            taken, refused = limits.take_all(free)
        except BaseException:
            self.over()  # nobody knows what was counted, and nothing is verified
            raise
        self._taken |= taken
        if self._pair in refused:
            self.over()
        return list((refusals | refused).items())

    def _withdraw(self) -> None:
        """Be as if it had never been counted."""
        self.over()
        self.give_back()
        self._taken.clear()

    def give_back(self) -> None:
        """It was no failure."""
        self._taken |= limits.give_back_all(self._taken)

    def succeed(self) -> None:
        """The password was right: failures of the account from this address are forgotten."""
        self._right = True
        self._taken.pop(self._pair, None)
        self._taken |= limits.give_back_all(self._taken, forgotten=self._pair)

    def nearest(self) -> Standing:
        """The limit that whoever goes on meets first."""
        return limits.nearest([standing for counted, standing in self._taken.items() if counted != self._trust])

    def _tell(self, counted: Counted, refusal: TooManyRequests) -> None:
        """The audit trail learns once of each block, not of each try to pass it."""
        limit, key = counted
        try:
            limits.take(Limit("sign-in told", 1, refusal.wait), f"{limit.name} {key}")
        except TooManyRequests:
            return
        sign_ins.note_throttled(email=self._email)


def _per_account_and_address() -> Backoff:
    return Backoff("sign-in", free=settings.SIGN_IN_FAILURES, first=FIRST, longest=LONGEST, memory=DAY)


def _per_address() -> Backoff:
    free = settings.SIGN_IN_FAILURES_PER_ADDRESS
    return Backoff("sign-in address", free=free, first=FIRST, longest=LONGEST, memory=DAY)
