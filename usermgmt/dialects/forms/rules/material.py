"""What a configuration is made of: JSON of a bounded size, and no templates in its texts."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from usermgmt.dialects.forms.rules.faults import Faults, Place
from usermgmt.dialects.forms.rules.vocabulary import MAX_BYTES, MAX_DEPTH

_TEMPLATE = re.compile(r"\{\{|\{%")
_TEMPLATE_IN_PATTERN = re.compile(r"\{%|\{\{[A-Za-z ]")
_NO_TEMPLATES = "has a template: templates are not supported"
_MAX_BITS = 1024  # of a whole number
_TOO_LARGE = f"is too large: at most {MAX_BYTES // 1024} KiB as JSON"


def is_sound(fields: Any, faults: Faults) -> bool:
    """Whether it can be read at all: JSON, neither too deep nor too large. Faults that are found are added."""
    if not isinstance(fields, dict):
        faults.add((), "must be an object")
        return False
    before = len(faults.found)
    for count, (place, value) in enumerate(_walk(fields)):
        width = len(value) if isinstance(value, dict | list) else 0
        if count + width > MAX_BYTES:  # a value has a byte at least
            faults.add((), _TOO_LARGE)
            break
        if reason := _unsound(place, value):
            faults.add(place, reason)
            if len(place) > MAX_DEPTH:
                break
    if len(faults.found) == before and len(json.dumps(fields, ensure_ascii=False).encode()) > MAX_BYTES:
        faults.add((), _TOO_LARGE)
    return len(faults.found) == before


def refuse_templates(fields: Mapping[str, Any], faults: Faults) -> None:
    """Add a fault for each text with a template in it."""
    for place, value in _walk(fields):
        template = _TEMPLATE_IN_PATTERN if place[-2:] == ("format", "with") else _TEMPLATE
        if isinstance(value, str) and template.search(value):
            faults.add(place, _NO_TEMPLATES)


def _walk(fields: Mapping[Any, Any]) -> Iterator[tuple[Place, Any]]:
    """Each value with its place, no deeper than one level too deep."""
    waiting: list[tuple[Place, Any]] = [((), fields)]
    while waiting:
        place, value = waiting.pop()
        yield place, value
        if len(place) > MAX_DEPTH:
            continue
        if isinstance(value, dict):
            waiting.extend(((*place, key), each) for key, each in reversed(value.items()))
        elif isinstance(value, list):
            waiting.extend(((*place, index), each) for index, each in reversed([*enumerate(value)]))


def _unsound(place: Place, value: Any) -> str | None:
    """Why a value can't be part of a configuration; None if it can."""
    if len(place) > MAX_DEPTH:
        return f"is too deep: at most {MAX_DEPTH} levels"
    if isinstance(value, dict):
        return None if all(map(_is_key, value)) else "has a key that is no text or can't be stored"
    if isinstance(value, str):
        return None if _is_storable(value) else "has characters that can't be stored"
    if isinstance(value, float):
        return None if math.isfinite(value) else "must be a finite number"
    if isinstance(value, int):
        return None if value.bit_length() <= _MAX_BITS else "is too large a number"
    return None if value is None or isinstance(value, list) else "is no JSON"


def _is_key(key: Any) -> bool:
    return isinstance(key, str) and _is_storable(key)


def _is_storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
