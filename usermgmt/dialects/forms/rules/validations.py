"""The validators, each with its options and messages (contract 4); where that is silent, what Rails does."""

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from accounts import emails
from usermgmt.dialects.forms.rules import moments, patterns
from usermgmt.dialects.forms.rules.numbers import number
from usermgmt.dialects.forms.rules.terms import Check, Sitting
from usermgmt.dialects.forms.rules.values import is_blank
from usermgmt.dialects.forms.rules.vocabulary import MAX_CHOICES

BLANK = "can't be blank"
INVALID = "is invalid"

MAX_LENGTH = 10**9
_MAX_DIGITS_BITS = 4096  # of a whole number that is written out for a pattern


class Wrong(Exception):
    """An option can't be what it is. option: its name, or "" for the validator itself. reason: why."""

    def __init__(self, option: str, reason: str) -> None:
        self.option = option
        self.reason = reason
        super().__init__(reason)


Options = Mapping[str, Any]
Maker = Callable[[Options], Check]


def _presence(_: Options) -> Check:
    return lambda value, sitting: [BLANK] if is_blank(value) else []


def _email(_: Options) -> Check:
    def check(value: Any, sitting: Sitting) -> list[str]:
        address = value.strip() if isinstance(value, str) else ""
        return [] if len(address) <= emails.MAX_LENGTH and emails.has_form(address) else [INVALID]

    return check


def _inclusion(options: Options) -> Check:
    chosen = _choices(options)

    def check(value: Any, sitting: Sitting) -> list[str]:
        values = value if isinstance(value, list) else [value]
        return [] if all(_identity(each) in chosen for each in values) else ["is not included in the list"]

    return check


def _exclusion(options: Options) -> Check:
    chosen = _choices(options)

    def check(value: Any, sitting: Sitting) -> list[str]:
        values = value if isinstance(value, list) else [value]
        return ["is reserved"] if any(_identity(each) in chosen for each in values) else []

    return check


def _choices(options: Options) -> frozenset[Any]:
    choices = options.get("in")
    if not isinstance(choices, list) or not 1 <= len(choices) <= MAX_CHOICES:
        raise Wrong("in", f"must be a list of 1 to {MAX_CHOICES} values")
    if any(isinstance(choice, list | dict) for choice in choices):
        raise Wrong("in", "must be a list of texts, numbers, true, false and null")
    return frozenset(map(_identity, choices))


def _identity(value: Any) -> Any:
    """What tells a value from others, where 1 is not true; of lists and objects nothing, they are never chosen."""
    if isinstance(value, list | dict):
        return list
    return isinstance(value, bool), value


def formatted(options: Options, trials: patterns.Budget | None) -> Check:
    """What makes a check of `format`. trials: see `patterns.compiled`. Raises Wrong."""
    said = options.get("with")
    if not isinstance(said, str) or not said:
        raise Wrong("with", "must be a regular expression")
    try:
        pattern = patterns.compiled(said, trials)
    except patterns.Unsafe as error:
        raise Wrong("with", str(error)) from error

    def check(value: Any, sitting: Sitting) -> list[str]:
        text = _text_of(value)
        return [] if text is not None and pattern.matches(text, sitting.budget) else [INVALID]

    return check


