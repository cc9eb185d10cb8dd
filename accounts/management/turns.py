"""Batches of an import taken by two processes in turns: while one writes, the other judges the rows of the next.

PostgreSQL takes about as long over a user as the rules do, on another core. So each process has whole batches, every
other one, and goes with each through all of `importing.take`, which waits twice. It makes clients and draws numbers
when the batch before is written: what is left of that is its commit. It looks at users and writes them when the batch
before is in and its state is kept. Every look at the directory and every write is thus in the order of the file, as if
one process did it all; and at most one batch is ever in without the state saying so.
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
from accounts.services.bulk import Turn
from accounts.services.importing import Row, Run, Told

PROCESSES = 2

_PLACE, _WRITE, _WRITTEN = "place", "write", "written"
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
                worker.place()
                worker.write()
            busy.append((batch, worker))
        if not busy:
            return
        batch, worker = busy.popleft()
        if worker.has_written() and busy:
            busy[0][1].place()
        told = worker.told()
        free.append(worker)
        yield batch, told
        if busy:
            busy[0][1].place()
            busy[0][1].write()


class _Worker:
    """The other end of a process that takes batches."""

    def __init__(self, process: ForkProcess, pipe: Connection) -> None:
        self._process = process
        self._pipe = pipe
        self._last: Any = None

    def begin(self, rows: Sequence[Row], *, again: bool) -> None:
        """Have it judge some rows."""
        self._send(([(row.line, row.said, row.faults) for row in rows], again))

    def place(self) -> None:
        """The rows before are written; it may hear that more than once."""
        self._send(_PLACE)

    def write(self) -> None:
        """The rows before are in."""
        self._send(_WRITE)

    def _send(self, message: Any) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # `told` tells why it is gone
            self._pipe.send(message)

    def has_written(self) -> bool:
        """Waits until the rows are written, or there is something to be told of them. Raises as `told` does."""
        self._last = self._received()
        return bool(self._last == _WRITTEN)

    def told(self) -> list[Told]:
        """What became of the rows, after `has_written`. Raises what it raised, or Gone."""
        told = self._received() if self._last == _WRITTEN else self._last
        return list(told)

    def _received(self) -> Any:
        try:
            message = self._pipe.recv()
        except (EOFError, ConnectionResetError) as error:
            raise Gone from error
        if isinstance(message, Exception):
            raise message
        return message

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
        self._heard = ""

    def place(self) -> None:
        self._heard = self._pipe.recv()

    def write(self) -> None:
        while self._heard != _WRITE:
            self._heard = self._pipe.recv()

    def pass_on(self) -> None:
        self._pipe.send(_WRITTEN)


def _stop(number: int, frame: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
    raise KeyboardInterrupt
