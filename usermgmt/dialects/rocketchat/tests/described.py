"""The document, and whether answers are as it says."""

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from usermgmt import pages
from usermgmt.dialects.rocketchat.urls import contract
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
    call = f"{request.method} {request.path_info}"
    told = _told(request.path_info, request.method, str(answer.status_code))
    assert told is not None, f"{call} answered {answer.status_code}, which is not in the document"
    headers, body = told
    assert headers <= set(answer.headers), f"{call} answered {answer.status_code} without all of {headers}"
    body.validate(json.loads(answer.content))


@cache
def _told(place: str, method: str, status: str) -> tuple[set[str], Draft202012Validator] | None:
    """The headers that such an answer must have, and what its body must be; None where there is to be none."""
    answers = _answers(place, "get" if method == "HEAD" else method.lower())
    if status not in answers:
        return None
    answer = resolved(answers[status])
    (content,) = answer["content"].values()
    headers = {name for name, header in answer["headers"].items() if resolved(header).get("required")}
    return headers, validator(content["schema"])


def _answers(place: str, method: str) -> Schema:
    """The answers of a call by their statuses; of what is none, those that are no call's."""
    calls = document()["paths"].get(place, {})
    if method in calls:
        answers: Schema = calls[method]["responses"]
        return answers
    ours = document()["components"]["responses"]
    return {"400": ours["BadRequest"]} | ({"405": ours["MethodNotAllowed"]} if calls else {"404": ours["NotFound"]})
