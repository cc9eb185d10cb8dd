"""Reading users: one, and many (contract 4)."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import grants
from accounts.grants import Grant
from accounts.models import User
from usermgmt.dialects.rocketchat import finding, parameters, projection, serializers
from usermgmt.dialects.rocketchat.calls import RocketChatCalls, succeeded
from usermgmt.dialects.rocketchat.errors import failed
from usermgmt.dialects.rocketchat.mapping import COLUMNS, to_found_user
from usermgmt.dialects.rocketchat.query import condition
from usermgmt.dialects.rocketchat.schema.reading import READING_CALLS
from usermgmt.dialects.rocketchat.showing import sees_all, shown
from usermgmt.dialects.rocketchat.sorting import keys_of
from usermgmt.errors import NotFound
from usermgmt.http.schema import documented
from usermgmt.http.viewsets import actor_of
from usermgmt.windows import counted


@documented(**READING_CALLS)
class ReadingViewSet(RocketChatCalls):
    """Users as whoever calls may see them; who is not there for them is not found."""

    kind = "user"

    def retrieve(self, request: Request) -> Response:
        said = serializers.read(_parameters(request), serializers.USERS_INFO)
        wanted = projection.parsed(said.get("fields"))
        actor = actor_of(request)
        user = _named(actor, said)
        document = to_found_user(shown(actor, [user])[0], user, own=user.pk == actor.pk, full=sees_all(actor, user))
        return succeeded(user=projection.project(document, wanted))

    def list(self, request: Request) -> Response:
        actor, query = actor_of(request), request.query_params
        full = grants.has(actor, Grant.VIEW)
        wanted = projection.parsed(query.get("fields"))
        asked = condition(query.get("query", ""), full=full)
        keys = keys_of(query.get("sort", ""), full=full)
        found = User.objects.visible_to(actor).filter(asked).only(*COLUMNS)
        offset, count = parameters.window(query)
        total, page = counted(found, keys, offset, count)
        users = [projection.project(document, wanted) for document in shown(actor, page)]
        return succeeded(users=users, count=len(users), offset=offset, total=total)


def _parameters(request: Request) -> dict[str, Any]:
    """The query of the address, as the product's validator sees it: what is named twice is a list."""
    return {name: values if len(values) > 1 else values[0] for name, values in request.query_params.lists()}


def _named(actor: User, said: dict[str, str]) -> User:
    """Whom the selector names. Raises NotFound, Refused."""
    name, text = next((name, said[name]) for name in serializers.SELECTORS if name in said)
    if not text:
        raise failed("Invalid search query.")
    if name == "userId":
        return finding.by_id(actor, text)
    if name == "username":
        return finding.by_username(actor, text)
    if name == "email":
        return finding.by_email(actor, text)
    raise NotFound("user")  # nobody was imported, and nobody has an extension
