"""Every answer that a test of this contract gets is held against the OpenAPI document."""

from collections.abc import Iterator

import pytest

from usermgmt.dialects.resource.tests.described import described


@pytest.fixture(autouse=True)
def _answers_are_as_described(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test fails that gets an answer of which the document does not tell."""
    with described.watching(monkeypatch):
        yield
