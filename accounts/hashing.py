"""Many passwords hashed at once: on every core, and behind everything else that the machine has to do.

One pool a process: its threads bound the memory (`ARGON2_MEMORY_KIB` each), however many calls come.
"""

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

from django.contrib.auth.hashers import make_password

from usermgmt.cores import cores
from usermgmt.errors import Quota, TooManyRequests

TURNS = 2  # calls of one process at a time: each keeps a thread of the server waiting, and others need some
TURN_SECONDS = 10  # of a call of a thousand, about
NICENESS = 5  # of 19: a third of the weight of others in the queue for a core, so that the list is done some day, too

_turns = threading.BoundedSemaphore(TURNS)


@contextmanager
def turn() -> Iterator[None]:
    """One of the turns, for as long as the body of the `with` takes. Raises TooManyRequests if all are taken."""
    if not _turns.acquire(blocking=False):
        raise TooManyRequests(TURN_SECONDS, Quota(limit=TURNS, remaining=0, reset=TURN_SECONDS))
    try:
        yield
    finally:
        _turns.release()


def hashed_all(chosen: Sequence[str | None]) -> list[str]:
    """The stored form of each password, in their order; None as in `passwords.hashed`. Call it within a `turn`.

    It takes no token of `usermgmt.cores`: what steps back for all others must not have one while they wait for it.
    """
    return list(_pool().map(make_password, chosen))


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cores(), thread_name_prefix="hashing", initializer=_step_back)


os.register_at_fork(after_in_child=_pool.cache_clear)  # a pool's threads stay with the process that made it


def _step_back() -> None:
    """Let every other thread of the machine go first, where a thread has a priority of its own (setpriority(2))."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(os.getpriority(os.PRIO_PROCESS, thread), NICENESS))
