"""A compiled configuration: what it declares, and the door to judging what a client sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from usermgmt.dialects.forms.rules.declared import Entries, Field, Member, Section
from usermgmt.dialects.forms.rules.judging import judged
from usermgmt.dialects.forms.rules.outcome import Outcome, Unique
from usermgmt.dialects.forms.rules.values import Path, put
from usermgmt.dialects.forms.rules.vocabulary import PROFILES

__all__ = ["Form", "Outcome", "Unique"]


@dataclass(frozen=True)
class Form:
    """A configuration's fields and rules, compiled; see `compiling.compiled`. resource: "User" or "Session"."""

    resource: str
    members: Sequence[Member]

    @cached_property
    def declared(self) -> Mapping[str, Any]:
        """The stored fields that are declared, nested as a form is, True for each; never passwords."""
        shown: dict[str, Any] = {}
        for path in self._stored():
            put(shown, path, True)
        return shown

    @cached_property
    def profile_types(self) -> tuple[str, ...]:
        """The types of the profiles that are declared."""
        sections = (each.path for each in self.members if isinstance(each, Section))
        return tuple(path[1] for path in sections if path[0] == PROFILES and len(path) == 2)

    @cached_property
    def relationship_types(self) -> tuple[str, ...]:
        """The types of the relationships that are declared."""
        return self._types("relationship_users")

    @cached_property
    def transactable_types(self) -> tuple[str, ...]:
        """The types of the transactables that are declared."""
        return self._types("transactables")

    def judge(self, payload: Mapping[str, Any], stored: Mapping[str, Any] | None, *, now: datetime) -> Outcome:
        """What comes of a form that was sent.

        stored: what there is, nested as `Outcome.written` and with True for a password; None if it is to be made.
        now: with its offset; what "today" and the like are from.
        """
        return judged(self.members, payload, stored, now)

    def _types(self, section: str) -> tuple[str, ...]:
        return tuple(each.path[1] for each in self.members if isinstance(each, Entries) and each.path[0] == section)

    def _stored(self) -> Iterable[Path]:
        for member in self.members:
            if isinstance(member, Field) and member.is_stored:
                yield member.path
            elif isinstance(member, Entries):
                inner = (each for each in member.members if isinstance(each, Field) and each.is_stored)
                yield from (member.path + each.path for each in inner)
