"""Refusals as responses of a document, in the words and by the statuses of its contract."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpResponse

from usermgmt.http.contracts import Contract, Document, Problem
from usermgmt.http.schema.headers import HEADERS, QUOTA
from usermgmt.http.schema.refusals import Refusal

Schema = dict[str, Any]


def document_of(contract: Contract) -> Document:
    """What the contract says of itself. Raises LookupError if it has no document."""
    if contract.document is None:
        raise LookupError(f"The contract {contract.name} has no document.")
    return contract.document


def headers_of_all(contract: Contract) -> Schema:
    """References to the headers that every answer has."""
    limits = contract.quota_headers(QUOTA) if contract.always_tells else {}
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-ID", *limits)}


def by_status(told: Sequence[Refusal], contract: Contract) -> dict[str, list[Refusal]]:
    """The refusals under the statuses that the contract answers with; in parts, where it has several for one."""
    statuses: dict[str, list[Refusal]] = {}
    for refusal in {refusal.name: refusal for refusal in told}.values():
        parts: dict[str, dict[str, Problem]] = {}
        for name, problem in refusal.examples.items():
            parts.setdefault(str(contract.answer(problem).status_code), {})[name] = problem
        for status, examples in parts.items():
            name = refusal.name if len(parts) == 1 else f"{refusal.name}{status}"
            statuses.setdefault(status, []).append(replace(refusal, name=name, examples=examples))
    return statuses


@dataclass(frozen=True, slots=True)
class _Example:
    """name: unique among `refusal`'s. error: the name of the schema of its body."""

    refusal: Refusal
    name: str
    error: str
    answer: HttpResponse

    @property
    def media_type(self) -> str:
        return self.answer.headers["Content-Type"].partition(";")[0]


def response(told: Sequence[Refusal], contract: Contract) -> Schema:
    """What the contract answers with in these cases, all of one status, as one response."""
    about = document_of(contract)
    shown = [
        _Example(refusal, name, about.error_of(problem), contract.answer(problem))
        for refusal in told
        for name, problem in refusal.examples.items()
    ]
    media_types = dict.fromkeys(example.media_type for example in shown)
    return {
        "description": _description(told),
        "headers": _headers(shown, {**HEADERS, **about.headers}, contract),
        "content": {
            media_type: _content([example for example in shown if example.media_type == media_type])
            for media_type in media_types
        },
    }


def _description(told: Sequence[Refusal]) -> str:
    if len(told) == 1:
        return told[0].description
    return "\n".join(f"* {refusal.description}" for refusal in told)


def _headers(shown: Sequence[_Example], known: Mapping[str, Mapping[str, Any]], contract: Contract) -> Schema:
    """References to those that the answers have; a header that only some have is described as such."""
    told = headers_of_all(contract)
    some = dict.fromkeys(name for example in shown for name in example.answer.headers if name in known)
    for name in [name for name in some if name not in told]:
        always = all(name in example.answer.headers for example in shown)
        told[name] = {"$ref": f"#/components/headers/{name}"} if always else {**known[name], "required": False}
    return told


def _content(shown: Sequence[_Example]) -> Schema:
    """The schema of the bodies, and each body once."""
    schemas = [{"$ref": f"#/components/schemas/{name}"} for name in dict.fromkeys(example.error for example in shown)]
    examples: Schema = {}
    for example in shown:
        body = {"value": json.loads(example.answer.content)}
        if body not in examples.values():
            name = example.name if example.name not in examples else f"{example.refusal.name}_{example.name}"
            examples[name] = body
    return {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}, "examples": examples}
