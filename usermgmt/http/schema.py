"""What the OpenAPI documents of all contracts have in common (OpenAPI 3.1).

drf-spectacular makes a document out of the views; `ContractSchema` adds to every call what follows from
its nature (who needs a token can get a 401, what reads a body a 413), so that a view's own description
says only what is special. The bodies of errors are the contract's own: its `render` makes each example.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import OperationalError
from django.http import Http404
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema_field
from rest_framework import exceptions as drf
from rest_framework import serializers

from usermgmt.errors import Fault, Forbidden, MustChangePassword, NotFound, Quota, Stale, TooManyRequests
from usermgmt.http import idempotency
from usermgmt.http.contracts import Contract, Document, Problem, contracts, rate_limit_headers
from usermgmt.http.ids import MAX_ID
from usermgmt.http.parsers import MAX_BODY_BYTES, BadBody, BodyTooLarge
from usermgmt.http.problems import problem_of
from usermgmt.http.viewsets import Calls

Schema = dict[str, Any]

ID = {"format": "int64", "minimum": 1, "maximum": MAX_ID}
"""The number of a row, beyond its type."""


def ecma(pattern: str) -> str:
    """A regular expression of Python's in the words of ECMA 262, as JSON Schema has it."""
    return pattern.replace(r"\A", "^").replace(r"\Z", "$")


QUOTA = Quota(limit=5, remaining=0, reset=30)
"""What answers tell of a limit, for examples."""

RATE_HEADERS = tuple(rate_limit_headers(QUOTA))
"""The headers that tell it, unless a contract has others."""

# Refusals: what a call answers when it does not do what was asked.


@dataclass(frozen=True)
class Refusal:
    """A response component of the document.

    name: of the component. description: when it is given. examples: problems, all of one status;
    the contract's own `render` makes status, headers and bodies of them.
    """

    name: str
    description: str
    examples: Mapping[str, Problem]

    @property
    def problem(self) -> Problem:
        """The first of the examples, for what all have in common."""
        return next(iter(self.examples.values()))


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


# Headers and parameters

HEADERS: Mapping[str, Schema] = {
    "X-Request-ID": {
        "description": "The id of the request: as sent, or made here. The audit trail and the logs have it too.",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    },
    "WWW-Authenticate": {
        "description": "How to authenticate (RFC 6750 3).",
        "required": True,
        "schema": {"const": "Bearer"},
    },
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "RateLimit-Limit": {
        "description": "How many there may be, by the limit that is met first.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "RateLimit-Remaining": {
        "description": "How many of them are left.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    },
    "RateLimit-Reset": {
        "description": "Seconds until there are more.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "ETag": {
        "description": "The version of the object; sent back as `If-Match` it makes a change safe (RFC 9110 13.1.1).",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
    },
    "Allow": {"description": "The methods of the path.", "required": True, "schema": {"type": "string"}},
    "Location": {"description": "The path of what was made.", "required": True, "schema": {"type": "string"}},
    idempotency.REPLAYED: {
        "description": "`true` where this is the stored answer to an earlier request with the same `Idempotency-Key`.",
        "schema": {"const": "true"},
    },
    "Link": {
        "description": 'The next page of a walk by `cursor`, with `rel="next"` (RFC 8288); not on the last page.',
        "schema": {"type": "string"},
    },
}
"""Every response header that a document tells of, by name."""

REQUEST_ID: Schema = {
    "name": "X-Request-ID",
    "in": "header",
    "description": "An id of your own for this request: at most 64 letters, digits, dots, hyphens and underscores;"
    " for anything else one is made.",
    "schema": {"type": "string"},
}
"""A component that every call refers to."""

IDEMPOTENCY_KEY: Schema = {
    "name": idempotency.HEADER,
    "in": "header",
    "description": "Made by chance for this request, and sent again with each retry of it: what was asked for is done"
    " once, and every retry within 24 hours gets the first answer. A string of RFC 8941 or the bare characters. Answers"
    " that ask to come again (401, 403, 409, 413, 429, 5xx) are not kept.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": idempotency.MAX_LENGTH,
        "pattern": idempotency.KEY_PATTERN,
    },
}
"""A component that every POST call refers to, where the contract takes keys."""

IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string", "pattern": r'^(\*|(W/)?"[!#-~]*"(, *(W/)?"[!#-~]*")*)$'},
    OpenApiParameter.HEADER,
    description="Entity tags of the versions that you know: if the present one is not among them, the answer is 412"
    " and nothing is changed. `*`, as without the header, changes any version.",
)


def tells(header: str, *statuses: int) -> OpenApiParameter:
    """The response header on the answers of those statuses."""
    told = HEADERS[header]
    return OpenApiParameter(
        header,
        told["schema"],
        OpenApiParameter.HEADER,
        required=told.get("required", False),
        description=told["description"],
        response=list(statuses),
    )


def query(name: str, schema: Schema, description: str, **more: Any) -> OpenApiParameter:
    """A query parameter."""
    return OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=description, **more)


def identifier(what: str) -> OpenApiParameter:
    """The number in a path."""
    return OpenApiParameter(
        "id",
        {"type": "integer", **ID},
        OpenApiParameter.PATH,
        description=f"The number of the {what}.",
    )


# Fields

_COUNT = {"type": "integer", "minimum": 0}
_PAGE = {"type": "integer", "minimum": 1}


def _object(**properties: Schema) -> Schema:
    """An object of exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


@extend_schema_field(
    {
        "description": "Where in the list this page is: by number, or, in a walk, by cursor.",
        "oneOf": [
            _object(
                pagination=_object(
                    current_page=_PAGE,
                    next_page={"type": ["integer", "null"], "minimum": 1},
                    prev_page={"type": ["integer", "null"], "minimum": 1},
                    total_pages=_COUNT,
                    total_count=_COUNT,
                )
            ),
            _object(
                cursor=_object(
                    next={"type": ["string", "null"], "description": "The `cursor` of the next page; null on the last."}
                )
            ),
        ],
    },
    component_name="Meta",
)
class MetaField(serializers.Field):  # type: ignore[type-arg]
    """`meta` of a list; only described, never used."""


SAMPLE_META = {
    "pagination": {"current_page": 1, "next_page": 2, "prev_page": None, "total_pages": 5, "total_count": 125}
}
"""The `meta` of the native contract's example (section 5)."""


class StrictFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """The fields that read bodies tell their own schema."""

    target_class = "usermgmt.http.serializers.StrictField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Schema:
        described: Schema = self.target.described()
        return described


# Documents


class ContractSchema(AutoSchema):
    """The description of one call of a contract.

    `responses=` of `extend_schema` may hold a `Refusal` for a status; those that follow from the nature of
    the call are added here.
    """

    view: Any  # of DRF's, with `kind` and with the `contract` that the generator gives it

    def get_operation(self, *where: Any) -> Schema | None:
        operation: Schema | None = super().get_operation(*where)
        if operation is None:
            return None
        operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/RequestID"})
        if "requestBody" in operation and isinstance(self.get_request_serializer(), PolymorphicProxySerializer):
            operation["requestBody"]["required"] = True  # drf-spectacular looks only into single serializers
        responses = operation["responses"]
        if self._takes_keys():
            operation["parameters"].append({"$ref": "#/components/parameters/IdempotencyKey"})
            for status, answer in responses.items():
                if status.startswith("2"):
                    answer["headers"][idempotency.REPLAYED] = {"$ref": f"#/components/headers/{idempotency.REPLAYED}"}
        for told in self._refusals(operation):
            answer = self.view.contract.answer(told.problem)
            responses.setdefault(str(answer.status_code), self._referred(told))
        operation["responses"] = dict(sorted(responses.items()))
        return operation

    def _refusals(self, operation: Schema) -> list[Refusal]:
        """The refusals that follow from what the call takes and asks for."""
        parameters = {(parameter.get("in"), parameter.get("name")) for parameter in operation["parameters"]}
        told = [*ALWAYS]
        if any(operation["security"]):
            told += [UNAUTHENTICATED, FORBIDDEN]
        if any(place == "path" for place, _ in parameters):
            told.append(not_found(self.view.kind))
        if ("header", "If-Match") in parameters:
            told.append(STALE)
        if "requestBody" in operation:
            told.extend(WITH_A_BODY)
        if self._takes_keys():
            told.extend(WITH_A_KEY)
        return told

    def _takes_keys(self) -> bool:
        return self.method == "POST" and self.view.contract.idempotency_keys

    def _get_response_for_code(
        self, answer: Any, status_code: str, media_types: Any = None, direction: str = "response"
    ) -> Schema:
        if isinstance(answer, Refusal):
            return self._referred(answer)
        response: Schema = super()._get_response_for_code(answer, status_code, media_types, direction)  # type: ignore[no-untyped-call]
        response.setdefault("headers", {})["X-Request-ID"] = {"$ref": "#/components/headers/X-Request-ID"}
        return response

    def _referred(self, told: Refusal) -> Schema:
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name=told.name,
            type=ResolvedComponent.RESPONSE,
            schema=_response(told, self.view.contract),
            object=Refusal,
        )
        self.registry.register_on_missing(component)
        reference: Schema = component.ref
        return reference

    def _map_basic_serializer(self, serializer: Any, direction: str) -> Schema:
        schema: Schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if direction == "response":
            schema["additionalProperties"] = False  # exactly these keys, and no other
        return schema


