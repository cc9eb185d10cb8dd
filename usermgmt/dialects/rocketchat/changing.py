"""Changing users, activating and deactivating them, deleting them (contract 4)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import grants
from accounts.grants import Grant
from accounts.models import User
from accounts.services import users
from usermgmt.dialects.rocketchat import finding, permissions, projection, rules, serializers
from usermgmt.dialects.rocketchat.calls import RocketChatCalls, succeeded
from usermgmt.dialects.rocketchat.errors import DENIED, failed, not_allowed, of_faults, refused, saving
from usermgmt.dialects.rocketchat.mapping import from_edit
from usermgmt.dialects.rocketchat.refusals import CHANGING, REMOVING
from usermgmt.dialects.rocketchat.schema.writing import CHANGING_CALLS
from usermgmt.dialects.rocketchat.showing import shown
from usermgmt.errors import Fault, Invalid, NotFound
from usermgmt.http.contracts import Refused
from usermgmt.http.ids import is_id
from usermgmt.http.schema import documented
from usermgmt.http.viewsets import actor_of

EDITING = "Editing_user"
"""What the product calls a change of a user, in details."""


@documented(**CHANGING_CALLS)
class ChangingViewSet(RocketChatCalls):
    """Users who are there: one's own record, and those that the caller's roles let change."""

    kind = "user"
    changes_own_password = ("update",)
    permission_by_action = {
        "set_active": permissions.SetsActive,
        "destroy": permissions.Deletes,
    }

    @property
    def target_id(self) -> int | None:
        try:
            named = str(self.request.data.get("userId", ""))
        except (APIException, Refused):  # what can't be read names nobody
            return None
        return int(named) if is_id(named) else None

    def update(self, request: Request) -> Response:
        said = serializers.read(request.data, serializers.USERS_UPDATE)
        wanted = projection.parsed(request.query_params.get("fields"))
        actor, data = actor_of(request), said["data"]
        _check_editing(actor, said["userId"], data)
        with _editing(data):
            present = finding.by_id(actor, said["userId"])
            sent, faults = from_edit(data, present)
            if actor.pk == present.pk:
                sent.pop("welcome", None)  # nobody greets themselves, again and again
            faults += rules.faults_of(actor, sent, administrator=present.is_superuser)
            _check_rights(faults, data)
            user = users.update(
                actor=actor,
                user_id=present.pk,
                password_policy=rules.policy_of_changes(),
                reported=faults,
                **sent,
            )
        return succeeded(user=projection.project(shown(actor, [user])[0], wanted))

    def set_active(self, request: Request) -> Response:
        said = serializers.read(request.data, serializers.USERS_SET_ACTIVE_STATUS)
        actor = actor_of(request)
        try:
            present = finding.by_id(actor, said["userId"])
            user = users.update(actor=actor, user_id=present.pk, active=said["activeStatus"])
        except NotFound as error:
            raise failed("User not found") from error
        except Invalid as error:
            raise of_faults(error.faults, said, CHANGING) from error
        return succeeded(user={"_id": str(user.pk), "active": user.is_active})

    def destroy(self, request: Request) -> Response:
        said = serializers.read(request.data, serializers.USERS_DELETE)
        actor = actor_of(request)
        try:
            users.delete(actor=actor, user_id=_named(actor, said).pk)
        except NotFound as error:
            told = 'The required "userId" or "username" param provided does not match any users'
            raise refused("error-invalid-user", told) from error
        except Invalid as error:
            raise of_faults(error.faults, said, REMOVING) from error
        return succeeded()


def _check_editing(actor: User, user_id: str, data: Mapping[str, Any]) -> None:
    """Raise Refused for whoever may not edit that user, whether there is one or not, or proves the own address."""
    myself = user_id == str(actor.pk)
    if myself and data.get("verified"):
        raise not_allowed("Editing email verification is not allowed", EDITING)
    if not (myself or grants.has(actor, Grant.EDIT)):
        raise not_allowed("Editing user is not allowed", EDITING)


def _check_rights(faults: Sequence[Fault], data: Mapping[str, Any]) -> None:
    """Raise Refused for what is not the caller's to give or set: of all faults these are told first."""
    denied = [fault for fault in faults if fault.code in DENIED]
    if denied:
        raise of_faults(denied, data, CHANGING)


@contextmanager
def _editing(data: Mapping[str, Any]) -> Iterator[None]:
    """Turn what is refused into the product's words. Raises Refused."""
    try:
        with saving(data, action=EDITING, forbidden="Editing user is not allowed", table=CHANGING):
            yield
    except NotFound as error:
        raise refused("error-user-not-found", "User not found") from error


def _named(actor: User, said: Mapping[str, Any]) -> User:
    """Whom the first selector that is not blank names. Raises NotFound, Refused."""
    for name in ("userId", "username", "user"):
        text = (said.get(name) or "").strip()
        if text:
            return finding.by_id(actor, text) if name == "userId" else finding.by_username(actor, text)
    raise refused("error-user-param-not-provided", 'The required "userId" or "username" param was not provided')
