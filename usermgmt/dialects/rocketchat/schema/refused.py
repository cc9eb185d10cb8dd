"""Refusals of this contract's own, for the document: made by what makes them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from usermgmt.dialects.rocketchat.errors import TABLE, Row, of_faults
from usermgmt.errors import Fault
from usermgmt.http.contracts import Problem, Refused


def told_by(call: Callable[[], Any]) -> Problem:
    """The problem of the refusal in which a call ends."""
    try:
        call()
    except Refused as refusal:
        return refusal.problem
    raise ValueError(f"{call} refuses nothing")


def unsaved(fault: Fault, said: Mapping[str, Any], table: Sequence[Row] = TABLE) -> Problem:
    """What the product says of a fault of what was said."""
    return of_faults([fault], said, table).problem
