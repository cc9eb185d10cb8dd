"""Every answer that a test of this contract gets is held against the OpenAPI document."""

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from usermgmt.dialects.forms import vendor
from usermgmt.dialects.forms.tests.described import described
from usermgmt.dialects.forms.tests.forms import program


@pytest.fixture(autouse=True)
def _answers_are_as_described(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test fails that gets an answer of which the document does not tell."""
    with described.watching(monkeypatch):
        yield


@pytest.fixture
def administrator(cast: Any) -> APIClient:
    """A program of an administrator's, bound to no client."""
    vendor.make_present()  # what a test with transactions of its own has emptied
    return program(cast.administrator)