def _response(told: Refusal, contract: Contract) -> Schema:
    """The refusal as a response of the document, in the contract's own words."""
    answers = {name: contract.answer(problem) for name, problem in told.examples.items()}
    first = next(iter(answers.values()))
    media_type = first.headers["Content-Type"].partition(";")[0]
    headers = [name for name in first.headers if name in HEADERS]
    schema = "Errors" if told.problem.faults else "Error"
    return {
        "description": told.description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in ["X-Request-ID", *headers]},
        "content": {
            media_type: {
                "schema": {"$ref": f"#/components/schemas/{schema}"},
                "examples": {name: {"value": json.loads(answer.content)} for name, answer in answers.items()},
            }
        },
    }


class ContractGenerator(SchemaGenerator):
    """Makes the document of one contract: its paths alone."""

    def __init__(self, contract: Contract | None = None, **options: Any) -> None:
        """contract: the one without a prefix if None; so `manage.py spectacular` asks for it."""
        self.contract = contract or _unprefixed()
        super().__init__(**{**options, "patterns": [*self.contract.mount_outside(), *self.contract.mount()]})  # type: ignore[no-untyped-call]

    def create_view(self, callback: Any, method: str, request: Any = None) -> Any:
        view = super().create_view(callback, method, request)  # type: ignore[no-untyped-call]
        view.contract = self.contract  # for its `render`
        return view

    def get_schema(self, request: Any = None, public: bool = False) -> Schema:
        document: Schema = super().get_schema(request, public)  # type: ignore[no-untyped-call]
        about = self.contract.document
        if about is None:
            raise LookupError(f"The contract {self.contract.name} has no document.")
        # The methods of a view are a set; documents are to be the same in every process.
        document["paths"] = {
            path: {method: calls[method] for method in Calls.http_method_names if method in calls}
            for path, calls in document["paths"].items()
        }
        document["info"] |= {"title": about.title, "description": about.description}
        document["tags"] = [{"name": name, "description": text} for name, text in about.tags.items()]
        for kind, told in self._shared(about).items():
            document["components"].setdefault(kind, {}).update(told)
        return document

    def _shared(self, about: Document) -> dict[str, Schema]:
        """The components that are there whatever the calls are."""
        return {
            "schemas": {"Error": dict(about.error), "Errors": dict(about.errors)},
            "parameters": {
                "RequestID": REQUEST_ID,
                **({"IdempotencyKey": IDEMPOTENCY_KEY} if self.contract.idempotency_keys else {}),
            },
            "headers": dict(HEADERS),
            "responses": {told.name: _response(told, self.contract) for told in NEVER_OF_A_CALL},
        }


def _unprefixed() -> Contract:
    return next(contract for contract in contracts() if not contract.prefix)


def documented(**calls: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """Describe the calls of a viewset by the names of its methods: each with its `extend_schema`s."""

    def decorate(view: Any) -> Any:
        for name, descriptions in calls.items():
            for describe in descriptions:
                describe(getattr(view, name))
        return view

    return decorate
