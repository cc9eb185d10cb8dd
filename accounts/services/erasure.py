"""The erasure of a person (GDPR 17): the row stays as a tombstone, the audit trail stays without what is personal."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import emails, passwords, trail, usernames
from accounts.models import Event, RecordType, User
from accounts.services import personal_data, users
from usermgmt import audit
from usermgmt.actor import Actor
from usermgmt.errors import NotFound
from usermgmt.models import StoredAnswer

NAME = "Erased user"
BLANK = "(erased)"  # in the trail, for each text of the person's

_WHOLE = ("custom_fields", "properties")
_WHOLE_BY_TYPE = tuple(f"{kind}s." for kind in RecordType.Kind.values)


def erase(*, actor: Actor | None, user_id: int, dry_run: bool = False) -> Mapping[str, int]:
    """Replace the person by a tombstone; gives how many rows of each kind go or are blanked, nothing if it was done.

    Of a user who was deleted before the trail is left, which is blanked. Everything in one transaction.
    Raises Invalid (the last administrator), NotFound.
    """
    with transaction.atomic():
        try:
            user: User | None = users.leaving(user_id)
        except NotFound:
            if not Event.objects.about("user", user_id).exists():
                raise
            user = None
        if user is not None and user.erased_at is not None:
            return {}
        held = [] if user is None else personal_data.holdings_of(user)
        blanked, addressed = _blanked(user_id), _addressed(user_id)
        counts = {name: rows.count() for name, rows in held}
        counts |= {"events": len(blanked), "addresses": addressed.count()}
        if dry_run or (user is None and not any(counts.values())):
            return counts if dry_run else {}
        for _, rows in held:
            rows.delete()
        # Whose answers tell of the person nobody knows: they are encrypted under what only their callers have.
        StoredAnswer.objects.forget()
        with trail.opened(trail.ERASING):
            addressed.update(address=None)
            for pk, changes in blanked.items():
                _raw().filter(pk=pk).update(changes=changes)
        if user is not None:
            _entomb(user)
        audit.record(actor=actor, action="user.erased", target=("user", user_id))
    return counts


def _raw() -> QuerySet[Event]:
    """The trail without the model's own guard: what the open lock allows goes."""
    return QuerySet(Event)


def _blanked(user_id: int) -> dict[int, dict[str, Any]]:
    """The rows about the person that hold a text, by number, as they are to be."""
    found = Event.objects.about("user", user_id).values_list("pk", "changes")
    blanked = {pk: (changes, _impersonal(changes)) for pk, changes in found}
    return {pk: after for pk, (before, after) in blanked.items() if before != after}


def _addressed(user_id: int) -> QuerySet[Event]:
    """The rows that hold the person's address: of their own acts, and of tries to sign in as them."""
    own = Q(actor_id=user_id) | Q(actor_id=None, target_kind="user", target_id=user_id)
    return _raw().filter(own, address__isnull=False)


def _impersonal(changes: dict[str, Any]) -> dict[str, Any]:
    """The changes without what is personal: any text, and of custom fields, properties and records all there was, for
    their keys and numbers are the person's choice, too."""
    return {
        field: [BLANK if value else value for value in change] if _is_whole(field) else _without_texts(change)
        for field, change in changes.items()
    }


def _is_whole(field: str) -> bool:
    return field in _WHOLE or field.startswith(_WHOLE_BY_TYPE)


def _without_texts(value: Any) -> Any:
    """The value with every text in it blanked: which field may hold something personal need not be known."""
    match value:
        case dict():
            return {key: _without_texts(item) for key, item in value.items()}
        case list():
            return [_without_texts(item) for item in value]
        case str():
            return BLANK
        case _:
            return value


def _entomb(user: User) -> None:
    now = timezone.now()
    email = f"erased-{user.pk}@{emails.RESERVED_DOMAIN}"
    username = usernames.made_from(email)
    if User.objects.with_username(username).exclude(pk=user.pk).exists():
        username = usernames.made_from(email, distinct=True)
    tombstone = {
        "name": NAME,
        "given_name": "",
        "middle_name": "",
        "family_name": "",
        "nickname": "",
        "bio": "",
        "status_text": "",
        "custom_fields": {},
        "external_id": "",
        "featured": False,
        "public_profile": False,
        "properties": {},
        "email": email,
        "email_verified": False,
        "username": username,
        "password": passwords.hashed(None),
        "must_change_password": False,
        "is_active": False,
        "last_login": None,
        "token_version": user.token_version + 1,
        "password_version": user.password_version + 1,
        "version": user.version + 1,
        "updated_at": now,
        "erased_at": now,
    }
    for field, value in tombstone.items():
        setattr(user, field, value)
    user.save(update_fields=list(tombstone))
