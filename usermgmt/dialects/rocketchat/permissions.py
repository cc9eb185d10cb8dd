"""DRF's permission classes of the calls that are refused whoever they are about: three lines over the grants."""

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import grants
from accounts.grants import Grant
from usermgmt.http.viewsets import actor_of


class SetsActive(BasePermission):
    """To activate and deactivate others."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return grants.has(actor_of(request), Grant.SET_ACTIVE)


class Deletes(BasePermission):
    """To delete others."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return grants.has(actor_of(request), Grant.DELETE)
