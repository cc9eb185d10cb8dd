"""Durations as operators type them."""

import re
from datetime import timedelta

from django.core.management.base import CommandError

_FORM = re.compile(r"([1-9][0-9]{0,8})([dhm])\Z", re.ASCII)
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


def duration_of(text: str) -> timedelta:
    """What `90d`, `12h` or `30m` mean; raises CommandError."""
    form = _FORM.match(text)
    if form is None:
        raise CommandError(f"{text} is no duration: a number and d, h or m, such as 90d, 12h or 30m, please.")
    return timedelta(**{_UNITS[form[2]]: int(form[1])})
