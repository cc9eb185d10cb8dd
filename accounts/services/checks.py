"""The rules that the values of a user keep (DESIGN 2), as faults; the database holds them too."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from accounts import emails, passwords, profile, usernames
from accounts.models import NAME_MAX_LENGTH, CustomField, User
from accounts.models.user import EXTERNAL_ID_MAX_LENGTH
from accounts.services import profiles, records, roles
from usermgmt.errors import Fault
from usermgmt.statements import Statement
from usermgmt.text import has_control_characters, is_blank

CONSTRAINTS = {
    "user_email_unique": "email",
    "user_email_form": "email",
    "user_username_unique": "username",
    "user_username_form": "username",
    "user_name_not_blank": "name",
    "user_external_id_unique": "external_id",
    "user_external_id_unique_among_administrators": "external_id",
}
"""Named constraint of `User` to the field that it is about."""

_WITH_ADDRESS: Statement[User] = Statement(lambda address: User.objects.with_address(address).only("pk"), address=str)

NAME_PARTS = ("given_name", "middle_name", "family_name")  # in the order they are shown
_NAMES = ("name", *NAME_PARTS)


def normalise(
    sent: dict[str, Any], user: User, *, name_from_parts: bool, defined: Iterable[CustomField] | None = None
) -> None:
    """Trim what is kept trimmed; make the name of its parts where only they were sent.

    defined: the definitions of custom fields, where they were read already.
    """
    for field in ("name", "email", "external_id"):
        if field in sent:
            sent[field] = sent[field].strip()
    profiles.normalise(sent, defined)
    if name_from_parts and any(part in sent for part in NAME_PARTS):
        parts = (sent.get(part, getattr(user, part)).strip() for part in NAME_PARTS)
        made = " ".join(part for part in parts if part)
        if made:
            sent["name"] = made


def faults_of(sent: Mapping[str, Any], user: User, policy: passwords.Policy) -> list[Fault]:
    """Every fault of the values sent for `user` (an unsaved one: to be made)."""
    faults = [*by_themselves(sent, user, policy), *taken(sent, user)]
    if sent.get("roles"):
        faults += roles.faults_of(sent["roles"])
    return [*faults, *of_records(sent, user)]


def of_records(sent: Mapping[str, Any], user: User) -> list[Fault]:
    """The faults of the records of a user who is to be of the client that is sent along, if any is."""
    sent_records = sent.get("records", records.NO_RECORDS)
    return records.faults_of(sent_records, user, sent.get("client_id", user.client_id))


def by_themselves(
    sent: Mapping[str, Any], user: User, policy: passwords.Policy, defined: Iterable[CustomField] | None = None
) -> list[Fault]:
    """The faults that show without a look at who else there is. defined: as in `normalise`."""
    faults = [*names(sent), *(email_form(sent["email"]) if "email" in sent else ()), *_username_form(sent)]
    if sent.get("password") is not None:
        told = {field.name: sent.get(field.name, getattr(user, field.name)) for field in fields(passwords.Owner)}
        faults += passwords.check(sent["password"], owner=passwords.Owner(**told), policy=policy)
    return [*faults, *profiles.faults_of(sent, defined), *_external_id_form(sent), *_of_properties(sent)]


def names(sent: Mapping[str, Any]) -> list[Fault]:
    """The faults of the name and its parts."""
    faults = []
    for field in _NAMES:
        if field not in sent:
            continue
        value = sent[field]
        if field == "name" and is_blank(value):
            faults.append(Fault(field, "blank"))
        elif len(value) > NAME_MAX_LENGTH:
            faults.append(Fault(field, "too_long", {"maximum": NAME_MAX_LENGTH}))
        elif has_control_characters(value):
            faults.append(Fault(field, "invalid"))
    return faults


def email_form(email: str) -> list[Fault]:
    """The faults of a (trimmed) address by itself."""
    if not email:
        return [Fault("email", "blank")]
    if len(email) > emails.MAX_LENGTH:
        return [Fault("email", "too_long", {"maximum": emails.MAX_LENGTH})]
    if len(email) < emails.MIN_LENGTH or not emails.has_form(email) or emails.is_reserved(email):
        return [Fault("email", "invalid")]
    return []


def _username_form(sent: Mapping[str, Any]) -> list[Fault]:
    if "username" not in sent:
        return []
    username = sent["username"]
    if not username:
        return [Fault("username", "blank")]
    if len(username) > usernames.MAX_LENGTH:
        return [Fault("username", "too_long", {"maximum": usernames.MAX_LENGTH})]
    if not usernames.has_form(username):
        return [Fault("username", "invalid")]
    return []


def _external_id_form(sent: Mapping[str, Any]) -> list[Fault]:
    external_id = sent.get("external_id")
    if not external_id:
        return []
    if len(external_id) > EXTERNAL_ID_MAX_LENGTH:
        return [Fault("external_id", "too_long", {"maximum": EXTERNAL_ID_MAX_LENGTH})]
    if has_control_characters(external_id) or not (external_id.isascii() or profile.is_storable({"": external_id})):
        return [Fault("external_id", "invalid")]
    return []


def _of_properties(sent: Mapping[str, Any]) -> list[Fault]:
    properties = sent.get("properties")
    if not properties:
        return []
    if not profile.is_bounded(properties):
        return [Fault("properties", "too_complex")]
    return [] if profile.is_storable(properties) else [Fault("properties", "invalid")]


def taken(sent: Mapping[str, Any], user: User) -> list[Fault]:
    """What is sent in its form, and is somebody else's; of the id in another system, who is of the same client then."""
    faults, others = [], {}
    if "email" in sent and not email_form(sent["email"]):
        address = emails.canonical(sent["email"])
        if address != user.email_canonical and _WITH_ADDRESS.one(address=address) is not None:
            faults.append(Fault("email", "taken"))
    if "username" in sent and not _username_form(sent):
        others["username"] = User.objects.with_username(sent["username"]).exclude(pk=user.pk)
    external_id = sent.get("external_id", user.external_id)
    if external_id and sent.keys() & {"external_id", "client_id"} and not _external_id_form(sent):
        among = User.objects.filter(client_id=sent.get("client_id", user.client_id))
        others["external_id"] = among.filter(external_id=external_id).exclude(pk=user.pk)
    return faults + [Fault(field, "taken") for field, users in others.items() if users.exists()]


def invitation(*, has_password: bool, active: bool) -> list[Fault]:
    """The faults of inviting a user who is just made: the link sets the first password, of who may sign in."""
    faults = [Fault("invite", "invited_with_password")] if has_password else []
    return faults if active else [*faults, Fault("invite", "invited_inactive")]
