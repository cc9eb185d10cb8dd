"""The calls about users (contract 3 and 4)."""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.services import users
from usermgmt.dialects.rocketchat import rules, serializers
from usermgmt.dialects.rocketchat.calls import RocketChatCalls, succeeded
from usermgmt.dialects.rocketchat.errors import saving
from usermgmt.dialects.rocketchat.mapping import from_new_user
from usermgmt.dialects.rocketchat.projection import projected
from usermgmt.dialects.rocketchat.showing import shown
from usermgmt.http.ids import is_id
from usermgmt.http.viewsets import actor_of


class UserViewSet(RocketChatCalls):
    """Users."""

    kind = "user"
    changes_own_password = ("update",)

    @property
    def target_id(self) -> int | None:
        named = str(self.request.data.get("userId", ""))
        return int(named) if is_id(named) else None

    def create(self, request: Request) -> Response:
        said = serializers.read(request.data, serializers.USERS_CREATE)
        sent, faults = from_new_user(said)
        actor = actor_of(request)
        faults += rules.faults_of(actor, sent, administrator=False)
        with saving(said, action="Adding_user", forbidden="Adding user is not allowed"):
            user = users.create(actor=actor, password_policy=rules.password_policy(), reported=faults, **sent)
        return succeeded(user=projected(shown(actor, [user])[0], said.get("fields")))
