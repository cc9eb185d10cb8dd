"""What a user tells of themselves beyond the name: bounds, and the shape of free-form values (DESIGN 3)."""

import json
from typing import Any

NICKNAME_MAX_LENGTH = 120
BIO_MAX_LENGTH = 260
STATUS_TEXT_MAX_LENGTH = 255
CUSTOM_MAX_DEPTH = 8
CUSTOM_MAX_KEYS = 100  # in all its objects together
CUSTOM_MAX_BYTES = 16 * 1024  # as JSON


def is_bounded(values: dict[str, Any]) -> bool:
    """Whether a free-form object is one that the directory keeps: not too deep, too wide or too long."""
    return _keys_within(values, CUSTOM_MAX_DEPTH) <= CUSTOM_MAX_KEYS and (
        len(json.dumps(values, ensure_ascii=False).encode()) <= CUSTOM_MAX_BYTES
    )


def _keys_within(value: Any, depth: int) -> int:
    """How many keys the objects in `value` have; more than are allowed, where it goes deeper than `depth`."""
    if not isinstance(value, dict | list):
        return 0
    if depth == 0:
        return CUSTOM_MAX_KEYS + 1
    inner = value.values() if isinstance(value, dict) else value
    own = len(value) if isinstance(value, dict) else 0
    return own + sum(_keys_within(item, depth - 1) for item in inner)
