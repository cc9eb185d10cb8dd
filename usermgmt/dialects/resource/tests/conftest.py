"""Every answer that a test of this contract gets is held against the OpenAPI document."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test.client import ClientHandler

from usermgmt.dialects.resource.tests import described


@pytest.fixture(autouse=True)
def _answers_are_as_described(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test fails that gets an answer of which the document does not tell."""
    get_response = ClientHandler.get_response

    def watched(self: Any, request: Any) -> Any:
        answer = get_response(self, request)
        described.check(request, answer)
        return answer

    monkeypatch.setattr(ClientHandler, "get_response", watched)
    yield
