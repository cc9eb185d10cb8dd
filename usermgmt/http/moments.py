"""Moments as text (RFC 3339 5.6)."""

import re
from datetime import UTC, datetime

from django.utils.dateparse import parse_datetime

# Django's reader alone takes every form of ISO 8601, and some that are none.
_FORM = re.compile(r"\d{4}-\d\d-\d\d([Tt]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)?)?\Z", re.ASCII)

MOMENT = {"anyOf": [{"format": "date-time"}, {"format": "date"}]}
"""What one looks like, in JSON Schema, beyond its type."""
MOMENT_TEXT = {"type": "string", **MOMENT}


def moment_of(text: str) -> datetime:
    """The moment that `text` names, or the first one of the date; in UTC, as is what names no offset.

    Raises ValueError.
    """
    moment = parse_datetime(text.upper()) if _FORM.match(text) else None
    if moment is None:
        raise ValueError(text)
    try:
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:  # in UTC it is before the first year, or after the last
        raise ValueError(text) from error
