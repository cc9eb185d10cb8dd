"""DRF's permission classes of clients: three lines each over the policies."""

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from clients import policies
from usermgmt.http.ids import is_id
from usermgmt.http.viewsets import actor_of


class MayUseClients(BasePermission):
    """Administrators everything; others may look at their own client."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if view.kwargs.get("id") is None and request.method == "POST":
            return policies.can_create(actor_of(request))
        if policies.can_administer(actor_of(request)):
            return True
        named = str(view.kwargs.get("id", ""))
        return request.method in ("GET", "HEAD") and is_id(named) and policies.can_view(actor_of(request), int(named))
