"""Days and moments: what a rule says of them, as a date or in a phrase, and what a form sends."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from dateutil.relativedelta import relativedelta

MAX_TEXT = 64

_UNITS = "second|minute|hour|day|week|month|year"
_COUNT = r"(?P<count>[0-9]{1,9}|an?|one)"
_SPAN = rf"{_COUNT} +(?P<unit>{_UNITS})s?"
_PHRASES = [
    (re.compile(rf"{_SPAN} +ago\Z", re.IGNORECASE), -1),
    (re.compile(rf"{_SPAN} +from +now\Z", re.IGNORECASE), 1),
    (re.compile(rf"in +{_SPAN}\Z", re.IGNORECASE), 1),
]
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}

# RFC 3339 5.6, and without an offset.
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})?\Z"
)
_FRACTION = re.compile(r"\.([0-9]+)")

_BOUNDS = {-1: datetime.min.replace(tzinfo=UTC), 1: datetime.max.replace(tzinfo=UTC)}

Clock = Callable[[datetime], datetime]
"""Makes a moment of the present one."""


class Unreadable(Exception):
    """It is neither a day nor a moment, nor a phrase for one."""


def day_sent(text: str) -> date:
    """The day in an ISO date. Raises Unreadable."""
    if not _DATE.match(text):
        raise Unreadable
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Unreadable from error


def moment_sent(text: str) -> datetime:
    """The moment in an RFC 3339 text, UTC where there is no offset. Raises Unreadable."""
    if len(text) > MAX_TEXT or not _DATETIME.match(text):
        raise Unreadable
    plain = _FRACTION.sub(lambda found: f".{found[1][:6]:0<6}", text.upper().replace(" ", "T"))
    try:
        moment = datetime.fromisoformat(plain)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unreadable from error


def clock(text: str) -> Clock:
    """What a rule says: an ISO date or moment, or a phrase such as "18 years ago". Raises Unreadable."""
    if len(text) > MAX_TEXT:
        raise Unreadable
    text = text.strip()
    word = text.lower()
    if word == "now":
        return lambda now: now
    if word in _DAYS:
        return _Shifted(relativedelta(days=_DAYS[word]), _DAYS[word], from_midnight=True)
    for phrase, direction in _PHRASES:
        if found := phrase.match(text):
            return _span(found["count"], found["unit"].lower(), direction)
    moment = datetime.combine(day_sent(text), time(), UTC) if _DATE.match(text) else moment_sent(text)
    return lambda now: moment


def _span(count: str, unit: str, direction: int) -> Clock:
    number = int(count) if count.isdigit() else 1
    try:
        return _Shifted(relativedelta(**{f"{unit}s": direction * number}), direction)  # type: ignore[arg-type]
    except (OverflowError, ValueError):
        return lambda now: _BOUNDS[direction]


@dataclass(frozen=True, slots=True)
class _Shifted:
    """The present moment, or the midnight before it, and a span more; no further than there are days."""

    span: relativedelta
    direction: int
    from_midnight: bool = False

    def __call__(self, now: datetime) -> datetime:
        start = now.replace(hour=0, minute=0, second=0, microsecond=0) if self.from_midnight else now
        try:
            return start + self.span
        except (OverflowError, ValueError):
            return _BOUNDS[self.direction]
