"""What the directory's refusals and records are in the words of the admin site."""

import json
from datetime import UTC, datetime
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from usermgmt.audit import Changes
from usermgmt.errors import BASE, DirectoryError, Fault, Invalid, NotFound, Stale, TooManyRequests, fragment, sentence


def of_fault(fault: Fault) -> str:
    """A fault as a sentence to stand beside its field."""
    return f"{capfirst(fragment(fault))}."


def of_refusal(error: DirectoryError) -> str:
    """Why the directory refused, to stand behind the name of the object."""
    match error:
        case Invalid():
            return "; ".join(fragment(fault) if fault.field == BASE else sentence(fault) for fault in error.faults)
        case NotFound():
            return "somebody deleted it meanwhile"
        case Stale():
            return "somebody changed it meanwhile"
        case _:
            return "you may not do this"


def of_wait(refusal: TooManyRequests) -> str:
    """When a form may be sent again."""
    return f"Too many attempts. Try again in {refusal.wait} second{'' if refusal.wait == 1 else 's'}."


def of_moment(moment: datetime | None) -> str:
    """A date and time, UTC; a dash where there is none (of None Django's pages of one object say "None")."""
    return "-" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def of_value(value: Any) -> str:
    """A value of the audit trail."""
    match value:
        case None | "" | []:
            return "none"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(of_value, value))
        case dict():
            return json.dumps(value, ensure_ascii=False) if value else "none"
        case _:
            return str(value)


def of_changes(changes: Changes) -> SafeString:
    """What an audit record says changed, as HTML; of objects that were changed only what differs."""
    told = (difference for name, change in changes.items() for difference in _differences(name, *change))
    return format_html_join("", '<div class="change">{}: {}</div>', ((path, _of_change(*c)) for path, *c in told))


def _differences(path: str, before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    if not (before and isinstance(before, dict) and after and isinstance(after, dict)):
        return [(path, before, after)]
    found = [
        difference
        for key in {**before, **after}
        if (key in before) != (key in after) or json.dumps(before[key]) != json.dumps(after[key])
        for difference in _differences(f"{path}.{key}", before.get(key), after.get(key))
    ]
    return found or [(path, None, None)]  # another order


def _of_change(before: Any, after: Any) -> str | SafeString:
    if before is None and after is None:  # a secret, or nothing to tell
        return "changed"
    if before is None:
        return of_value(after)
    if after is None:
        return format_html("<del>{}</del>", of_value(before))
    return format_html("<del>{}</del> → {}", of_value(before), of_value(after))
