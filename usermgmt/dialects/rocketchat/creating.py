"""The calls about users (contract 3 and 4)."""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.services import users
from accounts.services.users import HOME
from usermgmt.dialects.rocketchat import rules, serializers
from usermgmt.dialects.rocketchat.calls import RocketChatCalls, succeeded
from usermgmt.dialects.rocketchat.errors import saving
from usermgmt.dialects.rocketchat.mapping import from_new_user
from usermgmt.dialects.rocketchat.projection import parsed, project
from usermgmt.dialects.rocketchat.schema.writing import CREATING_CALLS
from usermgmt.dialects.rocketchat.showing import shown
from usermgmt.http.schema import documented
from usermgmt.http.viewsets import actor_of


@documented(**CREATING_CALLS)
class UserViewSet(RocketChatCalls):
    """Users."""

    kind = "user"

    def create(self, request: Request) -> Response:
        said = serializers.read(request.data, serializers.USERS_CREATE)
        wanted = parsed(said.get("fields"))
        sent, faults = from_new_user(said)
        actor = actor_of(request)
        own_faults = rules.faults_of(actor, sent, administrator=False)
        if any(fault.field == "administrator" for fault in own_faults):
            sent["client_id"] = HOME  # where whoever may make users at all may
        with saving(said, action="Adding_user", forbidden="Adding user is not allowed"):
            rules.check_custom_fields(sent)
            user = users.create(
                actor=actor, password_policy=rules.password_policy(), reported=faults + own_faults, **sent
            )
        return succeeded(user=project(shown(actor, [user])[0], wanted))
