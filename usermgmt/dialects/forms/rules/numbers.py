"""Numbers as Rails reads them, without the surprises of binary fractions and without gigantic ones."""

import math
import re
from decimal import Decimal
from typing import Any

MAX_TEXT = 100
MAX_EXPONENT = 300

_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE](?P<exponent>[+-]?[0-9]+))?\s*\Z")
_MAX_BITS = 333  # of a whole number with no more than a hundred digits


def number(value: Any) -> Decimal | None:
    """The number that `value` is or tells; None if it is none, or none of a sensible size."""
    if isinstance(value, str):
        return _told(value)
    if isinstance(value, float):
        return _told(repr(value)) if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < _MAX_BITS:
        return Decimal(value)
    return None


def _told(text: str) -> Decimal | None:
    found = _NUMBER.match(text) if len(text) <= MAX_TEXT else None
    if found is None:
        return None
    exponent = found["exponent"]
    if exponent is not None and not -MAX_EXPONENT <= int(exponent) <= MAX_EXPONENT:
        return None
    return Decimal(text.strip())
