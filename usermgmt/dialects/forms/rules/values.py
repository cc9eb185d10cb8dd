"""Values as Rails sees them: what is blank, and what may be given for a field of each kind."""

import enum
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

Path = tuple[str, ...]
"""Where a value stands: the keys that lead to it."""


class Absent(enum.Enum):
    """The one who says that nothing is there, where null means something."""

    ABSENT = enum.auto()


ABSENT: Final = Absent.ABSENT

MAX_ID = 2**63 - 1
_DIGITS = re.compile(r"[0-9]{1,19}\Z")
_BOOLEANS: Mapping[Any, bool] = {"true": True, "1": True, "false": False, "0": False}


class Unfit(Exception):
    """The value is none that a field of this kind takes."""


class Kind(enum.Enum):
    """What a field takes."""

    TEXT = "text"
    BOOLEAN = "boolean"
    PASSWORD = "password"
    ID = "id"
    ANY = "any"
    IGNORED = "ignored"  # may be declared, can't be written


def is_blank(value: Any) -> bool:
    """Rails' `blank?`: null, false, no text but spaces, an empty list or object."""
    if isinstance(value, str):
        return not value or value.isspace()
    return value is None or value is False or (isinstance(value, list | dict) and not value)


def coerced(kind: Kind, value: Any) -> Any:
    """The value as the kind has it; ABSENT where it means that nothing was given. Raises Unfit."""
    return _COERCIONS[kind](value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unfit
    return value


def _boolean(value: Any) -> bool | Absent:
    if isinstance(value, bool):
        return value
    if value == "":
        return ABSENT
    if isinstance(value, str) and value in _BOOLEANS:
        return _BOOLEANS[value]
    if isinstance(value, int) and value in (0, 1):
        return value == 1
    raise Unfit


def _id(value: Any) -> int | Absent:
    if value == "":
        return ABSENT
    if isinstance(value, str) and _DIGITS.match(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_ID:
        raise Unfit
    return value


_COERCIONS: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _text,
    Kind.PASSWORD: _text,
    Kind.BOOLEAN: _boolean,
    Kind.ID: _id,
    Kind.ANY: lambda value: value,
    Kind.IGNORED: lambda value: ABSENT,
}


def dig(values: Any, path: Path) -> Any:
    """What stands at a path; ABSENT where nothing does."""
    for key in path:
        if not isinstance(values, Mapping) or key not in values:
            return ABSENT
        values = values[key]
    return values


def put(values: dict[str, Any], path: Path, value: Any) -> None:
    """Set what stands at a path."""
    *outer, last = path
    for key in outer:
        values = values.setdefault(key, {})
    values[last] = value
