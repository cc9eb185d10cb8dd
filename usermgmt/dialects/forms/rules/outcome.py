"""What comes of judging a form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from usermgmt.dialects.forms.rules.values import Path


@dataclass(frozen=True, slots=True)
class Unique:
    """What the database is to be asked: whether somebody else has this value, and is alike in the scope.

    path: the field, as in `written`, without the place in a list. scope: likewise. key: of the error, if there is one.
    """

    path: Path
    value: Any
    scope: Mapping[Path, Any]
    message: str
    key: str


@dataclass(slots=True)
class Outcome:
    """What came of judging a form.

    written: what is to be written, nested as the form is; types with entries always have lists.
    errors: messages by dotted key, in the order of the configuration.
    uniques: what only the database knows.
    """

    written: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)
    uniques: list[Unique] = field(default_factory=list)
