"""The contract's table."""

import re
import uuid

from django.conf import settings
from django.urls import path

from usermgmt.dialects.resource.errors import quota_headers, render
from usermgmt.dialects.resource.schema.document import DOCUMENT
from usermgmt.dialects.resource.views import UserViewSet
from usermgmt.http.contracts import Contract

_REQUEST_ID = re.compile(r"req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


def request_id(sent: str) -> str:
    """`req-` and a UUID: the caller's own, if it is such a one (contract 4)."""
    return sent if _REQUEST_ID.match(sent) else f"req-{uuid.uuid4()}"


contract = Contract(
    name="resource",
    prefix=f"{settings.RESOURCE_PREFIX}/",
    urls=[
        path("users", UserViewSet.as_view({"get": "list", "post": "create"})),
        path("users/<str:id>", UserViewSet.as_view({"get": "retrieve", "patch": "update", "delete": "destroy"})),
    ],
    render=render,
    document=DOCUMENT,
    quota_headers=quota_headers,
    rate=lambda: settings.RESOURCE_RATE,
    always_tells=True,
    request_id=request_id,
)
