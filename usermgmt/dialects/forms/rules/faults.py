"""What is wrong with a configuration, each fault with its path."""

from typing import Any

from usermgmt.dialects.forms.rules.vocabulary import MAX_FAULTS
from usermgmt.errors import Fault, Invalid

Place = tuple[Any, ...]
"""The keys that lead to a value of a configuration, from its fields; whatever somebody made keys of."""

_MAX_KEY = 64


class Faults:
    """Collects faults, and no more than anybody reads."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, place: Place, reason: str) -> None:
        """A fault at a place below `fields`."""
        if len(self.found) < MAX_FAULTS:
            path = ".".join(("fields", *map(_shown, place)))
            self.found.append(Fault("fields", "bad_rule", {"path": path, "reason": reason}))

    def raise_any(self) -> None:
        """Raise Invalid with what was found; do nothing if that is nothing."""
        if self.found:
            raise Invalid(self.found)


def _shown(key: Any) -> str:
    """A key as people can read it, whatever it is."""
    if isinstance(key, int) and not isinstance(key, bool) and key.bit_length() < _MAX_KEY:
        return str(key)
    text = key if isinstance(key, str) else f"<{type(key).__name__}>"
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text[:_MAX_KEY])
    return shown if len(text) <= _MAX_KEY else f"{shown}…"
