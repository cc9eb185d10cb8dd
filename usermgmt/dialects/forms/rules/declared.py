"""What a configuration declares, compiled: fields, the sections around them, and types with entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from usermgmt.dialects.forms.rules.terms import Confirmation, Rule, Uniqueness
from usermgmt.dialects.forms.rules.values import ABSENT, Kind, Path


@dataclass(frozen=True, slots=True)
class Field:
    """A field that may be sent. path: from the form, or from the entry that it is of.

    address: whether it is the e-mail address that every user has. default: ABSENT where there is none.
    """

    path: Path
    kind: Kind
    rules: Sequence[Rule | Confirmation | Uniqueness] = ()
    virtual: bool = False
    readonly: bool = False
    default: Any = ABSENT
    address: bool = False

    @property
    def is_stored(self) -> bool:
        return not self.virtual and self.kind not in (Kind.IGNORED, Kind.PASSWORD)


@dataclass(frozen=True, slots=True)
class Section:
    """An object around fields; they follow it in the order of the configuration. kept: written even if it is empty."""

    path: Path
    rules: Sequence[Rule] = ()
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Entries:
    """A type of which a form may have entries, one or a list; `members` are from the entry."""

    path: Path
    rules: Sequence[Rule]
    members: "Sequence[Field | Section]"


Member = Field | Section | Entries