def _text_of(value: Any) -> str | None:
    """What a pattern is matched against; None for what is nothing like a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value.bit_length() > _MAX_DIGITS_BITS:
        return None
    return str(value) if isinstance(value, str | int | float) else None


def _length(options: Options) -> Check:
    bounds = {name: options[name] for name in ("minimum", "maximum", "is") if options.get(name) is not None}
    if not bounds:
        raise Wrong("", "needs minimum, maximum or is")
    for name, bound in bounds.items():
        if isinstance(bound, bool) or not isinstance(bound, int) or not 0 <= bound <= MAX_LENGTH:
            raise Wrong(name, f"must be a whole number from 0 to {MAX_LENGTH}")
    shortest, longest, exact = bounds.get("minimum", 0), bounds.get("maximum", math.inf), bounds.get("is")

    def check(value: Any, sitting: Sitting) -> list[str]:
        count = _count(value)
        told = []
        if count < shortest:
            told.append(f"is too short (minimum is {shortest} characters)")
        if count > longest:
            told.append(f"is too long (maximum is {longest} characters)")
        if exact is not None and count != exact:
            told.append(f"is the wrong length (should be {exact} characters)")
        return told

    return check


def _count(value: Any) -> int:
    if isinstance(value, str | list | dict):
        return len(value)
    if isinstance(value, int) and value.bit_length() > _MAX_DIGITS_BITS:
        return MAX_LENGTH + 1
    return len(_text_of(value) or "")


_COMPARISONS: Mapping[str, tuple[str, Callable[[Decimal, Decimal], bool]]] = {
    "greater_than": ("greater than", lambda value, bound: value > bound),
    "greater_than_or_equal_to": ("greater than or equal to", lambda value, bound: value >= bound),
    "equal_to": ("equal to", lambda value, bound: value == bound),
    "less_than": ("less than", lambda value, bound: value < bound),
    "less_than_or_equal_to": ("less than or equal to", lambda value, bound: value <= bound),
    "other_than": ("other than", lambda value, bound: value != bound),
}
_PARITIES = {"odd": 1, "even": 0}


def _numericality(options: Options) -> Check:
    checks = [_numeric(name, said) for name, said in options.items() if said is not None and said is not False]

    def check(value: Any, sitting: Sitting) -> list[str]:
        told = number(value)
        if told is None:
            return ["is not a number"]
        return [words for words, holds in checks if not holds(told)]

    return check


def _numeric(name: str, said: Any) -> tuple[str, Callable[[Decimal], bool]]:
    if name in _PARITIES:
        if said is not True:
            raise Wrong(name, "must be true or false")
        parity = _PARITIES[name]
        return f"must be {name}", lambda value: int(value) % 2 == parity
    bound = None if isinstance(said, str) else number(said)
    if bound is None:
        raise Wrong(name, "must be a number")
    words, holds = _COMPARISONS[name]
    return f"must be {words} {said}", lambda value: holds(value, bound)


_MOMENTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "is_at": lambda value, bound: value == bound,
    "at": lambda value, bound: value == bound,
    "before": lambda value, bound: value < bound,
    "after": lambda value, bound: value > bound,
    "on_or_before": lambda value, bound: value <= bound,
    "at_or_before": lambda value, bound: value <= bound,
    "on_or_after": lambda value, bound: value >= bound,
    "at_or_after": lambda value, bound: value >= bound,
}


def _day(options: Options) -> Check:
    limits = _limits(options)

    def check(value: Any, sitting: Sitting) -> list[str]:
        try:
            day = moments.day_sent(value if isinstance(value, str) else "")
        except moments.Unreadable:
            return [INVALID]
        return [f"Date {words}" for words, holds, clock in limits if not holds(day, clock(sitting.now).date())]

    return check


def _moment(options: Options) -> Check:
    limits = _limits(options)

    def check(value: Any, sitting: Sitting) -> list[str]:
        try:
            moment = moments.moment_sent(value if isinstance(value, str) else "")
        except moments.Unreadable:
            return [INVALID]
        return [f"Datetime {words}" for words, holds, clock in limits if not holds(moment, clock(sitting.now))]

    return check


def _limits(options: Options) -> list[tuple[str, Callable[[Any, Any], bool], moments.Clock]]:
    limits = []
    for name, said in options.items():
        if said is None:
            continue
        try:
            clock = moments.clock(said if isinstance(said, str) else "")
        except moments.Unreadable as error:
            raise Wrong(name, 'must be a date, a moment, or a phrase such as "today" or "18 years ago"') from error
        limits.append((f"is not {name.replace('_', ' ')} {said}", _MOMENTS[name], clock))
    return limits


OPTIONS: Mapping[str, tuple[str, ...]] = {
    "presence": (),
    "unique": ("scope",),
    "email": (),
    "confirmation": (),
    "inclusion": ("in",),
    "exclusion": ("in",),
    "format": ("with",),
    "length": ("minimum", "maximum", "is"),
    "numericality": (*_COMPARISONS, *_PARITIES),
    "date": tuple(_MOMENTS),
    "datetime": tuple(_MOMENTS),
}
"""Every validator, and its options beside those that all have."""

MAKERS: Mapping[str, Maker] = {
    "presence": _presence,
    "email": _email,
    "inclusion": _inclusion,
    "exclusion": _exclusion,
    "length": _length,
    "numericality": _numericality,
    "date": _day,
    "datetime": _moment,
}
"""Of the validators over one value, but `format`: what makes a check of the options. Each raises Wrong."""
