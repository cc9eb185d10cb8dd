"""The native contract's calls on users (native contract 4 and 7)."""

from collections.abc import Collection

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import permissions
from accounts.api.filters import UserFilterSet
from accounts.api.including import all_shown, shown
from accounts.api.mapping import columns_of, from_include, from_user
from accounts.api.schema.users import USER_CALLS
from accounts.api.serializers import NewUserReader, UserChangesReader
from accounts.models import User
from accounts.named_users import Named
from accounts.services import sign_ins, users
from clients.policies import in_scope
from usermgmt.errors import Fault, NotFound, raise_all
from usermgmt.http.filters import narrowed
from usermgmt.http.ids import id_of
from usermgmt.http.pagination import NativePagination
from usermgmt.http.preconditions import known_versions
from usermgmt.http.problems import etag
from usermgmt.http.schema import documented
from usermgmt.http.viewsets import Calls, actor_of


@documented(**USER_CALLS)
class UserViewSet(Calls):
    """Users: administrators all, others themselves."""

    kind = "user"
    collection = "users"
    orderings = {
        "id": "id",
        "name": "name_sorted",
        "email": "email_canonical",
        "created_at": "created_at",
        "last_sign_in": "last_login",
    }
    queryset = User.objects.select_related("client")
    pagination_class = NativePagination
    changes_own_password = ("update", "update_current")
    permission_by_action = {  # `current` is one's own
        "list": permissions.AdministersUsers,
        "create": permissions.AdministersUsers,
        "retrieve": permissions.ViewsUser,
        "update": permissions.UpdatesUser,
        "destroy": permissions.DeletesUser,
        "sign_out": permissions.SignsUserOut,
        "update_current": permissions.UpdatesOneself,
    }

    @property
    def target_id(self) -> int | None:
        return self.request.user.pk if self.action == "update_current" else super().target_id

    def named(self) -> Named | None:
        """Whom the path names, if that is the one user who is read next; see `accounts.named_users`."""
        if self.action == "retrieve" and not self.request.META.get("QUERY_STRING"):
            finder = User.objects.finder(_read_of([]))
        elif self.action == "update":
            finder = users.AS_READ
        else:
            return None
        return None if self.target_id is None else Named(finder, self.target_id)

    def list(self, request: Request) -> Response:
        include, faults = _include(request)
        visible = User.objects.visible_to(actor_of(request)).select_related("client")
        columns = columns_of(include)
        if columns:
            told_by_cursor = self.orderings.values() if "cursor" in request.query_params else ()
            visible = visible.only(*columns, *told_by_cursor)
        found, unsound = narrowed(UserFilterSet, visible, request)
        paginator = self.paginator
        page = paginator.paginate_queryset(found, request, view=self, reported=[*faults, *unsound])  # type: ignore[union-attr,call-arg]
        return self.get_paginated_response(all_shown(page or [], include))

    def create(self, request: Request) -> Response:
        include, faults = _include(request)
        values, unreadable = NewUserReader.read(request.data)
        sent, faults = from_user(values, [*faults, *unreadable], new=True)
        user = users.create(actor=actor_of(request), reported=faults, **{"client_id": None, **sent})
        return _shown(user, include, status.HTTP_201_CREATED, Location=f"/users/{user.pk}")

    def retrieve(self, request: Request, id: str) -> Response:
        user_id = id_of(id, "user")
        include, faults = _include(request)
        actor = actor_of(request)
        own = user_id == actor.pk and in_scope(actor, actor.client_id)  # read already, to authenticate
        user = _oneself(actor, include) if own else User.objects.visible_one(actor, user_id, _read_of(include))
        if user is None:
            raise NotFound("user")
        raise_all(faults, ())
        return _shown(user, include)

    def update(self, request: Request, id: str) -> Response:
        return self.change(request, id_of(id, "user"))

    def destroy(self, request: Request, id: str) -> Response:
        users.delete(actor=actor_of(request), user_id=id_of(id, "user"), versions=known_versions(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def sign_out(self, request: Request, id: str) -> Response:
        users.sign_out(actor=actor_of(request), user_id=id_of(id, "user"))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def current(self, request: Request) -> Response:
        include, faults = _include(request)
        raise_all(faults, ())
        return _shown(_oneself(actor_of(request), include), include)

    def update_current(self, request: Request) -> Response:
        return self.change(request, actor_of(request).pk)

    def change(self, request: Request, user_id: int) -> Response:
        include, faults = _include(request)
        values, unreadable = UserChangesReader.read(request.data)
        sent, faults = from_user(values, [*faults, *unreadable], new=False)
        user = users.update(
            actor=actor_of(request), user_id=user_id, versions=known_versions(request), reported=faults, **sent
        )
        return _shown(user, include)


def _read_of(include: Collection[str]) -> tuple[str, ...]:
    """What is read of a user who is to be shown; none: everything."""
    columns = columns_of(include)
    return (*columns, "version") if columns else ()


def _include(request: Request) -> tuple[list[str], list[Fault]]:
    """What `?include=` asks for, and its fault."""
    if not request.META.get("QUERY_STRING"):
        return [], []
    return from_include(request.query_params.get("include", ""))


def _oneself(actor: User, include: list[str]) -> User:
    """The caller, with what `?include=` asks for."""
    return sign_ins.whole(actor) if include else actor


def _shown(user: User, include: list[str], code: int = status.HTTP_200_OK, **headers: str) -> Response:
    return Response(shown(user, include), status=code, headers={"ETag": etag(user.version), **headers})
