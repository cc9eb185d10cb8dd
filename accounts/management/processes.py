"""Batches of an import taken by some processes in turns: while one writes, others judge the rows of the next ones.

PostgreSQL takes about as long over a user as the rules do, on another core. So each process has whole batches, the same
number of them apart, and goes with each through all of `importing.take`, which waits for the batch before: with users
until its users are written, with the commit and all that looks for who is there until it is in and its state is kept.
So new users are written while the events of the batch before are, in two transactions. Where one has an address of the
other, the database has it wait until the other is in, and refuses it then. Numbers (those of events are drawn before
they are written) and whatever looks for who is there are thus in the order of the file, as if one process did it all;
at most one batch is ever in without the state saying so.

That a batch is in the process that was started says, as it keeps the state. That its users are written one process says
to the next by itself: who reads the file has no time for it.
"""

import gc
import signal
import sys
import traceback
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, count, islice
from multiprocessing import connection as pipes
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from typing import Any

from django.db import connection, connections

from accounts.management.rows import Read
from accounts.services import importing
from accounts.services.importing import Row, Run, Told
from accounts.services.turns import Stage, Turn
from usermgmt.cores import cores

PROCESSES = 3  # at most: one writes users, one events, one judges

Batch = Sequence[Read]


class Gone(Exception):
    """One of the processes has ended without a word: somebody killed it, or the memory did not suffice."""

    def __init__(self) -> None:
        super().__init__("One of its processes has ended")


@contextmanager
def taken(run: Run, batches: Iterable[Batch], *, again: bool) -> Iterator[Iterator[tuple[Batch, list[Told]]]]:
    """Gives each batch with what became of its rows, in order; the next one is in when it is asked for.

    again: of the first batch, as in `importing.take`. A single batch, and where a second process would be of no use or
    could not see what this one sees, is taken by this one. Enter it before there are other threads; when it is left
    early, what is under way is rolled back.
    """
    ahead = list(islice(batches := iter(batches), PROCESSES))
    whole = chain(ahead, batches)
    if len(ahead) < 2 or not _is_shared():
        yield _alone(run, whole, again=again)
        return
    with _working(run, len(ahead)) as workers:
        yield _in_turns(workers, whole, again=again)


def _is_shared() -> bool:
    """Whether another process is quicker, and sees the same database: not the transaction of whoever called."""
    if sys.platform != "linux" or cores() == 1 or connection.in_atomic_block:
        return False
    in_memory: Any = getattr(connection, "is_in_memory_db", None)  # of SQLite
    return in_memory is None or not in_memory()


def _alone(run: Run, batches: Iterable[Batch], *, again: bool) -> Iterator[tuple[Batch, list[Told]]]:
    for batch in batches:
        yield batch, importing.take(run, [read.row for read in batch], again=again)
        again = False


def _in_turns(workers: Sequence["_Worker"], batches: Iterator[Batch], *, again: bool) -> Iterator[Any]:
    free = deque(workers)  # in the order of the ring: whoever has the batch before is the one before
    busy = deque[tuple[Batch, _Worker]]()  # of the first one all before are in
    numbers = count(1)
    ahead = next(batches, None)  # is read before there is time for it
    while True:
        while free and ahead is not None:
            worker = free.popleft()
            worker.begin(next(numbers), [read.row for read in ahead], again=again)
            again = False
            if not busy:
                worker.go_on()
            busy.append((ahead, worker))
            ahead = next(batches, None)
        if not busy:
            return
        batch, worker = busy.popleft()
        told = worker.told()
        free.append(worker)
        yield batch, told
        if busy:
            busy[0][1].go_on()


class _Worker:
    """The other end of a process that takes batches."""

    def __init__(self, process: ForkProcess, pipe: Connection) -> None:
        self._process = process
        self._pipe = pipe

    def begin(self, number: int, rows: Sequence[Row], *, again: bool) -> None:
        """Have it take some rows. number: of the batch; the one before has the one before."""
        self._send((number, [(row.line, row.said, row.faults) for row in rows], again))

    def go_on(self) -> None:
        """The rows before are in."""
        self._send(Stage.IN)

    def _send(self, message: Any) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # `told` tells why it is gone
            self._pipe.send(message)

    def told(self) -> list[Told]:
        """What became of the rows. Raises what it raised, or Gone."""
        try:
            told: Any = self._pipe.recv()
        except (EOFError, ConnectionResetError) as error:
            raise Gone from error
        if isinstance(told, Exception):
            raise told
        return list(told)

    def end(self, *, at_once: bool) -> None:
        """Wait until it has ended. at_once: whatever it is at; that is rolled back."""
        self._pipe.close()
        if at_once:
            self._process.terminate()
        self._process.join()


