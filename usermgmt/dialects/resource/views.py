"""The five calls (contract 1)."""

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import permissions
from accounts.models import User
from accounts.named_users import Named
from accounts.services import users
from accounts.services.users import HOME
from usermgmt.dialects.resource.errors import NO_PROPERTIES
from usermgmt.dialects.resource.mapping import COLUMNS, from_user, renamed, to_user
from usermgmt.dialects.resource.parameters import page_of, user_id_of
from usermgmt.dialects.resource.schema.calls import CALLS
from usermgmt.errors import NotFound
from usermgmt.http.contracts import Problem, Refused
from usermgmt.http.negotiation import JSONAlways
from usermgmt.http.schema import documented
from usermgmt.http.viewsets import Calls, actor_of
from usermgmt.windows import window


@documented(**CALLS)
class UserViewSet(Calls):
    """Users: administrators all; others read and change themselves."""

    kind = "user"
    content_negotiation_class = JSONAlways
    permission_by_action = {
        "list": permissions.AdministersUsers,
        "create": permissions.AdministersUsers,
        "retrieve": permissions.ViewsUser,
        "update": permissions.UpdatesUser,
        "destroy": permissions.DeletesUser,
    }

    def named(self) -> Named | None:
        """Whom the path names, if that is the one user who is read next; see `accounts.named_users`."""
        if self.action != "retrieve" or self.target_id is None:
            return None
        return Named(User.objects.finder(), self.target_id)

    def list(self, request: Request) -> Response:
        page = page_of(request.query_params)
        visible = User.objects.visible_to(actor_of(request)).only(*COLUMNS)
        return Response({"users": [to_user(user) for user in window(visible, page.keys, page.offset, page.size)]})

    def create(self, request: Request) -> Response:
        sent, faults = from_user(request.data, new=True)
        user = users.create(actor=actor_of(request), client_id=HOME, reported=faults, **sent)
        return Response(to_user(user), status=status.HTTP_201_CREATED)

    def retrieve(self, request: Request, id: str) -> Response:
        user = User.objects.visible_one(actor_of(request), user_id_of(id))
        if user is None:
            raise NotFound("user")
        return Response(to_user(user))

    def update(self, request: Request, id: str) -> Response:
        user_id = user_id_of(id)
        sent, faults = from_user(request.data, new=False)
        if not sent and not faults:
            raise Refused(Problem(400, "nothing_sent", NO_PROPERTIES))

        user = users.update(
            actor=actor_of(request),
            user_id=user_id,
            name_from_parts=False,  # which name they make, the locked row tells
            proof=lambda user: renamed(user, sent),
            reported=faults,
            **sent,
        )
        return Response(to_user(user))

    def destroy(self, request: Request, id: str) -> Response:
        users.delete(actor=actor_of(request), user_id=user_id_of(id))
        return Response(status=status.HTTP_204_NO_CONTENT)
