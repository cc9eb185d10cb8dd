"""The native contract's call on many users (native contract 7)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import permissions
from accounts.api.errors import errors_of, in_order
from accounts.api.including import all_shown
from accounts.api.mapping import from_include, from_user
from accounts.api.schema.bulk import BULK_CALLS
from accounts.api.serializers import MAX_USERS, NewUserReader, NewUsersReader
from accounts.services import bulk
from usermgmt.errors import BASE, Fault, raise_all
from usermgmt.http.schema import documented
from usermgmt.http.viewsets import Calls, actor_of

_TRUTH = {"true": True, "false": False}


@documented(**BULK_CALLS)
class BulkViewSet(Calls):
    """Users by the thousand; for administrators."""

    kind = "user"
    permission_classes = [IsAuthenticated, permissions.AdministersUsers]

    def create(self, request: Request) -> Response:
        include, faults = from_include(request.query_params.get("include", ""))
        atomic = _TRUTH.get(request.query_params.get("atomic", "false"))
        if atomic is None:
            faults.append(Fault("atomic", "invalid"))
        drafts, unreadable = from_users(request.data)
        raise_all([*faults, *unreadable], ())
        outcomes = bulk.create(actor=actor_of(request), drafts=drafts, atomic=bool(atomic))
        if atomic:
            raise_all(_placed(outcomes), ())
        return Response({"results": to_results(outcomes, include)})


def from_users(body: dict[str, Any]) -> tuple[list[bulk.Draft], list[Fault]]:
    """The drafts in a body, each with its own faults, and the faults of the list as a whole."""
    values, faults = NewUsersReader.read(body)
    sent = values.get("users", [])
    if not sent and not faults:
        return [], [Fault("users", "blank")]
    if len(sent) > MAX_USERS:
        return [], [Fault("users", "too_many", {"maximum": MAX_USERS})]
    objects = [item if isinstance(item, dict) else {} for item in sent]
    drafts = []
    for item, (read, unreadable) in zip(sent, NewUserReader.read_each(objects), strict=True):
        said, found = from_user(read, unreadable, new=True)
        reported = found if isinstance(item, dict) else [Fault(BASE, "invalid")]
        drafts.append(bulk.Draft(**said, reported=reported))
    return drafts, faults


def to_results(outcomes: Sequence[bulk.Outcome], include: Sequence[str]) -> list[dict[str, Any]]:
    """What became of each, as `POST /users` would have told it."""
    made = iter(all_shown([outcome.user for outcome in outcomes if outcome.user is not None], include))
    return [
        {"index": index, "status": 422, "errors": errors_of(outcome.faults)}
        if outcome.user is None
        else {"index": index, "status": 201, "user": next(made)}
        for index, outcome in enumerate(outcomes)
    ]


def _placed(outcomes: Sequence[bulk.Outcome]) -> list[Fault]:
    """The faults of all, each with its place in the list: `users[3].email`; of a whole user, `users[3]`."""
    return [
        replace(fault, field=f"users[{n}]" if fault.field == BASE else f"users[{n}].{fault.field}")
        for n, outcome in enumerate(outcomes)
        for fault in in_order(outcome.faults)
    ]
