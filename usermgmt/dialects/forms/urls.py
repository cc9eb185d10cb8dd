"""The contract's table. Each path may end in `.json`, as the vendor's clients have it (contract 6.2)."""

from typing import Any

from django.urls import URLPattern, path

from usermgmt.dialects.forms.calls import FormCalls
from usermgmt.dialects.forms.errors import render
from usermgmt.dialects.forms.schema.document import DOCUMENT
from usermgmt.dialects.forms.sessions import SessionViewSet
from usermgmt.dialects.forms.users import UserViewSet
from usermgmt.http.contracts import Contract


def _both(place: str, name: str, view: type[FormCalls], calls: dict[str, Any]) -> list[URLPattern]:
    """The path in both spellings, of which the document shows one."""
    return [
        path(f"{place}.json", view.as_view(calls, schema=None), name=f"{name}-json"),
        path(place, view.as_view(calls), name=name),
    ]


contract = Contract(
    name="forms",
    prefix="api/",
    urls=[
        *_both("users", "forms-users", UserViewSet, {"post": "create"}),
        *_both("users/<str:id>", "forms-user", UserViewSet, {"get": "retrieve", "put": "update", "delete": "destroy"}),
        *_both("sessions", "forms-sessions", SessionViewSet, {"post": "create", "delete": "destroy"}),
    ],
    render=render,
    document=DOCUMENT,
)
