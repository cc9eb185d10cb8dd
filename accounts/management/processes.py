"""Batches of an import taken by two processes in turns: while one writes, the other judges the rows of the next.

PostgreSQL takes about as long over a user as the rules do, on another core. So each process has whole batches, every
other one, and goes with each through all of `importing.take`, which waits for the batch before: with users until its
users are written, with new clients until its events are, with all else until it is in and its state is kept. So new
users are written while the events of the batch before are, in two transactions. Where one has an address of the other,
the database has it wait until the other is in, and refuses it then. Numbers, events and whatever looks for who is there
are thus in the order of the file, as if one process did it all; at most one batch is ever in without the state saying
so.
"""

import gc
import signal
import sys
import traceback
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from typing import Any

from django.db import connection, connections

from accounts import hashing
from accounts.management.rows import Read
from accounts.services import importing
from accounts.services.importing import Row, Run, Told
from accounts.services.turns import Stage, Turn

PROCESSES = 2

Batch = Sequence[Read]


class Gone(Exception):
    """One of the processes has ended without a word: somebody killed it, or the memory did not suffice."""

    def __init__(self) -> None:
        super().__init__("One of its processes has ended")


@contextmanager
def taken(run: Run, batches: Iterable[Batch], *, again: bool) -> Iterator[Iterator[tuple[Batch, list[Told]]]]:
    """Gives each batch with what became of its rows, in order; the next one's turn comes when it is asked for.

    again: of the first batch, as in `importing.take`. A single batch, and where a second process would be of no use or
    could not see what this one sees, is taken by this one. Enter it before there are other threads; when it is left
    early, what is under way is rolled back.
    """
    ahead = list(islice(batches := iter(batches), PROCESSES))
    whole = chain(ahead, batches)
    if len(ahead) < PROCESSES or not _is_shared():
        yield _alone(run, whole, again=again)
        return
    with _working(run) as workers:
        yield _in_turns(workers, whole, again=again)


def _is_shared() -> bool:
    """Whether another process is quicker, and sees the same database: not the transaction of whoever called."""
    if sys.platform != "linux" or hashing.cores() == 1 or connection.in_atomic_block:
        return False
    in_memory: Any = getattr(connection, "is_in_memory_db", None)  # of SQLite
    return in_memory is None or not in_memory()


def _alone(run: Run, batches: Iterable[Batch], *, again: bool) -> Iterator[tuple[Batch, list[Told]]]:
    for batch in batches:
        yield batch, importing.take(run, [read.row for read in batch], again=again)
        again = False


def _in_turns(workers: Sequence["_Worker"], batches: Iterator[Batch], *, again: bool) -> Iterator[Any]:
    free = deque(workers)
    busy = deque[tuple[Batch, _Worker]]()  # the first one has its turn
    while True:
        while free and (batch := next(batches, None)) is not None:
            worker = free.popleft()
            worker.begin([read.row for read in batch], again=again)
            again = False
            if not busy:
                worker.tell(Stage.IN)
            busy.append((batch, worker))
        if not busy:
            return
        batch, worker = busy.popleft()
        while isinstance(told := worker.told(), Stage):
            if busy:
                busy[0][1].tell(told)
        free.append(worker)
        yield batch, told
        if busy:
            busy[0][1].tell(Stage.IN)


class _Worker:
    """The other end of a process that takes batches."""

    def __init__(self, process: ForkProcess, pipe: Connection) -> None:
        self._process = process
        self._pipe = pipe

    def begin(self, rows: Sequence[Row], *, again: bool) -> None:
        """Have it judge some rows."""
        self._send(([(row.line, row.said, row.faults) for row in rows], again))

    def tell(self, stage: Stage) -> None:
        """The rows before are as far as that."""
        self._send(stage)

    def _send(self, message: Any) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # `told` tells why it is gone
            self._pipe.send(message)

    def told(self) -> Stage | list[Told]:
        """How far the rows are, and in the end what became of them. Raises what it raised, or Gone."""
        try:
            told: Any = self._pipe.recv()
        except (EOFError, ConnectionResetError) as error:
            raise Gone from error
        if isinstance(told, Exception):
            raise told
        return told if isinstance(told, Stage) else list(told)

    def end(self, *, at_once: bool) -> None:
        """Wait until it has ended. at_once: whatever it is at; that is rolled back."""
        self._pipe.close()
        if at_once:
            self._process.terminate()
        self._process.join()


@contextmanager
def _working(run: Run) -> Iterator[list[_Worker]]:
    # By fork, as they are to work in the very settings of this process; no connection to the database goes along.
    forking = get_context("fork")
    for one in connections.all(initialized_only=True):
        one.close()
        getattr(one, "close_pool", lambda: None)()
    pipes = [forking.Pipe() for _ in range(PROCESSES)]
    workers = []
    for ours, theirs in pipes:
        others = [end for pair in pipes for end in pair if end is not theirs]
        process = forking.Process(target=_work, args=(run, theirs, others), daemon=True)
        process.start()
        workers.append(_Worker(process, ours))
    for _, theirs in pipes:
        theirs.close()
    early = True
    try:
        yield workers
        early = False
    finally:
        for worker in workers:
            worker.end(at_once=early)


def _work(run: Run, pipe: Connection, others: Sequence[Connection]) -> None:
    """What the process does until there is nothing more to do, or nobody to do it for."""
    # A Ctrl-C is the business of the process that was started; it ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    for other in others:
        other.close()  # or nobody would see the end of a process that has them, too
    gc.disable()  # with each batch, once it is through, and not a hundred times while it is judged
    with suppress(KeyboardInterrupt, EOFError, OSError):
        _take_all(run, pipe)
    connections.close_all()


def _take_all(run: Run, pipe: Connection) -> None:
    while True:
        rows, again = pipe.recv()
        try:
            told = importing.take(run, [Row(*row) for row in rows], again=again, turn=_Turn(pipe))
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
    """The turn of one batch, as the process that was started tells it."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._heard = 0

    def wait(self, stage: Stage) -> None:
        while self._heard < stage:
            self._heard = self._pipe.recv()

    def reach(self, stage: Stage) -> None:
        self._pipe.send(stage)


def _stop(number: int, frame: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
    raise KeyboardInterrupt
