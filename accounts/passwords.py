"""Passwords: the policy, hashing, verifying (DESIGN 2, "Passwords"; native contract 6)."""

import re
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, fields
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import identify_hasher, make_password
from django.contrib.auth.password_validation import CommonPasswordValidator, UserAttributeSimilarityValidator
from django.core.exceptions import ValidationError

from usermgmt import cores
from usermgmt.errors import Fault, sentence

MAX_LENGTH = 128  # characters; checked before hashing, so that nobody makes us hash a megabyte

_OWNER_LENGTH = 255  # characters of a name or address that a password is compared with

KINDS = {
    "password_without_lowercase": re.compile("[a-z]"),
    "password_without_uppercase": re.compile("[A-Z]"),
    "password_without_digit": re.compile("[0-9]"),
    "password_without_symbol": re.compile("[^A-Za-z0-9 ]"),
}
"""The kinds of characters of a mixed password, each by the code of the fault that there is none."""

_common = CommonPasswordValidator()
_similar = UserAttributeSimilarityValidator(user_attributes=["name"])


@dataclass(frozen=True, slots=True)
class Owner:
    """What a password must not resemble."""

    name: str = ""
    given_name: str = ""
    middle_name: str = ""
    family_name: str = ""
    email: str = ""
    username: str = ""

    def told(self) -> Iterator[tuple[str, str]]:
        """What others know of the owner, each with what it is."""
        yield "name", self.name
        yield "given name", self.given_name
        yield "middle name", self.middle_name
        yield "family name", self.family_name
        yield "email", self.email
        yield "email", self.email.partition("@")[0]  # as a whole; the validator looks at the words within
        yield "user name", self.username


@dataclass(frozen=True, slots=True)
class Policy:
    """What a door asks of a new password.

    minimum: characters. guessable: whether common ones and ones like the owner's name are taken. mixed: whether it
    needs a character of each kind, see `KINDS`. longest_run: how often at most one character may stand in a row.
    """

    minimum: int
    guessable: bool = False
    mixed: bool = False
    longest_run: int | None = None


def standard() -> Policy:
    """The directory's own policy: the native contract's, the admin site's and the commands'."""
    return Policy(minimum=settings.PASSWORD_MIN_LENGTH)


def operators() -> Policy:
    """For an operator who has been warned and insists: in a development run anything goes, in service nothing."""
    return Policy(minimum=1, guessable=True) if settings.DEVELOPMENT else standard()


def must_change(*, staff: bool) -> bool:
    """Whether somebody for whom an administrator chose a password must change it before anything else.

    staff: it was chosen in the admin site or by a command, and not through an API. What the form, the command
    or the call says itself goes before this.
    """
    chosen = settings.CHOSEN_PASSWORDS_MUST_CHANGE
    return bool(chosen == "always" or (staff and chosen == "staff"))


def check(password: str, *, owner: Owner, policy: Policy) -> list[Fault]:
    """The faults of a new password."""
    if not password.strip():
        return [Fault("password", "blank")]
    if len(password) > MAX_LENGTH:
        return [Fault("password", "too_long", {"maximum": MAX_LENGTH})]
    if "\0" in password:
        return [Fault("password", "invalid")]  # the JSON gate would not let it in at a sign-in
    faults = [Fault("password", "too_short", {"minimum": policy.minimum})] if len(password) < policy.minimum else []
    faults += _monotony(password, policy)
    return faults if faults or policy.guessable else _guesses(password, owner)


class PolicyValidator:
    """The standard policy where Django asks for it: the questions of `createsuperuser`."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError."""
        known = {field.name: getattr(user, field.name, "") for field in fields(Owner)}
        owner = Owner(**known)
        faults = check(password, owner=owner, policy=standard())
        if faults:
            raise ValidationError([sentence(fault) + "." for fault in faults])


def check_confirmation(password: str, confirmation: str) -> list[Fault]:
    """The faults of a new password's second typing, where a surface asks for one."""
    if not confirmation:
        return [Fault("password_confirmation", "blank")]
    if confirmation != password:
        return [Fault("password_confirmation", "confirmation", {"attribute": "Password"})]
    return []


def _monotony(password: str, policy: Policy) -> list[Fault]:
    faults = []
    run = policy.longest_run
    if run is not None and re.search(rf"(.)\1{{{run}}}", password, re.DOTALL):
        faults.append(Fault("password", "password_with_run", {"maximum": run}))
    if policy.mixed:
        faults += [Fault("password", code) for code, kind in KINDS.items() if not kind.search(password)]
    return faults


def _guesses(password: str, owner: Owner) -> list[Fault]:
    faults = []
    try:
        _common.validate(password)
    except ValidationError:
        faults.append(Fault("password", "password_too_common"))
    user = get_user_model()()  # never saved; Django's validator asks its model for names
    for attribute, value in owner.told():
        # What is over-long is a fault of its own, and comparing a megabyte of words would take seconds.
        user.name = value[:_OWNER_LENGTH]
        try:
            _similar.validate(password, user)
        except ValidationError:
            faults.append(Fault("password", "password_too_similar", {"attribute": attribute}))
            break
    return faults


def hashed(password: str | None) -> str:
    """The stored form; None makes one that no password verifies. Slow on purpose: call it outside transactions."""
    with cores.shared.one() if password is not None else nullcontext():
        return make_password(password)


def verified(password: str, stored: str) -> bool:
    """Whether `password`, exactly as received, is the one behind `stored`.

    Costs a hash whatever is stored, so that time does not tell whether there is an account or a
    password. `stored` is "" where there is no account.
    """
    if len(password) > MAX_LENGTH:
        password, stored = "", ""
    with cores.shared.one():
        try:
            hasher = identify_hasher(stored)
        except ValueError:  # no account, or no password
            make_password(password)
            return False
        right = hasher.verify(password, stored)
        hasher.harden_runtime(password, stored)
        return right


def outdated(stored: str) -> bool:
    """Whether the next sign-in should hash anew: imported, or made with other costs."""
    return identify_hasher(stored).must_update(stored)
