"""The document, and whether answers are as it says."""

import json
import re
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from usermgmt import pages
from usermgmt.dialects.resource.urls import contract
from usermgmt.http.contracts import contract_of

Schema = dict[str, Any]


@cache
def document() -> Schema:
    """The whole of it, as it is served."""
    whole: Schema = json.loads(pages.document(contract))
    return whole


def resolved(node: Schema) -> Schema:
    """What a `$ref` points to; anything else is itself."""
    while "$ref" in node:
        target = document()
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def validator(schema: Schema) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": document()["components"]})


def check(request: Any, answer: Any) -> None:
    """Assert that an answer, if it is one of the contract, is as the document tells: status, headers, body."""
    if contract_of(request) is not contract or "Access-Control-Request-Method" in request.headers:  # a browser's own
        return
    call = f"{request.method} {request.path_info[:80]}"
    answers = _answers(request.path_info, "get" if request.method == "HEAD" else request.method.lower())
    assert str(answer.status_code) in answers, f"{call} answered {answer.status_code}, which is not in the document"
    told = resolved(answers[str(answer.status_code)])
    headers = {name for name, header in told["headers"].items() if resolved(header).get("required")}
    assert headers <= set(answer.headers), f"{call} answered {answer.status_code} without all of {headers}"
    if "content" in told:
        validator(told["content"]["application/json"]["schema"]).validate(json.loads(answer.content))
    else:
        assert answer.content == b""


def _answers(place: str, method: str) -> Schema:
    """The answers of a call by their statuses; of what is none, those that are no call's."""
    found = [calls for path, calls in document()["paths"].items() if _is_at(path, place)]
    calls = found[0] if found else {}
    if method in calls:
        answers: Schema = calls[method]["responses"]
        return answers
    ours = document()["components"]["responses"]
    early = {"401": ours["Unauthenticated"], "403": ours["Forbidden"]}
    return early | ({"405": ours["MethodNotAllowed"]} if calls else {"404": ours["NotFound"]})


def _is_at(path: str, place: str) -> bool:
    return re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)), place, re.DOTALL) is not None
