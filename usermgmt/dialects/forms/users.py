"""Users by forms: make, show, change, delete (contract 1, 5 and 6)."""

import random
import time
from contextlib import suppress

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import permissions
from accounts.models import User
from accounts.services import users
from usermgmt.dialects.forms import asking, policies, submitting
from usermgmt.dialects.forms.calls import FormCalls
from usermgmt.dialects.forms.compiled import Configuration, Resource, declared_of_users
from usermgmt.dialects.forms.errors import BUSY
from usermgmt.dialects.forms.mapping import to_user
from usermgmt.dialects.forms.schema.users import CALLS
from usermgmt.dialects.forms.submitting import Overtaken
from usermgmt.errors import NotFound, Stale
from usermgmt.http.contracts import Refused
from usermgmt.http.ids import id_of
from usermgmt.http.schema import documented
from usermgmt.http.viewsets import actor_of

# Of a write that others overtake; each time one of them has written. Of 40 to one user at the same moment the last
# needed 17 on PostgreSQL, 9 on SQLite. Beyond, after some seconds, the caller is told to come again (`BUSY`).
TRIES = 20
PAUSE = 0.01  # seconds at most before the second of them; twice that before the third, and so on


@documented(**CALLS)
class UserViewSet(FormCalls):
    """Users, as stored configurations let programs write them."""

    kind = "user"
    changes_own_password = ("update",)
    permission_by_action = {
        "create": permissions.AdministersUsers,
        "retrieve": permissions.ViewsUser,
        "destroy": permissions.DeletesUser,
    }

    def create(self, request: Request) -> Response:
        actor = actor_of(request)
        configuration = asking.configuration_of(request.data, Resource.USER)
        form = asking.form_of(request.data)
        policies.check(configuration.policies, actor, policies.client_of(actor))
        for _ in range(TRIES):
            with suppress(Overtaken):
                user = submitting.create(actor, configuration, form)
                return Response({"id": user.pk, "errors": {}}, status=status.HTTP_201_CREATED)
        raise Refused(BUSY)

    def retrieve(self, request: Request, id: str) -> Response:
        declared = declared_of_users()
        user = submitting.found(actor_of(request), id, declared)
        if user is None:
            raise NotFound("user")
        return Response(to_user(user, declared))

    def update(self, request: Request, id: str) -> Response:
        configuration = asking.configuration_of(request.data, Resource.USER)
        form = asking.form_of(request.data)
        for number in range(TRIES):
            # Where somebody wrote to the user since, the form is judged by what is there now.
            with suppress(Stale, Overtaken):
                submitting.update(actor_of(request), configuration, form, self.owned(request, id, configuration))
                return Response(status=status.HTTP_204_NO_CONTENT)
            time.sleep(random.uniform(0, PAUSE * number))  # noqa: S311  # by chance, or a crowd would stay one
        raise Refused(BUSY)

    def owned(self, request: Request, id: str, configuration: Configuration) -> User:
        """The user to be changed, whom policies and owner let the caller change. Raises Forbidden, NotFound."""
        actor = actor_of(request)
        user = submitting.found(actor, id)
        policies.check(configuration.policies, actor, policies.client_of(actor) if user is None else user.client_id)
        if user is None or (configuration.only_self and user.pk != actor.pk):
            raise NotFound("user")
        return user

    def destroy(self, request: Request, id: str) -> Response:
        users.delete(actor=actor_of(request), user_id=id_of(id, "user"))
        return Response(status=status.HTTP_204_NO_CONTENT)
