"""DRF's permission classes of users: three lines each over the policies."""

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import policies
from usermgmt.actor import Actor
from usermgmt.http.ids import is_id
from usermgmt.http.viewsets import actor_of


class AdministersUsers(BasePermission):
    """To list, make and delete users."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return policies.can_administer(actor_of(request))


class _OnNamedUser(BasePermission):
    """To do something to the user that the path names; the answer is the same whether there is one or not."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        named = view.kwargs["id"]
        # What can't be a number is nobody's: administrators go on to the 404.
        return self.allows(actor_of(request), int(named) if is_id(named) else 0)

    def allows(self, actor: Actor, user_id: int) -> bool:
        """The policy of what is to be done."""
        raise NotImplementedError


class ViewsUser(_OnNamedUser):
    def allows(self, actor: Actor, user_id: int) -> bool:
        return policies.can_view(actor, user_id)


class UpdatesUser(_OnNamedUser):
    def allows(self, actor: Actor, user_id: int) -> bool:
        return policies.can_update(actor, user_id)


class SignsUserOut(_OnNamedUser):
    def allows(self, actor: Actor, user_id: int) -> bool:
        return policies.can_sign_out(actor, user_id)
