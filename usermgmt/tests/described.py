"""Whether the answers of a dialect are as its OpenAPI document says: a watch over every one that its tests get."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from django.test.client import ClientHandler
from jsonschema import Draft202012Validator

from usermgmt import pages
from usermgmt.http.contracts import Contract, contract_of

Schema = dict[str, Any]


class Described:
    """The document of a contract.

    early: of what is no call, status to the component of the answer, besides 404 and 405. ending: what paths may end
    in, beyond what the document has.
    """

    def __init__(self, contract: Contract, early: Mapping[str, str], *, ending: str = "") -> None:
        self.contract = contract
        self._early = early
        self._ending = ending
        self.document = cache(self._document)
        self._told = cache(self._find)

    def _document(self) -> Schema:
        whole: Schema = json.loads(pages.document(self.contract))
        return whole

    def resolved(self, node: Schema) -> Schema:
        """What a `$ref` points to; anything else is itself."""
        while "$ref" in node:
            target = self.document()
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = target
        return node

    def validator(self, schema: Schema) -> Draft202012Validator:
        return Draft202012Validator({**schema, "components": self.document()["components"]})

    @contextmanager
    def watching(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Whoever gets an answer, within, of which the document does not tell, fails."""
        get_response = ClientHandler.get_response

        def watched(handler: Any, request: Any) -> Any:
            answer = get_response(handler, request)
            self.check(request, answer)
            return answer

        monkeypatch.setattr(ClientHandler, "get_response", watched)
        yield

    def check(self, request: Any, answer: Any) -> None:
        """Assert that an answer, if it is one of the contract, is as the document tells: status, headers, body."""
        if contract_of(request) is not self.contract or "Access-Control-Request-Method" in request.headers:
            return  # of a preflight a browser's own rules tell
        call = f"{request.method} {request.path_info[:80]}"
        method = "get" if request.method == "HEAD" else request.method.lower()
        told = self._told(request.path_info, method, str(answer.status_code))
        assert told is not None, f"{call} answered {answer.status_code}, which is not in the document"
        headers, body = told
        assert headers <= set(answer.headers), f"{call} answered {answer.status_code} without all of {headers}"
        if body is None:
            assert answer.content == b""
        else:
            body.validate(json.loads(answer.content))

    def _find(self, place: str, method: str, status: str) -> tuple[set[str], Draft202012Validator | None] | None:
        """The headers that such an answer must have, and what its body must be; None where there is to be none."""
        answers = self._answers(place, method)
        if status not in answers:
            return None
        answer = self.resolved(answers[status])
        headers = {name for name, header in answer["headers"].items() if self.resolved(header).get("required")}
        if "content" not in answer:
            return headers, None
        (content,) = answer["content"].values()
        return headers, self.validator(content["schema"])

    def _answers(self, place: str, method: str) -> Schema:
        """The answers of a call by their statuses; of what is none, those that are no call's."""
        place = place.removesuffix(self._ending)
        found = [calls for path, calls in self.document()["paths"].items() if _is_at(path, place)]
        calls: Schema = found[0] if found else {}
        if method in calls:
            answers: Schema = calls[method]["responses"]
            return answers
        ours = self.document()["components"]["responses"]
        other = {"405": "MethodNotAllowed"} if calls else {"404": "NotFound"}
        return {status: ours[name] for status, name in {**self._early, **other}.items()}


def _is_at(path: str, place: str) -> bool:
    return re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)), place, re.DOTALL) is not None
