"""Where an import stands: kept beside its faults, so that one that was stopped goes on."""

import hashlib
import json
import os
import uuid
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import IO, Any

from django.core.management.base import CommandError

from accounts.services.importing import Became
from usermgmt.http.parsers import BadBody, loads

HEAD_BYTES = 64 * 1024  # of what was read, by which the file is known again
BATCH = 2000  # rows a transaction
PASSWORDS = 100  # in clear, of a batch: each costs a hash, and the bar should move
MOST = 1_000_000  # of either that a state may say


@dataclass(slots=True)
class State:
    """number: of the run. options: what it was begun with. offset, line: behind the last batch that is in.
    head: a digest of the file's begin. faults: the size of the file of faults. counts: rows so far, by what became
    of them. batch, passwords: what bounds its batches, so that the one under way when it was stopped is the same
    again."""

    number: str = field(default_factory=lambda: uuid.uuid4().hex)
    options: dict[str, Any] = field(default_factory=dict)
    offset: int = 0
    line: int = 1
    head: str = ""
    faults: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Became, 0))
    batch: int = field(default_factory=lambda: BATCH)
    passwords: int = field(default_factory=lambda: PASSWORDS)


def head_of(stream: IO[bytes], offset: int) -> str:
    """A digest of the begin of what was read."""
    return hashlib.sha256(os.pread(stream.fileno(), min(offset, HEAD_BYTES), 0)).hexdigest()


def kept(path: Path, state: State) -> None:
    """Keep it, whole or as it was before."""
    aside = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(state), file)
    aside.replace(path)


def begun(path: Path, options: dict[str, Any]) -> State:
    """The state of a run to be; raises CommandError where there is one that goes on, or was stopped."""
    if path.exists():
        raise CommandError(
            f"A run of this file was stopped, or goes on. Say --resume, or delete {path} to begin anew.", returncode=2
        )
    return State(options=options)


def known(path: Path, options: dict[str, Any], stream: IO[bytes]) -> State:
    """The state of the run that was stopped; raises CommandError where there is none of this file and these options."""
    try:
        state = State(**loads(path.read_bytes()))
    except FileNotFoundError as error:
        raise CommandError(f"No run was stopped: there is no {path}.", returncode=2) from error
    except (BadBody, TypeError) as error:
        raise CommandError(f"{path} is not the state of a run.", returncode=2) from error
    if not _is_sound(state):
        raise CommandError(f"{path} is not the state of a run.", returncode=2)
    if state.options != options:
        raise CommandError("The run that was stopped had other options. Go on with those.", returncode=2)
    if state.head != head_of(stream, state.offset):
        raise CommandError("The file is not the one of the run that was stopped.", returncode=2)
    return state


def _is_sound(state: State) -> bool:
    """Whether each value is of its type: somebody may have written the file."""
    new = State()
    alike = all(type(getattr(state, field.name)) is type(getattr(new, field.name)) for field in fields(State))
    return (
        alike
        and min(state.offset, state.faults, state.line - 1) >= 0
        and all(1 <= bound <= MOST for bound in (state.batch, state.passwords))
        and state.counts.keys() == new.counts.keys()
        and all(type(count) is int for count in state.counts.values())
    )
