"""The rows of users as they are while they are written, and how the database's refusals are told."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.managers import ACTIVE_ADMINISTRATOR
from accounts.models import User
from accounts.services import authority, checks, records
from accounts.services.records import NO_RECORDS, Records
from accounts.services.users.homes import NO_SUCH_CLIENT
from usermgmt.actor import Actor
from usermgmt.errors import BASE, Fault, Invalid, check_version, raise_all
from usermgmt.integrity import refusals
from usermgmt.statements import Statement

LAST_ADMINISTRATOR = Fault(BASE, "last_administrator")
PRESENT: Final[Statement[User]] = Statement(
    lambda user_id: User.objects.select_related("client").filter(pk=user_id), user_id=int
)
_LOCKED: Final[Statement[User]] = Statement(
    lambda user_id: User.objects.select_related("client").filter(pk=user_id).select_for_update(of=("self",)),
    user_id=int,
)


def is_last_administrator(user: User) -> bool:
    """Whether nobody else is an active administrator."""
    others = User.objects.active_administrators().exclude(pk=user.pk)
    return user.is_superuser and user.is_active and not others.exists()


def locked(
    user_id: int,
    versions: Collection[int] | None,
    *,
    actor: Actor | None,
    leaves_administrators: bool,
    related_by: Records = NO_RECORDS,
) -> User:
    """The user, its row locked until the end of the transaction.

    leaves_administrators: the user stops being an active administrator. Then the rows of all of them
    are locked too, in the order of their numbers so that no two transactions wait for each other, and
    the last one is refused with Invalid. related_by: records that are written; whom they relate the user
    to is locked, too.
    """
    if not (related_by or leaves_administrators):
        user = authority.present(actor, _LOCKED.one(user_id=user_id))
        check_version(user.version, versions)
        return user
    wanted = Q(pk=user_id) | Q(pk__in=records.related(related_by))
    if leaves_administrators:
        wanted |= ACTIVE_ADMINISTRATOR
    rows = {row.pk: row for row in User.objects.filter(wanted).order_by("pk").select_for_update()}
    user = authority.present(actor, rows.pop(user_id, None))
    check_version(user.version, versions)
    others = any(row.is_superuser and row.is_active for row in rows.values())
    if leaves_administrators and user.is_superuser and user.is_active and not others:
        raise Invalid([LAST_ADMINISTRATOR])
    return user


def leaving(user_id: int) -> User:
    """The user, locked until the end of the transaction, who is to be no active administrator any more.

    Raises Invalid (the last one), NotFound.
    """
    return locked(user_id, None, actor=None, leaves_administrators=True)


@contextmanager
def writing(sent: Mapping[str, Any], user_id: int) -> Iterator[None]:
    """The transaction of a change, in which what the database refuses is told as the rules tell it."""
    with refused(sent, user_id), transaction.atomic():
        yield


@contextmanager
def refused(sent: Mapping[str, Any], user_id: int) -> Iterator[None]:
    """Around the transaction of a change: what the database refuses is told as the rules tell it."""
    with (
        told_in_full(sent, lambda: PRESENT.one(user_id=user_id)),
        refusals(User, checks.CONSTRAINTS, foreign_key=NO_SUCH_CLIENT),
    ):
        yield


@contextmanager
def told_in_full(sent: Mapping[str, Any], read: Callable[[], User | None]) -> Iterator[None]:
    """Tell of all that was taken in the meantime: the database names the first, whichever that is. Where something is
    no more it does not name it: that may have been a type of records, and not the client.

    read: gives the user, whose values these were to be; None: there is none any more.
    """
    try:
        yield
    except Invalid as refusal:
        user = read() if isinstance(refusal.__cause__, IntegrityError) else None
        if user is not None and refusal.faults == (NO_SUCH_CLIENT,):
            raise_all([], checks.of_records(sent, user))
        if user is not None and any(fault.code == "taken" for fault in refusal.faults):
            raise_all(refusal.faults, checks.taken(sent, user))
        raise
