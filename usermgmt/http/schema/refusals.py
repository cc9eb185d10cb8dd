"""Refusals: what a call answers when it does not do what was asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions as drf

from usermgmt.errors import Fault, Forbidden, MustChangePassword, NotFound, Stale, TooManyRequests
from usermgmt.http import idempotency
from usermgmt.http.contracts import Problem
from usermgmt.http.parsers import MAX_BODY_BYTES, BadBody, BodyTooLarge
from usermgmt.http.problems import problem_of
from usermgmt.http.schema.headers import QUOTA


@dataclass(frozen=True)
class Refusal:
    """A response component of the document.

    name: of the component. description: when it is given. examples: problems; the contract's own `render` makes
    statuses, headers and bodies of them.
    """

    name: str
    description: str
    examples: Mapping[str, Problem]


def refusal(name: str, description: str, error: Exception, headers: Mapping[str, str] | None = None) -> Refusal:
    """One that has one example: what `problem_of` makes of `error`, and `headers` that the framework adds."""
    problem = problem_of(error)
    return Refusal(name, description, {problem.code: replace(problem, headers={**problem.headers, **(headers or {})})})


def invalid(name: str, description: str, **examples: Sequence[Fault]) -> Refusal:
    """The refusal of values: each example by its faults."""
    return Refusal(
        name, description, {example: Problem(422, "invalid", faults=tuple(f)) for example, f in examples.items()}
    )


def invalid_list() -> Refusal:
    """The refusal of the parameters of a list."""
    return invalid("InvalidList", "A parameter has no sound value.", page=[Fault("page", "not_positive")])


def not_found(kind: str) -> Refusal:
    """The refusal of a number that no user, or client, has."""
    return refusal(f"{kind.title()}NotFound", f"There is no such {kind}.", NotFound(kind))


BAD_REQUEST = refusal(
    "BadRequest",
    "What was sent can't be read: malformed JSON, a body that is no object, a wrong encoding, a NUL character,"
    " too many query parameters, an unknown host.",
    BadBody("The request body is not valid JSON."),
)
UNAUTHENTICATED = refusal(
    "Unauthenticated", "There is no access token, or it is no longer alive.", drf.NotAuthenticated()
)
FORBIDDEN = Refusal(
    "Forbidden",
    "The caller may not do this, or nothing at all before there is a new password.",
    {error.code: problem_of(error) for error in (Forbidden(), MustChangePassword())},
)
METHOD_NOT_ALLOWED = refusal(
    "MethodNotAllowed",
    "The path has no such method; `Allow` names those that it has.",
    drf.MethodNotAllowed("TRACE"),
    headers={"Allow": "GET, HEAD"},
)
NOT_ACCEPTABLE = refusal(
    "NotAcceptable",
    "`Accept` leaves out what this call answers with.",
    drf.NotAcceptable(),
)
STALE = refusal(
    "Stale",
    "The object has changed since the version in `If-Match`; `ETag` is the present one.",
    Stale(3),
)
TOO_LARGE = refusal("TooLarge", f"The body is larger than {MAX_BODY_BYTES >> 20} MiB.", BodyTooLarge())
UNSUPPORTED_MEDIA_TYPE = refusal(
    "UnsupportedMediaType",
    "The body is of a type that this call does not read.",
    drf.UnsupportedMediaType("text/plain"),
)
THROTTLED = refusal(
    "TooManyRequests",
    "Too many requests; `Retry-After` says when to try again.",
    TooManyRequests(QUOTA.reset, QUOTA),
)
SERVER_ERROR = refusal("ServerError", "The fault is ours.", RuntimeError())
UNAVAILABLE = refusal(
    "Unavailable",
    "The service can't work just now; `Retry-After` says when to try again.",
    OperationalError(),
)

ALWAYS = (BAD_REQUEST, NOT_ACCEPTABLE, THROTTLED, SERVER_ERROR, UNAVAILABLE)
"""What any call may answer."""

WITH_A_BODY = (TOO_LARGE, UNSUPPORTED_MEDIA_TYPE)

WITH_A_KEY = (
    Refusal(
        "InFlight",
        "The first request with this `Idempotency-Key` is still being answered; `Retry-After` says when to try again.",
        {"in_flight": idempotency.in_flight().problem},
    ),
    invalid("KeyReused", "The `Idempotency-Key` was sent with another request before.", key=[idempotency.REUSED]),
)

NEVER_OF_A_CALL = (METHOD_NOT_ALLOWED, refusal("NotFound", "The path is none of this contract's.", Http404()))
"""What paths answer that have no such call: components that no call of the document refers to."""


@dataclass(frozen=True, slots=True)
class Nature:
    """What a call takes and asks for, which decides what it may refuse.

    kind: of what it is about. closed: it asks who calls. names_one: there is a parameter in its path. conditional: it
    takes If-Match. reads: it takes a body. takes_keys: it takes an Idempotency-Key.
    """

    kind: str
    closed: bool
    names_one: bool
    conditional: bool
    reads: bool
    takes_keys: bool


def refusals_of(call: Nature) -> list[Refusal]:
    """What a call may refuse by its nature; for contracts whose `Document` does not say otherwise."""
    told = [*ALWAYS]
    if call.closed:
        told += [UNAUTHENTICATED, FORBIDDEN]
    if call.names_one:
        told.append(not_found(call.kind))
    if call.conditional:
        told.append(STALE)
    if call.reads:
        told.extend(WITH_A_BODY)
    if call.takes_keys:
        told.extend(WITH_A_KEY)
    return told
