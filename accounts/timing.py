"""Failed sign-ins take the same time whatever is wrong, also beside imported hashes of any cost (DESIGN 6)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import bcrypt
from django.conf import settings

from accounts import passwords
from accounts.models import User
from usermgmt import cores

PROBE_COST = 6  # of the bcrypt hashes that are timed: some milliseconds each
PROBES = 3
MARGIN = 1.25  # for what differs from hash to hash
REST = 0.02  # seconds for all that a failed sign-in does beside its hash
BUSIEST = 4.0  # times that a busy machine takes longer than an idle one, at the most: threads are few


class Stopwatch:
    """Times one sign-in, from when it is made."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._slowdown = 1.0

    @contextmanager
    def hashing(self) -> Iterator[None]:
        """Time a hash, for how busy the machine is: what takes longer now would have done so with any hash. The wait
        for a core comes before and is no part of it: counted, it would be all that a short hash waits."""
        asked = time.monotonic()
        with cores.shared.one():
            self._started += time.monotonic() - asked
            by_clock, of_thread = time.perf_counter(), time.thread_time()
            yield
            by_clock, of_thread = time.perf_counter() - by_clock, time.thread_time() - of_thread
        if settings.ARGON2_LANES == 1:  # more are threads, whose time is not this one's
            self._slowdown = min(max(1.0, by_clock / of_thread), BUSIEST) if of_thread else 1.0

    def even_out(self) -> None:
        """Wait for as long as this sign-in, which failed, falls short of the others.

        Sleeps, and hashes nothing: a guess at an account that is not there costs no more than before. For use
        outside of transactions.
        """
        whole = target(User.objects.imported_cost()) * self._slowdown
        time.sleep(max(0.0, whole - (time.monotonic() - self._started)))


def target(cost: int | None) -> float:
    """Seconds of a failed sign-in where the slowest imported hash is of that cost; 0 where there is none, as then
    all take the time of one hash of our own."""
    if cost is None:
        return 0.0
    return max(_own(), _bcrypt(PROBE_COST) * 2.0 ** (cost - PROBE_COST)) * MARGIN + REST


@cache
def _bcrypt(cost: int) -> float:
    """Seconds of a hash of bcrypt: of this thread alone, so that others at work do not lengthen it."""

    def once() -> float:
        salt = bcrypt.gensalt(cost)
        started = time.thread_time()
        bcrypt.hashpw(b"", salt)
        return time.thread_time() - started

    return min(once() for _ in range(PROBES))


@cache
def _own() -> float:
    """Seconds of a hash of our own; by the clock where its lanes are threads."""
    clock = time.thread_time if settings.ARGON2_LANES == 1 else time.perf_counter

    def once() -> float:
        started = clock()
        passwords.hashed("")
        return clock() - started

    with cores.shared.one():  # no part of the hash, as in a sign-in
        return min(once() for _ in range(PROBES))
