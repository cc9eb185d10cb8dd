"""The directory of keys, a file each, that `manage.py rotate_jwt_key` makes (JWT_KEY_DIR).

A file's name says from when its key signs, so that whoever shares the directory knows a key before it signs:
`20261121T113000.000000Z-<kid>.pem`. A file is written once, whole, and never changed.
"""

import logging
import os
import re
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile

from accounts.keys.material import Key, Unusable, from_text

logger = logging.getLogger("accounts.keys")

DIRECTORY_MODE = 0o700
FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO
RACY_SECONDS = 2  # a directory changed so lately may change again without a change of its time
_NAME = re.compile(r"(?P<begins>\d{8}T\d{6}\.\d{6}Z)-(?P<kid>[A-Za-z0-9_-]{1,64})\.(pem|secret)\Z", re.ASCII)
_MOMENT = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True, slots=True)
class DatedKey:
    """A key of the directory. begins: the moment from which it signs, in seconds since 1970. path: its file."""

    key: Key
    begins: float
    path: Path

    @property
    def place(self) -> tuple[float, str]:
        """Where it stands among the others: a total order, the same in every process."""
        return self.begins, self.key.kid


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at the directory gave. faults: a sentence for each file that is no sound key, by its path."""

    keys: tuple[DatedKey, ...]
    faults: dict[Path, str]


@dataclass(slots=True)
class _Present:
    """What a process knows of a directory. stamp: of the directory when it was last read."""

    stamp: tuple[int, int] | None
    settled: bool
    keys: tuple[DatedKey, ...]
    told: frozenset[str]


_present: dict[Path, _Present] = {}


def present(path: Path) -> tuple[DatedKey, ...]:
    """The keys of the directory as they are now, for a look at its time of change.

    What can't be read any more, by whatever accident, stays as this process knew it, and is logged once.
    """
    known = _present.get(path)
    stamp = _stamp(path)
    if known is not None and known.settled and known.stamp == stamp:
        return known.keys
    return _refreshed(path, stamp, known)


def reload(path: Path) -> None:
    """Look into the directory at the next `present`, whatever its time of change says."""
    known = _present.get(path)
    if known is not None:
        known.settled = False


def read(path: Path) -> Reading:
    """Everything that is in the directory; nothing, where there is none."""
    keys: list[DatedKey] = []
    faults: dict[Path, str] = {}
    try:
        names = sorted(file.name for file in path.iterdir())
    except FileNotFoundError:
        names = []
    except OSError as error:
        names, faults = [], {path: f"{path}: {error.strerror}"}
    for name in names:
        if name.startswith("."):  # one that is being written, or a mount's own
            continue
        try:
            keys.append(_read_file(path / name))
        except FileNotFoundError:
            continue  # deleted since it was listed
        except OSError as error:
            faults[path / name] = f"{path / name}: {error.strerror}"
        except ValueError as error:
            faults[path / name] = f"{path / name}: {error}"
    return Reading(tuple(sorted(keys, key=lambda dated: dated.place)), faults)


def exposed(keys: Iterable[DatedKey]) -> list[Path]:
    """The files that others than their owner may read or write."""
    return [dated.path for dated in keys if mode_of(dated.path) & FOR_OTHERS]


def mode_of(path: Path) -> int:
    """The permissions of a file; none where there is no such file any more."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def name_of(key: Key, begins: datetime) -> str:
    """The file name of a key that signs from that moment on."""
    suffix = "secret" if key.algorithm == "HS256" else "pem"
    return f"{begins.astimezone(UTC):{_MOMENT}}-{key.kid}.{suffix}"


def write(path: Path, key: Key, text: bytes, begins: datetime) -> Path:
    """Put a key there, whole or not at all, for its owner's eyes only; gives its file."""
    path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    target = path / name_of(key, begins)
    with NamedTemporaryFile(dir=path, prefix=".", delete=False) as file:  # mode 0600
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).rename(target)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    reload(path)
    return target


def _read_file(path: Path) -> DatedKey:
    matched = _NAME.match(path.name)
    if matched is None:
        raise Unusable("no key file of ours; `manage.py rotate_jwt_key` makes those. Move it elsewhere.")
    try:
        begins = datetime.strptime(matched["begins"], _MOMENT).replace(tzinfo=UTC)
    except ValueError as error:
        raise Unusable("its name tells no moment") from error
    if not path.is_file():
        raise Unusable("no file")
    key = _parsed(path.read_bytes())
    if key.kid != matched["kid"]:
        raise Unusable("its name is another key's")
    if key.private is None:
        raise Unusable("a public key; JWT_KEY_FILES is for those")
    return DatedKey(key, begins.timestamp(), path)


@lru_cache(maxsize=64)
def _parsed(text: bytes) -> Key:
    return from_text(text)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        told = os.stat(path)  # noqa: PTH116  # of every request: without the cost of a Path
    except OSError:
        return None
    return told.st_mtime_ns, told.st_ino


def _refreshed(path: Path, stamp: tuple[int, int] | None, known: _Present | None) -> tuple[DatedKey, ...]:
    reading = read(path)
    keys = {dated.path: dated for dated in reading.keys}
    if known is not None:
        lost = {dated.path: dated for dated in known.keys if dated.path not in keys}
        if stamp is None or path in reading.faults:  # the whole directory
            keys |= lost
        else:
            keys |= {place: dated for place, dated in lost.items() if place in reading.faults}
    told = frozenset(reading.faults.values())
    if stamp is None and known is not None and known.keys:
        told |= {f"{path}: gone"}
    for fault in sorted(told - (known.told if known is not None else frozenset())):
        logger.error("key directory: %s", fault)
    found = tuple(sorted(keys.values(), key=lambda dated: dated.place))
    if known is not None and found == known.keys:
        found = known.keys  # the same object: whoever made something of it need not make it anew
    _present[path] = _Present(
        stamp=stamp,
        settled=stamp is None or time.time() - stamp[0] / 1e9 > RACY_SECONDS,
        keys=found,
        told=told,
    )
    return found
