"""What the viewsets of every contract have in common."""

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet


def actor_of(request: Request) -> Any:
    """The signed-in user. For calls that are closed to strangers; None where one is not."""
    return request.user


class Calls(GenericViewSet[Any]):
    """A resource's calls.

    kind: what the audit trail calls the resource. OPTIONS is not among the methods: the OpenAPI document
    says more.
    """

    kind: ClassVar[str] = "call"
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