@contextmanager
def _working(run: Run, number: int) -> Iterator[list[_Worker]]:
    # By fork, as they are to work in the very settings of this process; no connection to the database goes along.
    forking = get_context("fork")
    for one in connections.all(initialized_only=True):
        one.close()
        getattr(one, "close_pool", lambda: None)()
    up = [forking.Pipe() for _ in range(number)]  # this end, and that of the process
    ring = [forking.Pipe(duplex=False) for _ in range(number)]  # from the process before to this one
    ends = [end for pair in (*up, *ring) for end in pair]
    workers = []
    for place, (ours, theirs) in enumerate(up):
        own = (theirs, ring[place][0], ring[(place + 1) % number][1])
        others = [end for end in ends if end not in own]
        process = forking.Process(target=_work, args=(run, *own, others), daemon=True)
        process.start()
        workers.append(_Worker(process, ours))
    for end in ends:
        if end not in [ours for ours, _ in up]:
            end.close()
    early = True
    try:
        yield workers
        early = False
    finally:
        for worker in workers:
            worker.end(at_once=early)


def _work(run: Run, pipe: Connection, before: Connection, behind: Connection, others: Sequence[Connection]) -> None:
    """What the process does until there is nothing more to do, or nobody to do it for."""
    stopping = _Stopping()
    try:
        # A Ctrl-C is the business of the process that was started; it ends this one.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, stopping)
        for other in others:
            other.close()  # or nobody would see the end of a process that has them, too
        gc.freeze()  # what is there already is not looked through for garbage again with each batch
        gc.disable()  # with each batch, once it is through, and not a hundred times while it is judged
        with suppress(EOFError, OSError):
            _take_all(run, pipe, before, behind)
        stopping.over = True
    except KeyboardInterrupt:
        stopping.code = 128 + signal.SIGTERM  # as shells tell it
    connections.close_all()
    sys.exit(stopping.code)


class _Stopping:
    """What a SIGTERM does: once, and not any more when there is nothing to be stopped."""

    def __init__(self) -> None:
        self.over = False
        self.code = 0

    def __call__(self, number: int, frame: Any) -> None:
        if not self.over:
            self.over = True
            raise KeyboardInterrupt


def _take_all(run: Run, pipe: Connection, before: Connection, behind: Connection) -> None:
    while True:
        number, rows, again = pipe.recv()
        turn = _Turn(number, pipe, before, behind)
        try:
            told = importing.take(run, [Row(*row) for row in rows], again=again, turn=turn)
        except EOFError:
            raise
        except Exception as error:
            error.add_note(traceback.format_exc())
            pipe.send(error)
            return
        pipe.send(told)
        del rows, told
        gc.collect()


class _Turn(Turn):
    """The turn of one batch, as the process that was started tells it, and the one that has the batch before."""

    def __init__(self, number: int, pipe: Connection, before: Connection, behind: Connection) -> None:
        self._number = number
        self._pipe = pipe
        self._before = before
        self._behind = behind
        self._heard: Stage | None = None

    def wait(self, stage: Stage) -> None:
        while self._heard is None or self._heard < stage:
            listened: list[Any] = [self._pipe] if stage == Stage.IN else [self._pipe, self._before]
            ready = pipes.wait(listened)
            if self._before in ready:
                self._hear_before()
            if self._pipe in ready:
                self._heard = self._pipe.recv()

    def _hear_before(self) -> None:
        try:
            number = self._before.recv()
        except EOFError:
            # It has ended; whether with the batch before or a later one the process that was started knows.
            self.wait(Stage.IN)
        else:
            if number == self._number - 1:  # else of a batch that is in since
                self._heard = Stage.USERS

    def reach(self, stage: Stage) -> None:
        with suppress(BrokenPipeError):  # the process that was started sees that, too
            self._behind.send(self._number)
