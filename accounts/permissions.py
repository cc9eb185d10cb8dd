"""DRF's permission classes of users: three lines each over the policies."""

from typing import ClassVar

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import policies
from usermgmt.actor import Actor
from usermgmt.http.ids import is_id
from usermgmt.http.viewsets import actor_of


class AdministersUsers(BasePermission):
    """To list and make users."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return policies.can_administer(actor_of(request))


class ReadsTrail(BasePermission):
    """To read the audit trail as a whole."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return policies.can_read_trail(actor_of(request))


class UpdatesOneself(BasePermission):
    """To change whoever calls; a token bound to a client may not reach an owner outside of it."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return policies.can_update(actor_of(request), actor_of(request).pk)


class ManagesTokens(BasePermission):
    """To make, list and revoke API tokens of one's own: for whoever signed in, not for API tokens."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return policies.can_manage_tokens(actor_of(request), actor_of(request).pk)


class _OnNamedUser(BasePermission):
    """To do something to the user that the path names; the answer is the same whether there is one or not.

    policy: of what is to be done.
    """

    policy: ClassVar["staticmethod[[Actor, int], bool]"]

    def has_permission(self, request: Request, view: APIView) -> bool:
        named = view.kwargs["id"]
        # What can't be a number is nobody's: administrators go on to the 404.
        return self.policy(actor_of(request), int(named) if is_id(named) else 0)


class ViewsUser(_OnNamedUser):
    policy = staticmethod(policies.can_view)


class UpdatesUser(_OnNamedUser):
    policy = staticmethod(policies.can_update)


class DeletesUser(_OnNamedUser):
    policy = staticmethod(policies.can_delete)


class SignsUserOut(_OnNamedUser):
    policy = staticmethod(policies.can_sign_out)
