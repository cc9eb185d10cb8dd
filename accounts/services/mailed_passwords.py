"""Passwords made at random for a mail: nowhere but in the mail, and their hash at the user once it is out
(native contract 7)."""

import secrets
from dataclasses import dataclass, field, fields

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import F
from django.utils import timezone

from accounts import passwords
from accounts.models import SignIn, User
from usermgmt import audit

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # without what looks alike
LENGTH = 27  # characters of the alphabet: 133 bits
GROUP = 5  # characters between two hyphens, for whoever types it from the screen
_ATTEMPTS = 100  # a name of letters may be like one of five of them, never like a hundred


@dataclass(frozen=True, slots=True)
class MailedPassword:
    """One that is about to be sent. stored: its hash, for the user as they are now (`user`)."""

    user: User
    text: str = field(repr=False)
    stored: str = field(repr=False)


def made(user: User) -> MailedPassword:
    """A new one for `user`, which the policy takes. Costs a hash: call it outside transactions."""
    owner = passwords.Owner(**{known.name: getattr(user, known.name) for known in fields(passwords.Owner)})
    for _ in range(_ATTEMPTS):
        text = _random(settings.PASSWORD_MIN_LENGTH)
        if not passwords.check(text, owner=owner, policy=passwords.standard()):
            return MailedPassword(user, text, passwords.hashed(text))
    raise ValueError("no password that is made at random keeps the policy")


def keep(password: MailedPassword) -> bool:
    """Make a password that was sent the user's, in the transaction of the caller; gives whether it is.

    Only of a user who is as when it was made: active, of that address, without a password, and without another one
    since. As every new password, it ends whatever the user was signed in by.
    """
    user = password.user
    unchanged = User.objects.filter(
        pk=user.pk,
        is_active=True,
        email_canonical=user.email_canonical,
        password_version=user.password_version,
        password__startswith=UNUSABLE_PASSWORD_PREFIX,
    )
    kept = unchanged.update(
        password=password.stored,
        imported_cost=None,
        password_version=F("password_version") + 1,
        must_change_password=True,
        token_version=F("token_version") + 1,
        version=F("version") + 1,
        updated_at=timezone.now(),
    )
    if not kept:
        return False
    SignIn.objects.filter(user_id=user.pk).end()
    audit.record(actor=None, action="password.mailed", target=("user", user.pk))
    return True


def _random(minimum: int) -> str:
    """One of at least so many characters, hyphens included, and not many more: there is a greatest length, too."""
    length = max(LENGTH, minimum - (minimum - 1) // (GROUP + 1))
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(length))
    return "-".join(drawn[start : start + GROUP] for start in range(0, length, GROUP))
