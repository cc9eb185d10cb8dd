"""The rule `unique` (contract 4): whether somebody else of the client has a value already.

Addresses are nobody else's in the whole directory; of the records of a user, those of other users count.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models.fields.json import KeyTransform

from accounts.models import Relationship, Transactable, User, UserProfile
from clients.models import Client
from usermgmt.dialects.forms.errors import told
from usermgmt.dialects.forms.mapping import ARGUMENTS
from usermgmt.dialects.forms.models import FormConfiguration
from usermgmt.dialects.forms.rules.form import Unique
from usermgmt.errors import Fault, Invalid

_RECORDS: dict[str, type[UserProfile | Relationship | Transactable]] = {
    "profiles": UserProfile,
    "relationship_users": Relationship,
    "transactables": Transactable,
}

Path = Sequence[str]


def faults_of(uniques: Sequence[Unique], *, client_id: int | None, user_id: int | None) -> list[Fault]:
    """Those of the values that somebody else has. user_id: whose they are to be; None: of a user to be made."""
    taken = [unique for unique in uniques if _others(unique, client_id, user_id).exists()]
    return told({unique.key: [unique.message] for unique in taken})


def check(uniques: Sequence[Unique], user: User) -> None:
    """Raise Invalid if somebody else has one of the values, in the transaction that writes them: no two such
    transactions of one client run at once."""
    if not uniques:
        return
    if user.client_id is not None:
        Client.objects.select_for_update(no_key=True).get(pk=user.client_id)
    else:  # administrators have no row of their own to stand in line for
        FormConfiguration.objects.select_for_update(no_key=True).first()
    faults = faults_of(uniques, client_id=user.client_id, user_id=user.pk)
    if faults:
        raise Invalid(faults)


def _others(unique: Unique, client_id: int | None, user_id: int | None) -> Any:
    """The rows of other users that have the value, and that of each field in its scope."""
    if unique.path == ("email",):
        return User.objects.with_email(str(unique.value)).exclude(pk=user_id)
    record: Any = _RECORDS.get(unique.path[0])
    if record is None:
        rows: Any = User.objects.filter(client_id=client_id).exclude(pk=user_id)
    else:
        rows = record.objects.filter(user__client_id=client_id).exclude(user_id=user_id)
    told = {unique.path: unique.value, **unique.scope}
    for number, (path, value) in enumerate(told.items()):
        rows = _having(rows, path, value, of_record=record is not None, alias=f"judged_{number}")
    return rows


def _having(rows: Any, path: Path, value: Any, *, of_record: bool, alias: str) -> Any:
    """The rows whose field at `path` has the value. of_record: whether they are records, and not users."""
    user = "user__" if of_record else ""
    if path[0] in _RECORDS:
        rows = rows.filter(type__name=path[1])
        user, path = "", path[2:]
    if path[0] == "properties":
        return rows.alias(**{alias: KeyTransform(path[1], f"{user}properties")}).filter(**{alias: value})
    return rows.filter(**{f"{user}{ARGUMENTS.get(path[0], path[0])}": value})
