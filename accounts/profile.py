"""What a user tells of themselves beyond the name: bounds, and the shape of free-form values (DESIGN 3)."""

import json
import re
from decimal import Decimal
from typing import Any

NICKNAME_MAX_LENGTH = 120
BIO_MAX_LENGTH = 260
STATUS_TEXT_MAX_LENGTH = 255
CUSTOM_MAX_DEPTH = 8
CUSTOM_MAX_KEYS = 100  # in all its objects together
CUSTOM_MAX_BYTES = 16 * 1024  # as JSON
_WRITTEN_OUT_BELOW = 1e16  # from here on Python tells a number by an exponent

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # as JSON has it; a backslash before it is itself behind one


def is_bounded(values: dict[str, Any]) -> bool:
    """Whether a free-form object is neither too deep nor too wide nor too long to be kept."""
    if _keys_within(values, CUSTOM_MAX_DEPTH) > CUSTOM_MAX_KEYS:
        return False
    text = json.dumps(values, ensure_ascii=False, default=str)
    return len(text.encode(errors="surrogatepass")) + _zeros_left_out(values) <= CUSTOM_MAX_BYTES


def is_storable(values: dict[str, Any]) -> bool:
    """Whether a free-form object is JSON that every database holds: no NUL, no lone surrogate, finite numbers."""
    try:
        text = json.dumps(values, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError):
        return False
    return _NUL.search(text) is None


def _keys_within(value: Any, depth: int) -> int:
    """How many keys the objects in `value` have; more than are allowed, where it goes deeper than `depth`."""
    if not isinstance(value, dict | list):
        return 0
    if depth == 0:
        return CUSTOM_MAX_KEYS + 1
    inner = value.values() if isinstance(value, dict) else value
    own = len(value) if isinstance(value, dict) else 0
    return own + sum(_keys_within(item, depth - 1) for item in inner)


def _zeros_left_out(value: Any) -> int:
    """By how many digits the numbers in `value` are longer than JSON tells them: PostgreSQL gives all of 1e308 back."""
    if isinstance(value, float):
        return len(f"{value:.0f}") - len(repr(value)) if abs(value) >= _WRITTEN_OUT_BELOW else 0
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(_zeros_left_out, inner))


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are one in JSON, too, where 1 is not true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(_as_written(one) == _as_written(other))


def _as_written(value: Any) -> Any:
    """A number as JSON has it: PostgreSQL keeps its digits, and gives 1e23 back as a whole number."""
    return Decimal(repr(value)) if isinstance(value, float) else value
