"""What the viewsets of every contract have in common."""

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from usermgmt.http.ids import is_id


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

    @property
    def target_id(self) -> int | None:
        """The number of what the call is about, for the audit trail; None where it names nothing."""
        named = str(self.kwargs.get("id", ""))
        return int(named) if is_id(named) else None
