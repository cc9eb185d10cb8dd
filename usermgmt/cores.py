"""Cores of the machine, dealt out to what keeps one busy: the hash of a password.

More hashes at once than there are cores are not only no faster, but slower, all of them together by a seventh: the
kernel has them take turns, and each finds the caches full of another one's megabytes. So whoever hashes takes a token
out of a pipe first and puts it back afterwards, as the jobs of GNU make do ("POSIX Jobserver" in its manual). The
processes of a server, which were forked after the pipe was made, share it: none waits while a core is free.
"""

import fcntl
import mmap
import os
import select
import struct
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager

MOST_PROCESSES = 1024  # that share the tokens, at a time
_TOKEN = b"."


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Cores:
    """So many tokens. They outlive who holds them: those of a process that was killed are given back by `bury`.

    It may be killed at any moment. So what it holds is noted before it takes a token, and until it has put it back:
    then one may be given back that it did not hold, but none is lost, and no more are put back than there are. A take
    that waited could not be noted so; who waits does it before.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._source, self._sink = os.pipe()
        os.set_blocking(self._source, False)
        # Of each process, by its place, in memory that is of all of them.
        self._held = memoryview(mmap.mmap(-1, 4 * MOST_PROCESSES)).cast("I")
        self._place = 0
        self._lock = threading.Lock()
        self._mine = threading.local()
        self._put_back(number)

    def join(self, number: int) -> None:
        """Say which process this one is, right after it was forked."""
        self._place = number % MOST_PROCESSES
        self._lock = threading.Lock()  # whoever forked may have held it

    def bury(self, number: int) -> None:
        """Give back what a process held that is no more."""
        place = number % MOST_PROCESSES
        left, self._held[place] = self._held[place], 0
        self._put_back(left)

    @contextmanager
    def one(self) -> Iterator[None]:
        """A core for as long as the body of the `with` takes; waits for one. Within another it is the same one."""
        if getattr(self._mine, "has_one", False):
            yield
            return
        self._take()
        self._mine.has_one = True
        try:
            yield
        finally:
            self._mine.has_one = False
            self._put_back(1)
            self._count(-1)

    def free(self) -> int:
        """How many tokens nobody has."""
        (number,) = struct.unpack("i", fcntl.ioctl(self._source, termios.FIONREAD, bytes(4)))
        return int(number)

    def _take(self) -> None:
        ready = select.poll()
        ready.register(self._source, select.POLLIN)
        while True:
            ready.poll()
            self._count(1)
            try:
                os.read(self._source, 1)
                return
            except BlockingIOError:  # another one was quicker
                self._count(-1)

    def _put_back(self, number: int) -> None:
        os.write(self._sink, _TOKEN * min(number, self._number - self.free()))

    def _count(self, change: int) -> None:
        with self._lock:
            self._held[self._place] = max(0, self._held[self._place] + change)


shared = Cores(cores())
"""Of this process, and of all that it forks."""
