"""Rules: when one applies, what it asks of the form around it, and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from usermgmt.dialects.forms.rules.patterns import Budget
from usermgmt.dialects.forms.rules.values import Path, is_blank


@dataclass(frozen=True, slots=True)
class Reference:
    """A declared field: of the same entry, or (`root`) of the form."""

    path: Path
    root: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """What every rule may say beside its own options. condition: applies only where that field is not blank."""

    message: str | None = None
    allow_nil: bool = False
    allow_blank: bool = False
    condition: Reference | None = None

    def pass_over(self, value: Any) -> bool:
        """Whether the value is taken without a look."""
        return (self.allow_nil and value is None) or (self.allow_blank and is_blank(value))


@dataclass(slots=True)
class Sitting:
    """One judging of a form: the present moment (UTC) and the time that is left for patterns."""

    now: datetime
    budget: Budget


Check = Callable[[Any, Sitting], list[str]]
"""The default messages of what is wrong with a value."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule over one value. name: as in the configuration."""

    name: str
    terms: Terms
    check: Check

    def faults(self, value: Any, sitting: Sitting) -> list[str]:
        """What is wrong with the value, in the words of the configuration if it has some."""
        if self.terms.pass_over(value):
            return []
        found = self.check(value, sitting)
        return [self.terms.message or words for words in found]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The value is to be sent a second time, as the field beside it. attribute: what people call the field."""

    terms: Terms
    other: Reference
    attribute: str

    @property
    def message(self) -> str:
        return self.terms.message or f"doesn't match {self.attribute}"


@dataclass(frozen=True, slots=True)
class Uniqueness:
    """Nobody else has the value, among those who are alike in the fields of the scope."""

    terms: Terms
    scope: tuple[Reference, ...] = ()

    @property
    def message(self) -> str:
        return self.terms.message or "has already been taken"
